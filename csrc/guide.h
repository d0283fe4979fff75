// The guide as the kernels see it (PAPER.md, section 2).
#pragma once

namespace fivefold {

constexpr int kChannels = 3;
constexpr int kKnots = 16;
constexpr int kCoefficients = 12;  // a 3x4 affine colour transform: coefficient 4c + c' of channel c

// g = clip(bias + 1/3 sum_c rho_c(M_c . phi + b'_c), 0, 1),
// rho_c(u) = sum_i slope_ci max(u - threshold_ci, 0). Plain data: the gradients have the same form.
template <class Real>
struct Guide {
    Real matrix[kChannels][kChannels];
    Real matrix_bias[kChannels];
    Real slopes[kChannels][kKnots];
    Real thresholds[kChannels][kKnots];
    Real bias;
};

}  // namespace fivefold
