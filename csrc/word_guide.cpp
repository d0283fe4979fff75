#include "word_guide.h"

#include <algorithm>
#include <cmath>

#include "float_guide.h"

namespace fivefold {
namespace {


// Both leave room for the error of u: in words, what passes 1 is doubled.
constexpr double kSurelyBelowOne = 0.999, kMostBeyond = 1.4998;

bool fits(double value) { return value >= -32768.0 && value <= 32767.0; }

std::int16_t rounded(double value) {
    return static_cast<std::int16_t>(std::floor(std::clamp(value, -32768.0, 32767.0) + 0.5));
}

struct Range {
    double low, high;
};

// weights . phi + bias over all colours phi.
Range range_of(const double (&weights)[kChannels], double bias) {
    Range range{bias, bias};
    for (const double weight : weights) (weight < 0 ? range.low : range.high) += weight;
    return range;
}

// A curve of the guide in units of 2^-13 of a depth.
struct Curve {
    double values[kKnots + 1];  // at i / 16
    double rise;                // from 1 on, for each 1/16
    Range range;
    double steepest;  // the greatest |rho'|

    Curve(const Guide<float>& guide, int c, double greatest_u, int depth) {
        const double scale = depth / 3.0 * kDepthOne;
        double value = 0.0, slope = 0.0;
        range = {0.0, 0.0};
        steepest = 0.0;
        for (int i = 0; i <= kKnots; ++i) {
            values[i] = value * scale;
            if (i == kKnots) break;
            // From the first knot that no colour reaches, the curve is held.
            if (i > std::max(greatest_u, 0.0) * kKnots + 0.1) continue;
            slope += guide.slopes[c][i];
            value += slope / kKnots;
            steepest = std::max(steepest, std::fabs(slope));
            include(value * scale);
        }
        rise = slope / kKnots * scale;
        if (greatest_u > 1.0) include(values[kKnots] + (greatest_u - 1.0) * kKnots * rise);
    }

    double middle() const { return (range.low + range.high) / 2; }

private:
    void include(double number) {
        range.low = std::min(range.low, number);
        range.high = std::max(range.high, number);
    }
};

}  // namespace

bool make_word_guide(const Grid<float>& grid, WordGuide& words, double& depth_error) {
    const Guide<float>& guide = grid.guide;
    words.is_beyond_one = false;
    if (!has_uniform_knots(guide) || grid.depth > kDepths) return false;

    // The finest unit in which no channel's correction goes farther than 2^-t from its middle.
    double small[kChannels][kChannels], greatest = 0.0, middle[kChannels], greatest_u[kChannels];
    for (int c = 0; c < kChannels; ++c) {
        double weights[kChannels];
        for (int n = 0; n < kChannels; ++n) {
            weights[n] = guide.matrix[c][n];
            small[c][n] = weights[n] - (n == c ? 255.0 / 256.0 : 0.0);
            greatest = std::max(greatest, std::fabs(small[c][n]));
        }
        const Range correction = range_of(small[c], guide.matrix_bias[c]);
        greatest = std::max(greatest, (correction.high - correction.low) / 2);
        middle[c] = (correction.low + correction.high) / 2;
        greatest_u[c] = range_of(weights, guide.matrix_bias[c]).high;
    }
    const double room = 1.0 - 1.0 / 256.0;  // for roundings, and 256/255 in the stored weights
    int finer = 4;
    while (finer >= 1 && std::ldexp(greatest, finer) > room) --finer;
    if (finer < 1) return false;
    words.finer_bits = finer;
    const double unit = std::ldexp(1.0, 15 + finer);
    for (int c = 0; c < kChannels; ++c) {
        for (int n = 0; n < kChannels; ++n)
            words.matrix[c][n] = rounded(small[c][n] * unit * 256.0 / 255.0);
        // Half a unit for rounding, and so much that it counts from zero, which wraps around.
        const double bias = guide.matrix_bias[c] * unit + std::ldexp(0.5, finer);
        if (std::fabs(middle[c]) > 2.0) return false;
        const int zero = (0x8000 >> finer) - static_cast<int>(std::floor(middle[c] * 32768.0 + 0.5));
        if (zero < 0 || zero > 0xffff) return false;
        words.matrix_bias[c] = static_cast<std::int16_t>(static_cast<std::uint16_t>(
            static_cast<int>(std::floor(bias + 0.5)) + (zero << finer)));
        words.zeros[c] = static_cast<std::int16_t>(zero);
    }

    // The first two curves count from their middles; the third takes in what that leaves out.
    const Curve curves[kChannels] = {Curve(guide, 0, greatest_u[0], grid.depth),
                                     Curve(guide, 1, greatest_u[1], grid.depth),
                                     Curve(guide, 2, greatest_u[2], grid.depth)};
    const double base = grid.depth * static_cast<double>(guide.bias) - 0.5 - kMiddleDepth;
    const double offsets[kChannels] = {-curves[0].middle(), -curves[1].middle(),
                                       base * kDepthOne + curves[0].middle() + curves[1].middle()};
    double sum_low = 0.0, sum_high = 0.0, error = 0.0;
    for (int c = 0; c < kChannels; ++c) {
        const double low = curves[c].range.low + offsets[c];
        const double high = curves[c].range.high + offsets[c];
        if (!fits(low) || !fits(high)) return false;
        sum_low += low;
        sum_high += high;
        if (c == 1 && (!fits(sum_low) || !fits(sum_high))) return false;
        error += grid.depth / 3.0 * curves[c].steepest *
                 std::ldexp(0.5 + 3.5 * std::ldexp(1.0, -finer), -15);
        for (int i = 0; i < kKnots; ++i) {
            const int here = rounded(curves[c].values[i] + offsets[c]);
            const int rise = rounded(curves[c].values[i + 1] + offsets[c]) - here;
            if (!fits(rise)) return false;
            words.values[c][i] = static_cast<std::int16_t>(here);
            words.rises[c][i] = static_cast<std::int16_t>(rise);
        }
        words.beyond[c] = rounded(8.0 * curves[c].rise);
        if (greatest_u[c] > kSurelyBelowOne) {
            if (greatest_u[c] > kMostBeyond || !fits(8.0 * curves[c].rise)) return false;
            words.is_beyond_one = true;
            error += 1.0 / kDepthOne;
        }
    }
    words.deepest = rounded((grid.depth - 1 - kMiddleDepth) * static_cast<double>(kDepthOne));
    depth_error = error + 3.0 / kDepthOne;
    return true;
}

}  // namespace fivefold
