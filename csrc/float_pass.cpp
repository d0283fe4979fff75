// The full-resolution pass, row by row:
//
//   1. once per row, interpolate the grid along y: what is left is a table over columns and depths;
//   2. for a run of pixels, find the depth of each from its colour (the guide);
//   3. for each pixel, blend the four table entries around it (x and depth) into one affine
//      transform, and apply it.

#include "float_pass.h"

#include <cstdint>
#include <limits>

#include "parallel.h"

namespace fivefold {
namespace {

constexpr int kEntry = Table<float>::kEntry;
constexpr int kRun = 256;         // pixels whose colours and depths stay in the first-level cache
constexpr int kRowsPerBand = 16;

template <class Sample>
constexpr float full_scale() {
    return static_cast<float>(std::numeric_limits<Sample>::max());
}
template <>
constexpr float full_scale<float>() {
    return 1.0f;
}

// Comparisons are written so that a NaN becomes the lower bound: it must not index the table.
inline float clamp(float value, float low, float high) {
    value = value > low ? value : low;
    return value < high ? value : high;
}

template <class Sample>
inline Sample to_sample(float value, bool) {
    return static_cast<Sample>(clamp(value, 0.0f, 1.0f) * full_scale<Sample>() + 0.5f);
}
template <>
inline float to_sample<float>(float value, bool clip) {
    return clip ? clamp(value, 0.0f, 1.0f) : value;
}

// Depth coordinates d g - 1/2 of a run of pixels, clamped to the centres of the first and last
// cell. The factors d and 1/3 are taken into the slopes beforehand.
class DepthFinder {
public:
    explicit DepthFinder(const Grid<float>& grid) : guide_(grid.guide), last_(grid.depth - 1.0f) {
        for (auto& curve : guide_.slopes)
            for (float& slope : curve) slope *= static_cast<float>(grid.depth) / 3.0f;
        guide_.bias = static_cast<float>(grid.depth) * guide_.bias - 0.5f;
    }

    void find(const float (&colour)[kChannels][kRun], float (&depth)[kRun]) const {
        for (int x = 0; x < kRun; ++x) depth[x] = guide_.bias;
        for (int c = 0; c < kChannels; ++c) {
            const float* weight = guide_.matrix[c];
            const float* slope = guide_.slopes[c];
            const float* threshold = guide_.thresholds[c];
            for (int x = 0; x < kRun; ++x) {
                const float u = weight[0] * colour[0][x] + weight[1] * colour[1][x] +
                                weight[2] * colour[2][x] + guide_.matrix_bias[c];
                float sum = depth[x];
                for (int i = 0; i < kKnots; ++i) {
                    const float beyond = u - threshold[i];
                    sum += slope[i] * (beyond > 0.0f ? beyond : 0.0f);
                }
                depth[x] = sum;
            }
        }
        for (int x = 0; x < kRun; ++x) depth[x] = clamp(depth[x], 0.0f, last_);
    }

private:
    Guide<float> guide_;
    float last_;
};

}  // namespace

template <class Sample>
void render_float(const Strip<Sample>& strip, const Grid<float>& grid, bool clip, int threads) {
    const Table<float> table(grid);
    const DepthFinder finder(grid);
    std::vector<Tap<float>> taps_x(static_cast<std::size_t>(strip.columns));
    for (int x = 0; x < strip.columns; ++x)
        taps_x[static_cast<std::size_t>(x)] = tap_at<float>(x, strip.columns, grid.width);

    for_each_band(strip.rows, kRowsPerBand, threads, [&](int begin, int end) {
        std::vector<float> row_table(table.row_size());
        float colour[kChannels][kRun] = {};
        float depth[kRun];
        for (int y = begin; y < end; ++y) {
            table.interpolate_row(tap_at<float>(strip.first_row + y, strip.full_height, grid.height),
                                  row_table.data());
            const Sample* input = strip.input + y * strip.input_stride;
            Sample* output = strip.output + y * strip.output_stride;
            for (int start = 0; start < strip.columns; start += kRun) {
                const int count = std::min(kRun, strip.columns - start);
                for (int x = 0; x < count; ++x)
                    for (int c = 0; c < kChannels; ++c)
                        colour[c][x] = static_cast<float>(input[3 * (start + x) + c]) *
                                       (1.0f / full_scale<Sample>());
                finder.find(colour, depth);
                for (int x = 0; x < count; ++x) {
                    const Tap<float> tap = taps_x[static_cast<std::size_t>(start + x)];
                    const int k = static_cast<int>(depth[x]);
                    const float fz = depth[x] - static_cast<float>(k);
                    const float* left = row_table.data() +
                                        static_cast<std::size_t>(tap.cell) * table.column_size() +
                                        static_cast<std::size_t>(k) * kEntry;
                    const float* right = left + table.column_size();
                    float transform[kEntry];
                    for (int n = 0; n < kEntry; ++n) {
                        const float near = left[n] + tap.fraction * (right[n] - left[n]);
                        const float far = left[kEntry + n] +
                                          tap.fraction * (right[kEntry + n] - left[kEntry + n]);
                        transform[n] = near + fz * (far - near);
                    }
                    float result[4];
                    for (int c = 0; c < 4; ++c)
                        result[c] = transform[c] * colour[0][x] + transform[4 + c] * colour[1][x] +
                                    transform[8 + c] * colour[2][x] + transform[12 + c];
                    for (int c = 0; c < kChannels; ++c)
                        output[3 * (start + x) + c] = to_sample<Sample>(result[c], clip);
                }
            }
        }
    });
}

template void render_float(const Strip<std::uint8_t>&, const Grid<float>&, bool, int);
template void render_float(const Strip<std::uint16_t>&, const Grid<float>&, bool, int);
template void render_float(const Strip<float>&, const Grid<float>&, bool, int);

}  // namespace fivefold
