#include "thumbnail_rows.h"

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

// What whole rows are summed in, and of how many it holds the sum. Integers are exact and fast.
template <class Sample> struct Whole;
template <> struct Whole<std::uint8_t> {
    using Sum = std::uint16_t;
    static constexpr int kMostRows = 257;
};
template <> struct Whole<std::uint16_t> {
    using Sum = std::uint32_t;
    static constexpr int kMostRows = 65537;
};
template <> struct Whole<float> {
    using Sum = float;
    static constexpr int kMostRows = 256;  // bounds the rounding error of a running sum
};

constexpr std::size_t kRun = 512;  // samples whose sums stay in the first-level cache

// Several rows at a time, so that the sums are not fetched and stored for each of them.
template <int Rows, class Sample, class Sum>
const Sample* add_rows(const Sample* from, std::ptrdiff_t stride, int rows, std::size_t count,
                       Sum* sums) {
    for (; rows >= Rows; rows -= Rows, from += Rows * stride)
        for (std::size_t n = 0; n < count; ++n) {
            Sum sum = sums[n];
            for (int r = 0; r < Rows; ++r) sum = static_cast<Sum>(sum + from[n + r * stride]);
            sums[n] = sum;
        }
    if constexpr (Rows > 1) return add_rows<Rows / 2>(from, stride, rows, count, sums);
    return from;
}

template <class Sample>
void down(const RowOfCells<Sample>& row, std::size_t count, float* sums) {
    constexpr int kMost = Whole<Sample>::kMostRows;
    for (std::size_t begin = 0; begin < count; begin += kRun) {
        const std::size_t run = count - begin < kRun ? count - begin : kRun;
        const Sample* from = row.first + begin;
        float* total = sums + begin;
        for (std::size_t n = 0; n < run; ++n)
            total[n] = row.share_first * static_cast<float>(from[n]);
        from += row.stride;
        for (int left = row.whole_rows; left > 0; left -= kMost) {
            const int rows = left < kMost ? left : kMost;
            typename Whole<Sample>::Sum whole[kRun] = {};
            from = add_rows<8>(from, row.stride, rows, run, whole);
            for (std::size_t n = 0; n < run; ++n) total[n] += static_cast<float>(whole[n]);
        }
        if (row.share_last > 0.0f)
            for (std::size_t n = 0; n < run; ++n)
                total[n] += row.share_last * static_cast<float>(from[n]);
    }
}

// The channels of a pixel, and the next one's first, which is of no use but fills the register.
void along(const float* sums, const Cell* cells, int count, double scale, float* means) {
    for (int j = 0; j < count; ++j) {
        const Cell& cell = cells[j];
        const float* pixel = sums + 3 * static_cast<std::size_t>(cell.first);
        double sum[4];
        for (int c = 0; c < 4; ++c) sum[c] = cell.share_first * pixel[c];
        for (int column = 0; column < cell.whole_columns; ++column) {
            pixel += 3;
            for (int c = 0; c < 4; ++c) sum[c] += pixel[c];
        }
        if (cell.share_last > 0.0) {
            pixel += 3;
            for (int c = 0; c < 4; ++c) sum[c] += cell.share_last * pixel[c];
        }
        for (int c = 0; c < 3; ++c) means[3 * j + c] = static_cast<float>(sum[c] * scale);
    }
}

}  // namespace

ThumbnailKernels thumbnail_kernels() {
    return {down<std::uint8_t>, down<std::uint16_t>, down<float>, along};
}

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
