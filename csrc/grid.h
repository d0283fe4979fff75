// The bilateral grid and its guide as the kernels see them (PAPER.md, section 2).
#pragma once

#include <cstddef>

namespace fivefold {

constexpr int kChannels = 3;
constexpr int kKnots = 16;
constexpr int kCoefficients = 12;  // a 3x4 affine colour transform: coefficient 4c + c' of channel c

// g = clip(bias + 1/3 sum_c rho_c(M_c . phi + b'_c), 0, 1),
// rho_c(u) = sum_i slope_ci max(u - threshold_ci, 0).
struct Guide {
    float matrix[kChannels][kChannels];
    float matrix_bias[kChannels];
    float slopes[kChannels][kKnots];
    float thresholds[kChannels][kKnots];
    float bias;
};

// coefficients[n][k][j][i]: coefficient n of the cell at depth k, row j, column i.
struct Grid {
    const float* coefficients;
    int depth, height, width;
    Guide guide;

    float at(int n, int k, int j, int i) const {
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
struct Tap {
    int cell;
    float fraction;
};

inline Tap tap_at(int position, int size, int cells) {
    double coordinate = (position + 0.5) * cells / size - 0.5;
    if (coordinate < 0.0) coordinate = 0.0;
    if (coordinate > cells - 1.0) coordinate = cells - 1.0;
    const int cell = static_cast<int>(coordinate);
    return {cell, static_cast<float>(coordinate - cell)};
}

}  // namespace fivefold
