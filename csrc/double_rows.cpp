// As in slice_rows.cpp, but a pixel's coefficients are found where they stand in memory, and a
// vector holds those of one output channel:
//
//   A = V[k] + f_z Z[k] + f_x (X[k] + f_z XZ[k])
//   output_c = the sum of A_{4c} ... A_{4c+3} times red, green, blue and 1
//
// Eight doubles at their own depths would take a look-up of 64 bytes for each of 48 numbers, which
// only AVX-512 has; reading them costs it no more. The guide is as in slice_rows.cpp, many pixels at
// a time.

#include "double_rows.h"
#include "hints.h"

#if defined(__AVX512BW__)
#include "doubles_avx512.h"
#elif defined(__AVX2__)
#include "doubles_avx2.h"
#else
#include "doubles_neon.h"
#endif

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

constexpr int kRun = 256;         // pixels that the stages do at a time
constexpr int kMore = 8;          // pixels that they may do beyond
constexpr int kDepth = kEntries * kEntry;  // numbers of a table for one cell and depth

struct alignas(64) Run {
    double samples[(kRun + kMore) * kChannels];
    double fz[kRun + kMore];
    std::int32_t place[kRun + kMore];  // of the depth in a cell's table
    double result[(kRun + kMore) * kChannels];
    std::int32_t codes[(kRun + kMore) * kChannels];

    Run() {
        for (double& sample : samples) sample = 0.0;
        for (double& sample : result) sample = 0.0;
        for (double& fraction : fz) fraction = 0.0;
        for (std::int32_t& each : place) each = 0;
    }
};

// Asks for memory some way ahead; rows usually follow each other without a gap.
template <class Sample>
void prefetch_samples(const Sample* samples, int count) {
    for (std::size_t line = 0; line < count * kChannels * sizeof(Sample); line += 64)
        prefetch(samples, 4096 + line);
}

template <class Sample>
void read(const Sample* input, int count, Run& run) {
    for (int i = 0; i < kChannels * count; ++i) run.samples[i] = static_cast<double>(input[i]);
}

struct DoubleGuideLanes {
    const DoubleGuide& guide;
    Doubles matrix[kChannels][kChannels], matrix_bias[kChannels];
    CurveTable curves[kChannels];
    Doubles base, deepest;

    explicit DoubleGuideLanes(const DoubleGuide& from) : guide(from) {
        for (int c = 0; c < kChannels; ++c) {
            for (int n = 0; n < kChannels; ++n) matrix[c][n] = all(from.matrix[c][n]);
            matrix_bias[c] = all(from.matrix_bias[c]);
            double at_zero[kKnots];  // where the line from each knot on meets u = 0
            for (int i = 0; i < kKnots; ++i) at_zero[i] = from.values[c][i] - from.rises[c][i] * i;
            curves[c] = curve_table(at_zero, from.rises[c]);
        }
        base = all(from.base);
        deepest = all(from.deepest);
    }

    // Bounds come second, so that they take the place of what is not a number.
    template <bool kUniformKnots>
    INLINED Doubles find_depth(const Doubles (&colour)[kChannels]) const {
        const Doubles zero = all(0.0);
        Doubles depth = base;
        UNROLLED
        for (int c = 0; c < kChannels; ++c) {
            Doubles u = matrix_bias[c];
            UNROLLED
            for (int n = 0; n < kChannels; ++n) u = multiply_add(matrix[c][n], colour[n], u);
            if constexpr (kUniformKnots) {
                u = at_least(u, zero);
                Doubles value, rise;
                pick(curves[c], at_most(u, all(kKnots - 1.0)), value, rise);
                depth = depth + multiply_add(rise, u, value);
            } else {
                for (int i = 0; i < kKnots; ++i)
                    depth = multiply_add(all(guide.slopes[c][i]),
                                         at_least(u - all(guide.thresholds[c][i]), zero), depth);
            }
        }
        return at_most(at_least(depth, zero), deepest);
    }
};

template <bool kUniformKnots>
INLINED void find_depths(const DoubleGuideLanes& guide, int count, Run& run) {
    for (int x = 0; x < count; x += Doubles::kCount) {
        Doubles colour[kChannels];
        load_pixels(run.samples + kChannels * x, colour);
        const Doubles depth = guide.find_depth<kUniformKnots>(colour);
        const Doubles k = whole(depth);
        store(run.fz + x, depth - k);
        store_whole(run.place + x, multiply_add(k, all(double{kDepth}), all(0.0)));
    }
}

// Two pixels at a time: their sums then take fewer steps.
void transform(const double* table, const double* fractions, int begin, int end, Run& run) {
    for (int x = begin; x < end; x += 2)
        transform_two(table + run.place[x], table + run.place[x + 1], fractions + x, run.fz + x,
                      run.samples + kChannels * x, run.result + kChannels * x);
}

template <class Sample>
void write(Run& run, int count, double white, bool, Sample* output) {
    const Doubles zero = all(0.0), most = all(white);
    for (int i = 0; i < kChannels * count; i += Doubles::kCount)
        store_rounded(run.codes + i, at_most(at_least(load(run.result + i), zero), most));
    for (int i = 0; i < kChannels * count; ++i) output[i] = static_cast<Sample>(run.codes[i]);
}
void write(Run& run, int count, double white, bool clip, float* output) {
    for (int i = 0; i < kChannels * count; ++i) {
        double value = run.result[i];
        if (clip) {  // comparisons that are false for NaN make it the lower bound
            value = value > 0.0 ? value : 0.0;
            value = value < white ? value : white;
        }
        output[i] = static_cast<float>(value);
    }
}

template <class Sample>
void render_row(const DoubleRow<Sample>& row) {
    const DoubleGuideLanes guide(*row.guide);
    const Block* block = row.blocks;
    Run run;
    for (int start = 0; start < row.columns; start += kRun) {
        const int count = row.columns - start < kRun ? row.columns - start : kRun;
        const Sample* input = row.input + 3 * static_cast<std::ptrdiff_t>(start);
        Sample* output = row.output + 3 * static_cast<std::ptrdiff_t>(start);
        prefetch_samples(input, count);
        prefetch_samples<Sample>(output, count);
        read(input, count, run);
        if (row.guide->has_uniform_knots) {
            find_depths<true>(guide, count, run);
        } else {
            find_depths<false>(guide, count, run);
        }
        for (int x = 0; x < count; ++block) {
            const int block_end = block->start + block->count - start;
            const int end = block_end < count ? block_end : count;
            transform(row.table + static_cast<std::ptrdiff_t>(block->cell) * row.depths * kDepth,
                      row.fractions + start, x, end, run);
            x = end;
            if (block_end > count) break;  // the next run goes on with it
        }
        write(run, count, row.white, row.clip, output);
    }
}

void make_table(const double* __restrict above, const double* __restrict below, double fraction,
                int columns, int depths, double* __restrict nodes, double* __restrict table) {
    const std::ptrdiff_t column = static_cast<std::ptrdiff_t>(depths) * kEntry;
    for (std::ptrdiff_t n = 0; n < columns * column; ++n)
        nodes[n] = above[n] + fraction * (below[n] - above[n]);
    // The last column has no next one: it is taken as its own, and the last depth likewise.
    for (std::ptrdiff_t n = columns * column; n < (columns + 1) * column; ++n)
        nodes[n] = nodes[n - column];
    for (int i = 0; i < columns; ++i)
        for (int k = 0; k < depths; ++k, nodes += kEntry, table += kDepth) {
            const double* here = nodes;
            const double* deeper = here + (k + 1 < depths ? kEntry : 0);
            for (int n = 0; n < kEntry; ++n) {
                const double along_z = deeper[n] - here[n];
                table[n] = here[n];
                table[kEntry + n] = here[n + column] - here[n];
                table[2 * kEntry + n] = along_z;
                table[3 * kEntry + n] = deeper[n + column] - here[n + column] - along_z;
            }
        }
}

}  // namespace

const DoubleKernels double_kernels = {
    make_table,
    render_row<std::uint8_t>,
    render_row<std::uint16_t>,
    render_row<float>,
};

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
