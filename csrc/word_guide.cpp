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

}  // namespace

bool make_word_guide(const Grid<float>& grid, WordGuide& words, double& depth_error) {
    const Guide<float>& guide = grid.guide;
    if (!has_uniform_knots(guide) || grid.depth > kDepths) return false;

    // The finest unit in which no channel's correction leaves -1 ... 1 times 2^-t.
    double small[kChannels][kChannels], greatest = 0.0;
    Range u[kChannels];
    for (int c = 0; c < kChannels; ++c) {
        double weights[kChannels];
        for (int from = 0; from < kChannels; ++from) {
            weights[from] = guide.matrix[c][from];
            small[c][from] = weights[from] - (from == c ? 255.0 / 256.0 : 0.0);
            greatest = std::max(greatest, std::fabs(small[c][from]));
        }
        const Range correction = range_of(small[c], guide.matrix_bias[c]);
        greatest = std::max({greatest, -correction.low, correction.high});
        u[c] = range_of(weights, guide.matrix_bias[c]);
    }
    const double room = 1.0 - 1.0 / 256.0;  // for roundings, and 256/255 in the stored weights
    int finer = 4;
    while (finer >= 1 && std::ldexp(greatest, finer) > room) --finer;
    if (finer < 1) return false;

    words.finer_bits = finer;
    const double unit = std::ldexp(1.0, 15 + finer);
    double error = 0.0, sum_low = 0.0, sum_high = 0.0;
    for (int c = 0; c < kChannels; ++c) {
        for (int from = 0; from < kChannels; ++from)
            words.matrix[c][from] = rounded(small[c][from] * unit * 256.0 / 255.0);
        // Half a unit for rounding, and 2^15 to count from zero, which wraps around.
        const double bias = guide.matrix_bias[c] * unit + std::ldexp(0.5, finer);
        words.matrix_bias[c] = static_cast<std::int16_t>(
            static_cast<std::uint16_t>(static_cast<int>(std::floor(bias + 0.5)) + 0x8000));

        // At most 24, which every instruction set can look up: the correction is below 1/2.
        const int last = static_cast<int>(std::ceil(std::max(u[c].high, 0.0) * kKnots + 0.1));
        double value = 0.0, slope = 0.0, steepest = 0.0;
        double low = 0.0, high = 0.0;
        const double scale = grid.depth / 3.0 * kDepthOne;
        double offset = 0.0;
        if (c == 0) {
            offset = (grid.depth * static_cast<double>(guide.bias) - 0.5 - kZero) * kDepthOne;
            low = high = offset;
        }
        for (int i = 0; i < 32; ++i) {
            // From the last knot that a colour reaches, the curve is held.
            if (i < kKnots) slope += guide.slopes[c][i];
            const double here = value * scale + offset;
            if (i <= last) {
                low = std::min(low, here);
                high = std::max(high, here);
                steepest = std::max(steepest, std::fabs(slope));
                value += slope / kKnots;
            }
            const double next = i < last ? value * scale + offset : here;
            words.values[c][i] = rounded(here);
            words.rises[c][i] = static_cast<std::int16_t>(rounded(next) - rounded(here));
        }
        if (!fits(low) || !fits(high) || high - low > 32767.0) return false;
        sum_low += low;
        sum_high += high;
        if (c == 1 && (!fits(sum_low) || !fits(sum_high))) return false;
        error += grid.depth / 3.0 * steepest *
                 std::ldexp(0.5 + 3.5 * std::ldexp(1.0, -finer), -15);
    }
    words.shallowest = rounded(-kZero * kDepthOne);
    words.deepest = rounded((grid.depth - 1 - kZero) * kDepthOne);
    words.zero = rounded(kZero * kDepthOne);
    depth_error = error + 3.0 / kDepthOne;
    return true;
}

}  // namespace fivefold
