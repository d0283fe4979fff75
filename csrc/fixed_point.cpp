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

// What four bytes may hold less than 128: 2 + 4 kSlack for their own rounding, and at most 4 for that
// of their nodes.
constexpr float kByteRoom = 7.0f;

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

// The greatest that bytes of these differences must hold, by fixed_point.h.
float greatest_in_bytes(const Numbers& values) {
    float most[kDepths] = {};
    grow_sum(most, values, 1.0f);
    grow_sum(most, values, -1.0f);
    for (int k = 0; k < kDepths; ++k) {
        const float first = std::fabs(values[k]) + std::fabs(values[kDepths + k]);
        const float second = std::fabs(values[2 * kDepths + k]) + std::fabs(values[3 * kDepths + k]);
        most[k] = std::max(most[k], std::max(first, second));
    }
    return *std::max_element(most, most + kDepths);
}

template <std::size_t kSize>
double greatest(const float (&values)[kSize]) {
    return *std::max_element(values, values + kSize);
}

// Of one channel at one node.
struct ChannelFacts {
    float slope;      // D there
    bool fits_bytes;  // whether bytes hold its differences to the next column
};
using Facts = std::vector<ChannelFacts>;  // by row, column and channel

Extent measure(const Nodes& nodes, Facts& facts) {
    facts.clear();
    facts.reserve(static_cast<std::size_t>(nodes.rows) * nodes.columns * kChannels);
    const float most_in_bytes = (128.0f - kByteRoom) / (1 << kByteBits);
    Numbers number{}, difference{}, along_row{}, has_next;
    float sum[kDepths] = {}, slope = 0.0f;
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
                float here_slope[kDepths] = {};
                grow_sum(here_slope, z, 1.0f);
                grow_sum(here_slope, z, -1.0f);
                facts.push_back({static_cast<float>(greatest(here_slope)),
                                 greatest_in_bytes(x) <= most_in_bytes &&
                                     greatest_in_bytes(xz) <= most_in_bytes});
                slope = std::max(slope, facts.back().slope);
            }
    return {greatest(number), greatest(difference), greatest(along_row), greatest(sum), slope};
}

// Where bytes suffice: between four nodes where they fit, and where D is at most most_slope.
std::vector<std::uint8_t> choose_bytes(const Nodes& nodes, const Facts& facts, double most_slope) {
    std::vector<std::uint8_t> bytes;
    bytes.reserve(static_cast<std::size_t>(nodes.rows) * nodes.columns);
    for (int j = 0; j < nodes.rows; ++j)
        for (int i = 0; i < nodes.columns; ++i) {
            int channels = 7;
            for (const int row : {j, std::min(j + 1, nodes.rows - 1)})
                for (const int column : {i, std::min(i + 1, nodes.columns - 1)})
                    for (int c = 0; c < kChannels; ++c) {
                        const ChannelFacts& node = facts[static_cast<std::size_t>(
                            (row * nodes.columns + column) * kChannels + c)];
                        if (node.slope > most_slope || (column == i && !node.fits_bytes))
                            channels &= ~(1 << c);
                    }
            bytes.push_back(static_cast<std::uint8_t>(channels));
        }
    return bytes;
}

}  // namespace

FixedPoint plan_fixed_point(const Grid<float>& grid, const Nodes& nodes,
                            double float_depth_error) {
    FixedPoint plan{};
    Facts facts;
    const Extent extent = measure(nodes, facts);
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
        const double most_along_row = std::ldexp(1.0, 15 - kByteBits);  // in codes
        const double without_depth = (4.0 * (0.5 + kSlack) + 5.5) / code +
                                     8.0 * (0.5 + kSlack) * std::ldexp(255.0, -kByteBits);
        plan.bytes = choose_bytes(nodes, facts,
                                  std::min((0.999 - without_depth) / (255.0 * depth_error),
                                           (kWord / code - most_along_row - 1.0) / 255.0));
        break;
    }
    return plan;
}

}  // namespace fivefold
