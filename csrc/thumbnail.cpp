// Area averages are separable: each row of the thumbnail first sums its rows of the picture,
// then its columns. Rows that lie wholly inside are summed as integers, which is exact and fast;
// the two at its borders count in part.

#include "thumbnail.h"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <vector>

#include "parallel.h"

namespace fivefold {
namespace {

// The part of output cell `index` (of `cells` over `size` pixels) that covers whole pixels,
// [whole_begin, whole_end), and its shares of the pixels at its two borders. A cell that lies
// within one pixel has only `share_first`.
struct Span {
    int first, whole_begin, whole_end;
    double share_first, share_last;

    Span(int index, int cells, int size) {
        // Exact integers decide which pixels a cell touches: index * size fits in 64 bits.
        const std::int64_t begin = static_cast<std::int64_t>(index) * size;
        const std::int64_t end = begin + size;
        first = static_cast<int>(begin / cells);
        const int last = static_cast<int>(end / cells);
        const auto share = [&](std::int64_t part) { return static_cast<double>(part) / cells; };
        whole_begin = first + 1;
        whole_end = last;
        if (first == last) {
            share_first = share(end - begin);
            share_last = 0.0;
        } else {
            share_first = share((first + 1) * static_cast<std::int64_t>(cells) - begin);
            share_last = share(end - last * static_cast<std::int64_t>(cells));
        }
    }
};

// The sum type of samples, and how many of them it holds without overflow.
template <class Sample> struct Sums;
template <> struct Sums<std::uint8_t> {
    using Type = std::uint16_t;
    static constexpr int kMostRows = 257;
    static constexpr double kFullScale = 255.0;
};
template <> struct Sums<std::uint16_t> {
    using Type = std::uint32_t;
    static constexpr int kMostRows = 65537;
    static constexpr double kFullScale = 65535.0;
};
template <> struct Sums<float> {
    using Type = float;
    static constexpr int kMostRows = 256;  // bounds the rounding error of a running sum
    static constexpr double kFullScale = 1.0;
};

}  // namespace

template <class Sample>
void thumbnail(const Sample* input, std::ptrdiff_t stride, int rows, int columns, int size,
               float* output, int threads) {
    using Sum = typename Sums<Sample>::Type;
    const std::size_t width = 3 * static_cast<std::size_t>(columns);
    const double scale = static_cast<double>(size) / rows * size / columns / Sums<Sample>::kFullScale;

    for_each_band(size, 4, threads, [&](int begin, int end) {
        std::vector<Sum> whole(width);
        std::vector<float> total(width);
        for (int i = begin; i < end; ++i) {
            const Span y(i, size, rows);
            const Sample* border = input + y.first * stride;
            for (std::size_t n = 0; n < width; ++n)
                total[n] = static_cast<float>(y.share_first) * static_cast<float>(border[n]);
            for (int row = y.whole_begin; row < y.whole_end;) {
                const int stop = std::min(y.whole_end, row + Sums<Sample>::kMostRows);
                std::fill(whole.begin(), whole.end(), Sum{});
                for (; row < stop; ++row) {
                    const Sample* samples = input + row * stride;
                    for (std::size_t n = 0; n < width; ++n)
                        whole[n] = static_cast<Sum>(whole[n] + samples[n]);
                }
                for (std::size_t n = 0; n < width; ++n) total[n] += static_cast<float>(whole[n]);
            }
            if (y.share_last > 0.0) {
                border = input + y.whole_end * stride;
                for (std::size_t n = 0; n < width; ++n)
                    total[n] += static_cast<float>(y.share_last) * static_cast<float>(border[n]);
            }
            float* thumb = output + static_cast<std::size_t>(i) * size * 3;
            for (int j = 0; j < size; ++j, thumb += 3) {
                const Span x(j, size, columns);
                for (int c = 0; c < 3; ++c) {
                    double sum = x.share_first * total[3 * static_cast<std::size_t>(x.first) + c];
                    for (int column = x.whole_begin; column < x.whole_end; ++column)
                        sum += total[3 * static_cast<std::size_t>(column) + c];
                    if (x.share_last > 0.0)
                        sum += x.share_last * total[3 * static_cast<std::size_t>(x.whole_end) + c];
                    thumb[c] = static_cast<float>(sum * scale);
                }
            }
        }
    });
}

template void thumbnail(const std::uint8_t*, std::ptrdiff_t, int, int, int, float*, int);
template void thumbnail(const std::uint16_t*, std::ptrdiff_t, int, int, int, float*, int);
template void thumbnail(const float*, std::ptrdiff_t, int, int, int, float*, int);

}  // namespace fivefold
