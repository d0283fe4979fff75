#include "network_layers.h"

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

// Several floats in one register, as wide as this build's instruction set has them.
#if defined(__AVX512F__)
constexpr int kLanes = 16, kGroups = 4;
#elif defined(__AVX2__)
constexpr int kLanes = 8, kGroups = 2;
#else
constexpr int kLanes = 4, kGroups = 2;
#endif

#if defined(__GNUC__)
typedef float Lanes __attribute__((vector_size(4 * kLanes)));
typedef float UnalignedLanes __attribute__((vector_size(4 * kLanes), aligned(4), may_alias));
inline Lanes load(const float* from) { return *reinterpret_cast<const UnalignedLanes*>(from); }
inline void store(float* to, Lanes a) { *reinterpret_cast<UnalignedLanes*>(to) = a; }
inline Lanes rectified(Lanes a) { return a < Lanes{} ? Lanes{} : a; }
#else
struct Lanes {
    float v[kLanes];
};
inline Lanes load(const float* from) {
    Lanes a;
    for (int l = 0; l < kLanes; ++l) a.v[l] = from[l];
    return a;
}
inline void store(float* to, Lanes a) {
    for (int l = 0; l < kLanes; ++l) to[l] = a.v[l];
}
inline Lanes operator*(Lanes a, float b) {
    for (int l = 0; l < kLanes; ++l) a.v[l] *= b;
    return a;
}
inline Lanes operator*(Lanes a, Lanes b) {
    for (int l = 0; l < kLanes; ++l) a.v[l] *= b.v[l];
    return a;
}
inline Lanes rectified(Lanes a) {
    for (int l = 0; l < kLanes; ++l) a.v[l] = a.v[l] < 0 ? 0 : a.v[l];
    return a;
}
inline Lanes& operator+=(Lanes& a, Lanes b) {
    for (int l = 0; l < kLanes; ++l) a.v[l] += b.v[l];
    return a;
}
#endif

// Writes the first `count` of a register's channels, biased; padding has no place in the output.
inline void finish(const Convolution& layer, Lanes sums, int first, float* output) {
    const int count = layer.outputs - first;
    if (count >= kLanes) {
        sums += load(layer.bias + first);
        store(output + first, layer.rectifies ? rectified(sums) : sums);
        return;
    }
    float channels[kLanes];
    store(channels, sums);
    for (int l = 0; l < count; ++l) {
        const float value = channels[l] + layer.bias[first + l];
        output[first + l] = layer.rectifies && value < 0 ? 0 : value;
    }
}

// The sums of `Pixels` neighbours on a row and `Groups` registers of output channels stay in
// registers while all taps are added, in the order j, i, c.
template <int Pixels, int Groups>
void convolve_tile(const Convolution& layer, const float* input, int first_output, float* output) {
    const int taps_across = layer.kernel * layer.inputs;
    const std::size_t block = static_cast<std::size_t>(layer.kernel) * taps_across * kBlock;
    const std::size_t step = static_cast<std::size_t>(layer.stride) * layer.inputs;
    const float* weights[Groups];
    for (int g = 0; g < Groups; ++g) {
        const int o = first_output + g * kLanes;
        weights[g] = layer.weights + o / kBlock * block + o % kBlock;
    }
    Lanes sums[Pixels][Groups] = {};
    for (int j = 0; j < layer.kernel; ++j, input += layer.input_row)
        for (int t = 0; t < taps_across; ++t) {
            Lanes weight[Groups];
            for (int g = 0; g < Groups; ++g) {
                weight[g] = load(weights[g]);
                weights[g] += kBlock;
            }
            for (int p = 0; p < Pixels; ++p) {
                const float value = input[p * step + t];
                for (int g = 0; g < Groups; ++g) sums[p][g] += weight[g] * value;
            }
        }
    for (int p = 0; p < Pixels; ++p)
        for (int g = 0; g < Groups; ++g)
            finish(layer, sums[p][g], first_output + g * kLanes, output + p * layer.outputs);
}

// As many registers at a time as there are channels for, and so many pixels that the sums take as
// many registers in all: fewer would wait for each other.
template <int Groups>
void convolve_row(const Convolution& layer, const float* input, int first_output, float* output) {
    constexpr int kPixels = 4 * kGroups / Groups;
    const int padded = (layer.outputs + kBlock - 1) / kBlock * kBlock;
    const std::size_t step = static_cast<std::size_t>(layer.stride) * layer.inputs;
    int o = first_output;
    for (; o + Groups * kLanes <= padded; o += Groups * kLanes) {
        int x = 0;
        for (; x + kPixels <= layer.columns; x += kPixels)
            convolve_tile<kPixels, Groups>(layer, input + x * step, o, output + x * layer.outputs);
        for (; x < layer.columns; ++x)
            convolve_tile<1, Groups>(layer, input + x * step, o, output + x * layer.outputs);
    }
    if constexpr (Groups > 1) convolve_row<Groups / 2>(layer, input, o, output);
}

// A whole row for one tile of channels before the next: their weights stay in the cache.
void convolve_rows(const Convolution& layer, int begin, int end) {
    for (int y = begin; y < end; ++y)
        convolve_row<kGroups>(layer, layer.input + y * layer.stride * layer.input_row, 0,
                              layer.output + y * layer.output_row);
}

float sum(const float (&lanes)[kBlock]) {
    float half[8], quarter[4];
    for (int l = 0; l < 8; ++l) half[l] = lanes[l] + lanes[l + 8];
    for (int l = 0; l < 4; ++l) quarter[l] = half[l] + half[l + 4];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

// Input c goes to lane c % kBlock; the lanes are added up at the end.
void connect_outputs(const Connection& layer, int begin, int end) {
    constexpr int kRegisters = kBlock / kLanes;
    const int whole = layer.inputs / kBlock * kBlock;
    for (int o = begin; o < end; ++o) {
        const float* weights = layer.weights + static_cast<std::size_t>(o) * layer.inputs;
        Lanes sums[kRegisters] = {};
        for (int c = 0; c < whole; c += kBlock)
            for (int r = 0; r < kRegisters; ++r)
                sums[r] += load(weights + c + r * kLanes) * load(layer.input + c + r * kLanes);
        float lanes[kBlock];
        for (int r = 0; r < kRegisters; ++r) store(lanes + r * kLanes, sums[r]);
        for (int c = whole; c < layer.inputs; ++c) lanes[c - whole] += weights[c] * layer.input[c];
        const float value = layer.bias[o] + sum(lanes);
        layer.output[o] = layer.rectifies && value < 0 ? 0 : value;
    }
}

}  // namespace

LayerKernels layer_kernels() { return {convolve_rows, connect_outputs}; }

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
