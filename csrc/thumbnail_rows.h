// The two sums of a thumbnail, down the rows of a cell and along its columns, compiled like
// network_layers.cpp for each instruction set: their order is written out, so all give the same
// bits.
#pragma once

#include <cstddef>
#include <cstdint>

namespace fivefold {

// What a row of cells covers of the picture: whole rows, below one that counts in part, and above
// another unless its share is 0.
template <class Sample> struct RowOfCells {
    const Sample* first;
    std::ptrdiff_t stride;
    int whole_rows;
    float share_first, share_last;
};

// What a cell covers of such a row, likewise.
struct Cell {
    int first, whole_columns;
    double share_first, share_last;
};

struct ThumbnailKernels {
    // sums[n] = the sum of samples n, for n < count
    void (*down_8)(const RowOfCells<std::uint8_t>& row, std::size_t count, float* sums);
    void (*down_16)(const RowOfCells<std::uint16_t>& row, std::size_t count, float* sums);
    void (*down_float)(const RowOfCells<float>& row, std::size_t count, float* sums);
    // means[j][c] = scale times the sum of channel c of cell j, for j < count; one float beyond the
    // last pixel's is read.
    void (*along)(const float* sums, const Cell* cells, int count, double scale, float* means);
};

namespace portable {
ThumbnailKernels thumbnail_kernels();
}
namespace avx2 {
ThumbnailKernels thumbnail_kernels();
}
namespace avx512 {
ThumbnailKernels thumbnail_kernels();
}

}  // namespace fivefold
