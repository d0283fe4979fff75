#include "fixed_point.h"

#include <algorithm>
#include <cmath>

#include "word_guide.h"

namespace fivefold {
namespace {

constexpr double kSlack = 0.01;
constexpr double kWord = 32767.0 - 8.0;  // greatest stored number, with room for rounding

// What decides: the greatest values of each over the nodes of the grid.
struct Extent {
    double number = 0;      // |A|, offsets included
    double difference = 0;  // |X|, |Z|, |XZ|
    double along_row = 0;   // |X| + |XZ|
    double sum = 0;         // P and N
    double slope = 0;       // D
};

// The numbers of one channel at one node: four coefficients, eight depths each. Loops go over all
// of them, so that the compiler does several at once.
using Numbers = float[kKind];

void grow(Numbers& __restrict most, const Numbers& __restrict values) {
    for (int m = 0; m < kKind; ++m) most[m] = most[m] > values[m] ? most[m] : values[m];
}

void grow_size(Numbers& __restrict most, const Numbers& __restrict values) {
    for (int m = 0; m < kKind; ++m) {
        const float size = std::fabs(values[m]);
        most[m] = most[m] > size ? most[m] : size;
    }
}

// The sum of four coefficients by depth, the first three only where `sign` says so: the greatest
// that colours can make it.
void grow_sum(float (&most)[kDepths], const Numbers& values, float sign) {
    Numbers counted;
    for (int m = 0; m < kKind; ++m) {
        const float value = sign * values[m];
        counted[m] = value > 0.0f || m >= 3 * kDepths ? value : 0.0f;
    }
    for (int k = 0; k < kDepths; ++k) {
        const float sum = counted[k] + counted[kDepths + k] + counted[2 * kDepths + k] +
                          counted[3 * kDepths + k];
        most[k] = most[k] > sum ? most[k] : sum;
    }
}

template <std::size_t kSize>
double greatest(const float (&values)[kSize]) {
    return *std::max_element(values, values + kSize);
}

Extent measure(const Nodes& nodes) {
    Numbers number{}, difference{}, along_row{}, has_next;
    float sum[kDepths] = {}, slope[kDepths] = {};
    for (int m = 0; m < kKind; ++m) has_next[m] = m % kDepths + 1 < kDepths ? 1.0f : 0.0f;
    for (int j = 0; j < nodes.rows; ++j)
        for (int i = 0; i < nodes.columns; ++i)
            for (int c = 0; c < kChannels; ++c) {
                const float* here = nodes.at(j, i, 4 * c);
                const float* next = nodes.at(j, std::min(i + 1, nodes.columns - 1), 4 * c);
                Numbers a, x, z, xz, both;
                for (int m = 0; m < kKind; ++m) {
                    a[m] = here[m];
                    x[m] = next[m] - here[m];
                    z[m] = (here[m + 1] - here[m]) * has_next[m];
                    xz[m] = (next[m + 1] - next[m]) * has_next[m] - z[m];
                    both[m] = std::fabs(x[m]) + std::fabs(xz[m]);
                }
                grow_size(number, a);
                grow_size(difference, x);
                grow_size(difference, z);
                grow_size(difference, xz);
                grow(along_row, both);
                grow_sum(sum, a, 1.0f);
                grow_sum(sum, a, -1.0f);
                grow_sum(slope, z, 1.0f);
                grow_sum(slope, z, -1.0f);
            }
    return {greatest(number), greatest(difference), greatest(along_row), greatest(sum),
            greatest(slope)};
}

}  // namespace

FixedPoint plan_fixed_point(const Grid<float>& grid, const Nodes& nodes,
                            double float_depth_error) {
    FixedPoint plan{};
    const Extent extent = measure(nodes);
    for (int bits : {14, 13, 12}) {
        const double unit = std::ldexp(1.0, bits), code = std::ldexp(1.0, bits - 8);
        const double room = 255.0 * code * extent.sum + code;
        if (std::max({extent.number * unit, extent.difference * unit, room}) > kWord) continue;
        const double coefficient = 2.0 + kSlack + extent.along_row * unit / 32768.0;
        const auto error = [&](double depth_error) {
            return (4.0 * coefficient + 1.5) / code + 255.0 * extent.slope * depth_error;
        };
        double depth_error = 0.0;
        plan.has_word_guide = make_word_guide(grid, plan.guide, depth_error) &&
                              error(depth_error) < 1.0;
        if (!plan.has_word_guide) depth_error = 0.5 / kDepthOne + float_depth_error;
        plan.bits = bits;
        plan.error_codes = error(depth_error);
        plan.suffices = plan.error_codes < 1.0;
        break;
    }
    return plan;
}

}  // namespace fivefold
