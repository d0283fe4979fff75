// Area averages are separable: each row of the thumbnail first sums its rows of the picture, then
// its columns. What lies wholly inside is summed as integers; the two at its borders count in part.

#include "thumbnail.h"

#include <cstdint>
#include <vector>

#include "instruction_set.h"
#include "parallel.h"
#include "thumbnail_rows.h"

namespace fivefold {
namespace {

// The part of output cell `index` (of `cells` over `size` pixels) that covers whole pixels, those
// after `first`, and its shares of the two at its borders. A cell that lies within one pixel has
// only `share_first`.
struct Span {
    int first, whole;
    double share_first, share_last;

    Span(int index, int cells, int size) {
        // Exact integers decide which pixels a cell touches: index * size fits in 64 bits.
        const std::int64_t begin = static_cast<std::int64_t>(index) * size;
        const std::int64_t end = begin + size;
        first = static_cast<int>(begin / cells);
        const int last = static_cast<int>(end / cells);
        const auto share = [&](std::int64_t part) { return static_cast<double>(part) / cells; };
        if (first == last) {
            whole = 0;
            share_first = share(end - begin);
            share_last = 0.0;
        } else {
            whole = last - first - 1;
            share_first = share((first + 1) * static_cast<std::int64_t>(cells) - begin);
            share_last = share(end - last * static_cast<std::int64_t>(cells));
        }
    }
};

ThumbnailKernels kernels() {
    switch (instruction_set()) {
#ifdef FIVEFOLD_X86
        case InstructionSet::avx512: return avx512::thumbnail_kernels();
        case InstructionSet::avx2: return avx2::thumbnail_kernels();
#endif
        default: return portable::thumbnail_kernels();
    }
}

// What a kind of samples has of its own.
template <class Sample> struct Kind;
template <> struct Kind<std::uint8_t> {
    static constexpr auto kDown = &ThumbnailKernels::down_8;
    static constexpr double kFullScale = 255.0;
};
template <> struct Kind<std::uint16_t> {
    static constexpr auto kDown = &ThumbnailKernels::down_16;
    static constexpr double kFullScale = 65535.0;
};
template <> struct Kind<float> {
    static constexpr auto kDown = &ThumbnailKernels::down_float;
    static constexpr double kFullScale = 1.0;
};

}  // namespace

template <class Sample>
void thumbnail(const Sample* input, std::ptrdiff_t stride, int rows, int columns, int size,
               float* output, int threads) {
    const std::size_t width = 3 * static_cast<std::size_t>(columns);
    const double scale =
        static_cast<double>(size) / rows * size / columns / Kind<Sample>::kFullScale;
    const ThumbnailKernels sum = kernels();
    std::vector<Cell> cells;
    cells.reserve(static_cast<std::size_t>(size));
    for (int j = 0; j < size; ++j) {
        const Span x(j, size, columns);
        cells.push_back({x.first, x.whole, x.share_first, x.share_last});
    }
    for_each_band(size, 4, threads, [&](int begin, int end) {
        std::vector<float> sums(width + 1);
        for (int i = begin; i < end; ++i) {
            const Span y(i, size, rows);
            const RowOfCells<Sample> row{input + y.first * stride, stride, y.whole,
                                         static_cast<float>(y.share_first),
                                         static_cast<float>(y.share_last)};
            (sum.*Kind<Sample>::kDown)(row, width, sums.data());
            sum.along(sums.data(), cells.data(), size, scale,
                      output + static_cast<std::size_t>(i) * size * 3);
        }
    });
}

template void thumbnail(const std::uint8_t*, std::ptrdiff_t, int, int, int, float*, int);
template void thumbnail(const std::uint16_t*, std::ptrdiff_t, int, int, int, float*, int);
template void thumbnail(const float*, std::ptrdiff_t, int, int, int, float*, int);

}  // namespace fivefold
