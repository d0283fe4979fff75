// The guide made ready for float arithmetic.
#pragma once

#include "guide.h"

namespace fivefold {

template <class Real>
struct Grid;

// From the channels of a sample to a depth d g - 1/2, times `one`, held between the centres of the
// first and last cell. u_c = matrix_c . channels + matrix_bias_c.
struct FloatGuide {
    float matrix[kChannels][kChannels];
    float matrix_bias[kChannels];
    bool has_uniform_knots;
    // Free knots: depth = base + sum_c sum_i slope_ci max(u_c - threshold_ci, 0).
    float slopes[kChannels][kKnots];
    float thresholds[kChannels][kKnots];
    // Knots at i/16: u is in units of 1/16, and depth = base + sum_c value_ci + rise_ci (u_c - i),
    // i the whole part of u_c held in 0 ... 15.
    float values[kChannels][kKnots];
    float rises[kChannels][kKnots];
    float base, deepest;
};

// Whether every threshold is i/16.
bool has_uniform_knots(const Guide<float>& guide);

// The guide for samples whose white is `white`.
FloatGuide make_float_guide(const Grid<float>& grid, double white, double one);

// How far depths found with it can be off, in depths.
double depth_error(const Grid<float>& grid);

}  // namespace fivefold
