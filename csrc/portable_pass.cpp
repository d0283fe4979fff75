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
#include <type_traits>

#include "float_guide.h"
#include "parallel.h"

namespace fivefold {
namespace {

constexpr int kEntry = Table<float>::kEntry;
constexpr int kRun = 256;
constexpr int kRowsPerBand = 16;

// What a photo's pixels are calculated in: of 8 bits in floats, which err by a code at most; others
// as in double_rows.h.
template <class Sample>
using RealOf = std::conditional_t<std::is_same<Sample, std::uint8_t>::value, float, double>;

template <class Sample>
constexpr RealOf<Sample> full_scale() {
    return std::numeric_limits<Sample>::is_iec559
               ? RealOf<Sample>(1)
               : static_cast<RealOf<Sample>>(std::numeric_limits<Sample>::max());
}

// Comparisons are written so that a NaN becomes the lower bound: it must not index the table.
template <class Real>
Real clamp(Real value, Real low, Real high) {
    value = value > low ? value : low;
    return value < high ? value : high;
}

// To the nearest whole number, ties to even, of numbers that are not negative and fit in 16 bits:
// so large a sum has no room for a fraction. Compilers keep it as it is written.
template <class Real>
int round_to_even(Real value) {
    constexpr Real kLarge = std::is_same<Real, float>::value ? Real(1 << 23) : Real(1ll << 52);
    return static_cast<int>((value + kLarge) - kLarge);
}

// A run of pixels: samples, depths, and results, of which each fourth is idle.
template <class Real>
struct Run {
    Real colour[kChannels][kRun];
    Real depth[kRun];
    Real result[4 * kRun];
};

template <class Real>
void find_depths(const RealGuide<Real>& guide, Run<Real>& run) {
    Real u[kRun], rest[kRun];
    int knot[kRun];
    for (int x = 0; x < kRun; ++x) run.depth[x] = guide.base;
    for (int c = 0; c < kChannels; ++c) {
        const Real red = guide.matrix[c][0], green = guide.matrix[c][1], blue = guide.matrix[c][2];
        const Real bias = guide.matrix_bias[c];
        for (int x = 0; x < kRun; ++x)
            u[x] = red * run.colour[0][x] + green * run.colour[1][x] + blue * run.colour[2][x] + bias;
        if (guide.has_uniform_knots) {
            for (int x = 0; x < kRun; ++x) {
                const Real positive = u[x] > Real(0) ? u[x] : Real(0);
                knot[x] = static_cast<int>(clamp(u[x], Real(0), Real(kKnots - 1)));
                rest[x] = positive - static_cast<Real>(knot[x]);
            }
            for (int x = 0; x < kRun; ++x)
                run.depth[x] += guide.values[c][knot[x]] + guide.rises[c][knot[x]] * rest[x];
        } else {
            for (int i = 0; i < kKnots; ++i) {
                const Real slope = guide.slopes[c][i], threshold = guide.thresholds[c][i];
                for (int x = 0; x < kRun; ++x) {
                    const Real beyond = u[x] - threshold;
                    run.depth[x] += slope * (beyond > Real(0) ? beyond : Real(0));
                }
            }
        }
    }
    const Real deepest = guide.deepest;
    for (int x = 0; x < kRun; ++x) run.depth[x] = clamp(run.depth[x], Real(0), deepest);
}

// Pixel x of the run, which lies at `tap` along the row.
template <class Real>
void transform(const Real* row_table, std::size_t column_size, Tap<Real> tap, int x, Run<Real>& run) {
    const int k = static_cast<int>(run.depth[x]);
    const Real fz = run.depth[x] - static_cast<Real>(k), fx = tap.fraction;
    const Real* left = row_table + static_cast<std::size_t>(tap.cell) * column_size +
                        static_cast<std::size_t>(k) * kEntry;
    const Real* right = left + column_size;
    Real affine[kEntry];
    for (int n = 0; n < kEntry; ++n) {
        const Real near = left[n] + fx * (right[n] - left[n]);
        const Real far = left[kEntry + n] + fx * (right[kEntry + n] - left[kEntry + n]);
        affine[n] = near + fz * (far - near);
    }
    const Real red = run.colour[0][x], green = run.colour[1][x], blue = run.colour[2][x];
    Real* result = run.result + 4 * x;
    for (int c = 0; c < 4; ++c)
        result[c] = affine[c] * red + affine[4 + c] * green + affine[8 + c] * blue + affine[12 + c];
}

template <class Real, class Sample>
void store(Run<Real>& run, int count, bool clip, Sample* output) {
    if constexpr (std::numeric_limits<Sample>::is_iec559) {
        if (clip)
            for (int i = 0; i < 4 * kRun; ++i) run.result[i] = clamp(run.result[i], Real(0), Real(1));
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kChannels; ++c)
                output[3 * x + c] = static_cast<Sample>(run.result[4 * x + c]);
    } else {
        int rounded[4 * kRun];
        for (int i = 0; i < 4 * kRun; ++i)
            rounded[i] = round_to_even(clamp(run.result[i], Real(0), full_scale<Sample>()));
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kChannels; ++c)
                output[3 * x + c] = static_cast<Sample>(rounded[4 * x + c]);
    }
}

}  // namespace

template <class Sample>
void render_portable(const Strip<Sample>& strip, const Grid<float>& grid, bool clip, int threads) {
    using Real = RealOf<Sample>;
    const Real white = full_scale<Sample>();
    const Table<Real> table(grid, white);
    const RealGuide<Real> guide = make_real_guide<Real>(grid, white, 1.0);
    std::vector<Tap<Real>> taps(static_cast<std::size_t>(strip.columns));
    for (int x = 0; x < strip.columns; ++x)
        taps[static_cast<std::size_t>(x)] = tap_at<Real>(x, strip.columns, grid.width);

    for_each_band(strip.rows, kRowsPerBand, threads, [&](int begin, int end) {
        std::vector<Real> row_table(table.row_size());
        Run<Real> run{};
        for (int y = begin; y < end; ++y) {
            table.interpolate_row(
                tap_at<Real>(strip.first_row + y, strip.full_height, grid.height),
                row_table.data());
            for (int start = 0; start < strip.columns; start += kRun) {
                const int count = std::min(kRun, strip.columns - start);
                const Sample* input = strip.input + y * strip.input_stride + 3 * start;
                for (int x = 0; x < count; ++x)
                    for (int c = 0; c < kChannels; ++c)
                        run.colour[c][x] = static_cast<Real>(input[3 * x + c]);
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
