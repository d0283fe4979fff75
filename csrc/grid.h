// The bilateral grid as the kernels see it (PAPER.md, section 2).
#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "guide.h"

namespace fivefold {

// coefficients[n][k][j][i]: coefficient n of the cell at depth k, row j, column i.
template <class Real>
struct Grid {
    const Real* coefficients;
    int depth, height, width;
    Guide<Real> guide;

    Real at(int n, int k, int j, int i) const {
        return coefficients[((static_cast<std::ptrdiff_t>(n) * depth + k) * height + j) * width + i];
    }
};

// Rows first_row ... first_row + rows of a picture that is full_height rows high.
// Strides count samples; the three channels of a pixel are adjacent, and so are pixels.
template <class Sample>
struct Strip {
    const Sample* input;
    Sample* output;  // may be the input
    std::ptrdiff_t input_stride, output_stride;
    int rows, columns;
    int first_row, full_height;
};

// Centres of pixels and cells sit at +0.5; between the centres of the first and the last cell a
// coordinate has a cell before it and a fraction of the way to the next. Beyond them the edge cell
// counts alone, which is what clamping the indices of both neighbours comes to.
template <class Real>
struct Tap {
    int cell;
    Real fraction;
};

template <class Real>
Tap<Real> tap_at(int position, int size, int cells) {
    double coordinate = (position + 0.5) * cells / size - 0.5;
    if (coordinate < 0.0) coordinate = 0.0;
    if (coordinate > cells - 1.0) coordinate = cells - 1.0;
    const int cell = static_cast<int>(coordinate);
    return {cell, static_cast<Real>(coordinate - cell)};
}

// The coefficients of all cells in the order in which rows and pixels read them: by row, column and
// depth. An entry is 16 numbers: for each input channel the three output channels' weights, then the
// three offsets, each triple padded to four, so that blending entries is 4-wide arithmetic
// throughout and applying one needs no sums across a vector. One more column and one more depth
// repeat the last, so that "the next cell" always exists.
template <class Real>
class Table {
public:
    static constexpr int kEntry = 16;

    // Offsets are held in units in which white is `white`.
    template <class Stored>
    explicit Table(const Grid<Stored>& grid, Real white = 1)
        : columns_(grid.width + 1), depths_(grid.depth + 1), rows_(grid.height),
          entries_(static_cast<std::size_t>(rows_) * row_size()) {
        Real* entry = entries_.data();
        for (int j = 0; j < rows_; ++j)
            for (int i = 0; i < columns_; ++i)
                for (int k = 0; k < depths_; ++k, entry += kEntry)
                    for (int n = 0; n < kCoefficients; ++n)
                        entry[place(n)] = static_cast<Real>(grid.at(
                                              n, std::min(k, grid.depth - 1), j,
                                              std::min(i, grid.width - 1))) *
                                          (n % 4 == 3 ? white : Real(1));
    }

    // Where coefficient n = 4c + c' stands in an entry.
    static constexpr int place(int n) { return (n % 4) * 4 + n / 4; }

    std::size_t row_size() const { return static_cast<std::size_t>(columns_) * column_size(); }
    std::size_t column_size() const { return static_cast<std::size_t>(depths_) * kEntry; }

    // The table of one row of pixels.
    void interpolate_row(Tap<Real> y, Real* row) const {
        const Real* above = entries_.data() + static_cast<std::size_t>(y.cell) * row_size();
        const Real* below = y.cell + 1 < rows_ ? above + row_size() : above;
        for (std::size_t n = 0; n < row_size(); ++n)
            row[n] = above[n] + y.fraction * (below[n] - above[n]);
    }

private:
    int columns_, depths_, rows_;
    std::vector<Real> entries_;
};

}  // namespace fivefold
