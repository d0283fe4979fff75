#include "word_guide.h"

#include <algorithm>
#include <cmath>

#include "float_guide.h"

namespace fivefold {
namespace {

constexpr double kZero = 3.25;  // of the depths -1/2 ... 7 1/2, all that matter are within 4 of it

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

// A curve of the guide in units of 2^-13 of a depth, at knots i / 16.
struct Curve {
    double values[32];
    Range range;
    double steepest;  // the greatest |rho'|

    Curve(const Guide<float>& guide, int c, double greatest_u, int depth) {
        // From the last knot that a colour reaches, the curve is held. At most 24, which every
        // instruction set can look up: u is below 255/256 + 1/2.
        const int last = static_cast<int>(std::ceil(std::max(greatest_u, 0.0) * kKnots + 0.1));
        const double scale = depth / 3.0 * kDepthOne;
        double value = 0.0, slope = 0.0;
        range = {0.0, 0.0};
        steepest = 0.0;
        for (int i = 0; i < 32; ++i) {
            values[i] = value * scale;
            range.low = std::min(range.low, values[i]);
            range.high = std::max(range.high, values[i]);
            if (i >= last) continue;
            if (i < kKnots) slope += guide.slopes[c][i];
            steepest = std::max(steepest, std::fabs(slope));
            value += slope / kKnots;
        }
    }

    double middle() const { return (range.low + range.high) / 2; }
};

}  // namespace

bool make_word_guide(const Grid<float>& grid, WordGuide& words, double& depth_error) {
    const Guide<float>& guide = grid.guide;
    if (!has_uniform_knots(guide) || grid.depth > kDepths) return false;

    // The finest unit in which no channel's correction leaves -1 ... 1 times 2^-t.
    double small[kChannels][kChannels], greatest = 0.0, greatest_u[kChannels];
    for (int c = 0; c < kChannels; ++c) {
        double weights[kChannels];
        for (int n = 0; n < kChannels; ++n) {
            weights[n] = guide.matrix[c][n];
            small[c][n] = weights[n] - (n == c ? 255.0 / 256.0 : 0.0);
            greatest = std::max(greatest, std::fabs(small[c][n]));
        }
        const Range correction = range_of(small[c], guide.matrix_bias[c]);
        greatest = std::max({greatest, -correction.low, correction.high});
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
        // Half a unit for rounding, and 2^15 to count from zero, which wraps around.
        const double bias = guide.matrix_bias[c] * unit + std::ldexp(0.5, finer);
        words.matrix_bias[c] = static_cast<std::int16_t>(
            static_cast<std::uint16_t>(static_cast<int>(std::floor(bias + 0.5)) + 0x8000));
    }

    // The first two curves count from their middles; the third takes in what that leaves out.
    const Curve curves[kChannels] = {Curve(guide, 0, greatest_u[0], grid.depth),
                                     Curve(guide, 1, greatest_u[1], grid.depth),
                                     Curve(guide, 2, greatest_u[2], grid.depth)};
    const double base = grid.depth * static_cast<double>(guide.bias) - 0.5 - kZero;
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
        for (int i = 0; i < 32; ++i) {
            const std::int16_t here = rounded(curves[c].values[i] + offsets[c]);
            const std::int16_t next = rounded(curves[c].values[std::min(i + 1, 31)] + offsets[c]);
            const int rise = next - here;
            if (!fits(rise)) return false;
            words.values[c][i] = here;
            words.rises[c][i] = static_cast<std::int16_t>(rise);
        }
    }
    words.shallowest = rounded(-kZero * kDepthOne);
    words.deepest = rounded((grid.depth - 1 - kZero) * kDepthOne);
    words.zero = rounded(kZero * kDepthOne);
    depth_error = error + 3.0 / kDepthOne;
    return true;
}

}  // namespace fivefold
