// The guide made ready for floating-point arithmetic.
#pragma once

#include "guide.h"

namespace fivefold {

template <class Real>
struct Grid;

// From the channels of a sample to a depth d g - 1/2, times `one`, held between the centres of the
// first and last cell. u_c = matrix_c . channels + matrix_bias_c.
template <class Real>
struct RealGuide {
    Real matrix[kChannels][kChannels];
    Real matrix_bias[kChannels];
    bool has_uniform_knots;
    // Free knots: depth = base + sum_c sum_i slope_ci max(u_c - threshold_ci, 0).
    Real slopes[kChannels][kKnots];
    Real thresholds[kChannels][kKnots];
    // Knots at i/16: u is in units of 1/16, and depth = base + sum_c value_ci + rise_ci (u_c - i),
    // i the whole part of u_c held in 0 ... 15.
    Real values[kChannels][kKnots];
    Real rises[kChannels][kKnots];
    Real base, deepest;
};
using FloatGuide = RealGuide<float>;
using DoubleGuide = RealGuide<double>;

// Whether every threshold is i/16.
bool has_uniform_knots(const Guide<float>& guide);

// The guide for samples whose white is `white`.
template <class Real>
RealGuide<Real> make_real_guide(const Grid<float>& grid, double white, double one);

// How far depths found with floats can be off, in depths.
double depth_error(const Grid<float>& grid);

}  // namespace fivefold
