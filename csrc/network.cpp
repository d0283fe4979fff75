#include "network.h"

#include <algorithm>

#include "instruction_set.h"
#include "parallel.h"

namespace fivefold {
namespace {

LayerKernels kernels() {
    switch (instruction_set()) {
#if defined(FIVEFOLD_X86)
        case InstructionSet::avx512: return avx512::layer_kernels();
        case InstructionSet::avx2: return avx2::layer_kernels();
#elif defined(FIVEFOLD_NEON)
        case InstructionSet::neon: return neon::layer_kernels();
#endif
        default: return portable::layer_kernels();
    }
}

}  // namespace

void convolve(const Convolution& layer, int rows, int threads) {
    // A thread costs as much as this many products.
    constexpr double kProductsPerThread = 1e7;
    const double products = 1.0 * rows * layer.columns * layer.outputs * layer.inputs *
                            layer.kernel * layer.kernel;
    const int worthwhile = static_cast<int>(std::min(1e3, products / kProductsPerThread));
    const int used = std::max(1, std::min({threads, rows, worthwhile}));
    const LayerKernels layers = kernels();
    for_each_band(rows, (rows + 4 * used - 1) / (4 * used), used,
                  [&](int begin, int end) { layers.convolve_rows(layer, begin, end); });
}

void connect(const Connection& layer, int outputs) {
    kernels().connect_outputs(layer, 0, outputs);
}

void pack_weights(const float* stored, int outputs, int inputs, int kernel, float* packed) {
    const std::size_t taps = static_cast<std::size_t>(kernel) * kernel;
    for (int first = 0; first < outputs; first += kBlock) {
        const int filled = std::min(kBlock, outputs - first);
        for (std::size_t tap = 0; tap < taps; ++tap)
            for (int c = 0; c < inputs; ++c) {
                for (int o = 0; o < filled; ++o)
                    packed[o] = stored[((first + o) * static_cast<std::size_t>(inputs) + c) * taps +
                                       tap];
                for (int o = filled; o < kBlock; ++o) packed[o] = 0;
                packed += kBlock;
            }
    }
}

}  // namespace fivefold
