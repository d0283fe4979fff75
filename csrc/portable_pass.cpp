// The full-resolution pass, row by row:
//
//   1. once per row, interpolate the grid along y: what is left is a table over columns and depths;
//   2. for a run of pixels, find the depth of each from its colour (the guide);
//   3. for each pixel, blend the four table entries around it (x and depth) into one affine
//      transform, and apply it.
//
// Loops are plain, over arrays that stay in the first-level cache, for compilers to vectorise.

#include "portable_pass.h"

#include <cstdint>
#include <limits>

#include "float_guide.h"
#include "parallel.h"

namespace fivefold {
namespace {

constexpr int kEntry = Table<float>::kEntry;
constexpr int kRun = 256;
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

// A run of pixels: colours 0...1, depths, and results, of which each fourth is idle.
struct Run {
    float colour[kChannels][kRun];
    float depth[kRun];
    float result[4 * kRun];
};

void find_depths(const FloatGuide& guide, Run& run) {
    float u[kRun], rest[kRun];
    int knot[kRun];
    for (int x = 0; x < kRun; ++x) run.depth[x] = guide.base;
    for (int c = 0; c < kChannels; ++c) {
        const float red = guide.matrix[c][0], green = guide.matrix[c][1], blue = guide.matrix[c][2];
        const float bias = guide.matrix_bias[c];
        for (int x = 0; x < kRun; ++x)
            u[x] = red * run.colour[0][x] + green * run.colour[1][x] + blue * run.colour[2][x] + bias;
        if (guide.has_uniform_knots) {
            for (int x = 0; x < kRun; ++x) {
                const float positive = u[x] > 0.0f ? u[x] : 0.0f;
                knot[x] = static_cast<int>(clamp(u[x], 0.0f, kKnots - 1.0f));
                rest[x] = positive - static_cast<float>(knot[x]);
            }
            for (int x = 0; x < kRun; ++x)
                run.depth[x] += guide.values[c][knot[x]] + guide.rises[c][knot[x]] * rest[x];
        } else {
            for (int i = 0; i < kKnots; ++i) {
                const float slope = guide.slopes[c][i], threshold = guide.thresholds[c][i];
                for (int x = 0; x < kRun; ++x) {
                    const float beyond = u[x] - threshold;
                    run.depth[x] += slope * (beyond > 0.0f ? beyond : 0.0f);
                }
            }
        }
    }
    const float deepest = guide.deepest;
    for (int x = 0; x < kRun; ++x) run.depth[x] = clamp(run.depth[x], 0.0f, deepest);
}

// Pixel x of the run, which lies at `tap` along the row.
void transform(const float* row_table, std::size_t column_size, Tap<float> tap, int x, Run& run) {
    const int k = static_cast<int>(run.depth[x]);
    const float fz = run.depth[x] - static_cast<float>(k), fx = tap.fraction;
    const float* left = row_table + static_cast<std::size_t>(tap.cell) * column_size +
                        static_cast<std::size_t>(k) * kEntry;
    const float* right = left + column_size;
    float affine[kEntry];
    for (int n = 0; n < kEntry; ++n) {
        const float near = left[n] + fx * (right[n] - left[n]);
        const float far = left[kEntry + n] + fx * (right[kEntry + n] - left[kEntry + n]);
        affine[n] = near + fz * (far - near);
    }
    const float red = run.colour[0][x], green = run.colour[1][x], blue = run.colour[2][x];
    float* result = run.result + 4 * x;
    for (int c = 0; c < 4; ++c)
        result[c] = affine[c] * red + affine[4 + c] * green + affine[8 + c] * blue + affine[12 + c];
}

template <class Sample>
void store(Run& run, int count, bool clip, Sample* output) {
    if (clip || !std::numeric_limits<Sample>::is_iec559)
        for (int i = 0; i < 4 * kRun; ++i) run.result[i] = clamp(run.result[i], 0.0f, 1.0f);
    if constexpr (std::numeric_limits<Sample>::is_iec559) {
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kChannels; ++c) output[3 * x + c] = run.result[4 * x + c];
    } else {
        int rounded[4 * kRun];
        for (int i = 0; i < 4 * kRun; ++i)
            rounded[i] = static_cast<int>(run.result[i] * full_scale<Sample>() + 0.5f);
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kChannels; ++c)
                output[3 * x + c] = static_cast<Sample>(rounded[4 * x + c]);
    }
}

}  // namespace

template <class Sample>
void render_portable(const Strip<Sample>& strip, const Grid<float>& grid, bool clip, int threads) {
    const Table<float> table(grid);
    const FloatGuide guide = make_float_guide(grid, 1.0, 1.0);
    std::vector<Tap<float>> taps(static_cast<std::size_t>(strip.columns));
    for (int x = 0; x < strip.columns; ++x)
        taps[static_cast<std::size_t>(x)] = tap_at<float>(x, strip.columns, grid.width);

    for_each_band(strip.rows, kRowsPerBand, threads, [&](int begin, int end) {
        std::vector<float> row_table(table.row_size());
        Run run{};
        for (int y = begin; y < end; ++y) {
            table.interpolate_row(
                tap_at<float>(strip.first_row + y, strip.full_height, grid.height),
                row_table.data());
            for (int start = 0; start < strip.columns; start += kRun) {
                const int count = std::min(kRun, strip.columns - start);
                const Sample* input = strip.input + y * strip.input_stride + 3 * start;
                for (int x = 0; x < count; ++x)
                    for (int c = 0; c < kChannels; ++c)
                        run.colour[c][x] =
                            static_cast<float>(input[3 * x + c]) * (1.0f / full_scale<Sample>());
                find_depths(guide, run);
                for (int x = 0; x < count; ++x)
                    transform(row_table.data(), table.column_size(),
                              taps[static_cast<std::size_t>(start + x)], x, run);
                store(run, count, clip, strip.output + y * strip.output_stride + 3 * start);
            }
        }
    });
}

template void render_portable(const Strip<std::uint8_t>&, const Grid<float>&, bool, int);
template void render_portable(const Strip<std::uint16_t>&, const Grid<float>&, bool, int);
template void render_portable(const Strip<float>&, const Grid<float>&, bool, int);

}  // namespace fivefold
