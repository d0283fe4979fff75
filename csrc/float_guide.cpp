#include "float_guide.h"

#include <cmath>

#include "grid.h"

namespace fivefold {

bool has_uniform_knots(const Guide<float>& guide) {
    for (const auto& curve : guide.thresholds)
        for (int i = 0; i < kKnots; ++i)
            if (curve[i] != static_cast<float>(i) / kKnots) return false;
    return true;
}

template <class Real>
RealGuide<Real> make_real_guide(const Grid<float>& grid, double white, double one) {
    const Guide<float>& guide = grid.guide;
    const double scale = grid.depth * one / 3.0;
    RealGuide<Real> made{};
    made.has_uniform_knots = has_uniform_knots(guide);
    const double u_one = made.has_uniform_knots ? kKnots : 1.0;
    for (int c = 0; c < kChannels; ++c) {
        for (int from = 0; from < kChannels; ++from)
            made.matrix[c][from] = static_cast<Real>(guide.matrix[c][from] * u_one / white);
        made.matrix_bias[c] = static_cast<Real>(guide.matrix_bias[c] * u_one);
        double value = 0.0, slope = 0.0;
        for (int i = 0; i < kKnots; ++i) {
            made.slopes[c][i] = static_cast<Real>(guide.slopes[c][i] * scale);
            made.thresholds[c][i] = guide.thresholds[c][i];
            value += slope / kKnots;
            slope += guide.slopes[c][i];
            made.values[c][i] = static_cast<Real>(value * scale);
            made.rises[c][i] = static_cast<Real>(slope / kKnots * scale);
        }
    }
    made.base = static_cast<Real>((grid.depth * static_cast<double>(guide.bias) - 0.5) * one);
    made.deepest = static_cast<Real>((grid.depth - 1) * one);
    return made;
}

template RealGuide<float> make_real_guide(const Grid<float>&, double, double);
template RealGuide<double> make_real_guide(const Grid<float>&, double, double);

double depth_error(const Grid<float>& grid) {
    // Each of some hundred roundings is at most 2^-24 of the numbers that meet there, and none of
    // those exceeds the sum of all magnitudes.
    const Guide<float>& guide = grid.guide;
    double magnitude = std::fabs(guide.bias) + 1.0;
    for (int c = 0; c < kChannels; ++c) {
        double u = std::fabs(guide.matrix_bias[c]);
        for (const float weight : guide.matrix[c]) u += std::fabs(weight);
        for (int i = 0; i < kKnots; ++i)
            magnitude += std::fabs(guide.slopes[c][i]) * (u + std::fabs(guide.thresholds[c][i])) / 3;
    }
    return grid.depth * magnitude * 100.0 * std::ldexp(1.0, -24);
}

}  // namespace fivefold
