// Rows of a picture in double precision: 16-bit and float photos, and those of 8 bits for which
// fixed point does not suffice.
//
// Its results are the formula's in real numbers, but for some hundred roundings of 2^-53 of what
// meets there: with an ordinary grid surely less than a millionth of a 16-bit code, and mostly less
// than 1e-9. So an integer result is the code nearest to the real number, the one that
// kernels/reference.py gives, unless the real number lies as near to the middle between two codes:
// then the reference's own roundings decide what it gives.
//
// double_rows.cpp is compiled once for each instruction set, as slice_rows.cpp is and under the
// same rules.
#pragma once

#include <cstddef>
#include <cstdint>

#include "block.h"
#include "float_guide.h"

namespace fivefold {

// The coefficients of one cell and depth, in the grid's order; a table holds for each cell of a row,
// by column and depth, four such entries: the coefficients, and their differences to the next
// column, to the next depth, and of both.
constexpr int kEntry = kCoefficients;
constexpr int kEntries = 4;

template <class Sample>
struct DoubleRow {
    const Sample* input;
    Sample* output;  // may be the input
    int columns;
    const Block* blocks;
    const double* fractions;  // each pixel's place between columns of cells
    const double* table;      // offsets in units of the samples
    int depths;
    const DoubleGuide* guide;  // from the sample to depth
    double white;
    bool clip;
};

struct DoubleKernels {
    // The table of one row of pixels, which lies `fraction` of the way between two rows of cells.
    // These are entries by column and depth; `nodes` is room for such a row and one column more.
    void (*table)(const double* above, const double* below, double fraction, int columns,
                  int depths, double* nodes, double* table);
    void (*row_8)(const DoubleRow<std::uint8_t>& row);
    void (*row_16)(const DoubleRow<std::uint16_t>& row);
    void (*row_32)(const DoubleRow<float>& row);
};

namespace avx2 {
extern const DoubleKernels double_kernels;
}
namespace avx512 {
extern const DoubleKernels double_kernels;
}
namespace neon {
extern const DoubleKernels double_kernels;
}

}  // namespace fivefold
