// The grid in the order in which slice_rows.h makes tables of it.
#pragma once

#include <algorithm>
#include <vector>

#include "grid.h"
#include "slice_rows.h"

namespace fivefold {

// By row, column, coefficient and depth; depths beyond the grid's repeat its last, and so does one
// row more. Some zeros follow. The grid has at most kDepths depths.
struct Nodes {
    static constexpr std::size_t kCell = static_cast<std::size_t>(kCoefficients) * kDepths;

    int rows, columns;
    std::vector<float> numbers;

    explicit Nodes(const Grid<float>& grid)
        : rows(grid.height), columns(grid.width),
          numbers(static_cast<std::size_t>(rows + 1) * row_size() + kTablePadding) {
        for (int j = 0; j <= rows; ++j)
            for (int n = 0; n < kCoefficients; ++n)
                for (int k = 0; k < kDepths; ++k)
                    for (int i = 0; i < columns; ++i)
                        at(j, i, n)[k] = grid.at(n, std::min(k, grid.depth - 1),
                                                 std::min(j, rows - 1), i);
    }

    std::size_t row_size() const { return static_cast<std::size_t>(columns) * kCell; }

    float* at(int j, int i, int n) { return numbers.data() + place(j, i, n); }
    const float* at(int j, int i, int n) const { return numbers.data() + place(j, i, n); }

    void scale(float weight, float offset) {
        for (std::size_t group = 0; group + kTablePadding < numbers.size(); group += 4 * kDepths) {
            float* channel = numbers.data() + group;
            for (int n = 0; n < 3 * kDepths; ++n) channel[n] *= weight;
            for (int n = 3 * kDepths; n < 4 * kDepths; ++n) channel[n] *= offset;
        }
    }

private:
    std::size_t place(int j, int i, int n) const {
        return static_cast<std::size_t>(j) * row_size() + static_cast<std::size_t>(i) * kCell +
               static_cast<std::size_t>(n) * kDepths;
    }
};

}  // namespace fivefold
