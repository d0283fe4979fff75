#include "thumbnail_rows.h"

#include "hints.h"

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

constexpr int kLineBytes = 64;     // that memory comes in
constexpr int kAheadBytes = 1024;  // of what is summed, memory is asked for

// Rows in strips as wide as a line of memory, so that their sums stay in registers. A processor
// foresees that a row is read on, but not a dozen of them at once, so it is told.
template <int Count, class Sample>
INLINED void down_strip(const RowOfCells<Sample>& row, const Sample* from, float* sums) {
    constexpr int kMost = Whole<Sample>::kMostRows;
    float total[Count];
    for (int n = 0; n < Count; ++n) total[n] = row.share_first * static_cast<float>(from[n]);
    prefetch(from, kAheadBytes);
    from += row.stride;
    for (int left = row.whole_rows; left > 0; left -= kMost) {
        const int rows = left < kMost ? left : kMost;
        typename Whole<Sample>::Sum whole[Count] = {};
        for (int r = 0; r < rows; ++r, from += row.stride) {
            for (int n = 0; n < Count; ++n)
                whole[n] = static_cast<typename Whole<Sample>::Sum>(whole[n] + from[n]);
            prefetch(from, kAheadBytes);
        }
        for (int n = 0; n < Count; ++n) total[n] += static_cast<float>(whole[n]);
    }
    if (row.share_last > 0.0f) {
        for (int n = 0; n < Count; ++n) total[n] += row.share_last * static_cast<float>(from[n]);
        prefetch(from, kAheadBytes);
    }
    for (int n = 0; n < Count; ++n) sums[n] = total[n];
}

template <class Sample>
void down(const RowOfCells<Sample>& row, std::size_t count, float* sums) {
    constexpr int kStrip = kLineBytes / sizeof(Sample);
    std::size_t n = 0;
    for (; n + kStrip <= count; n += kStrip) down_strip<kStrip>(row, row.first + n, sums + n);
    for (; n < count; ++n) down_strip<1>(row, row.first + n, sums + n);
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
