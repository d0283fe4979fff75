// The algorithm, here in words of 16 bits:
//
//   colour                                  of as many pixels as there are lanes
//   depth      = the guide's curves at M colour + b'
//   k, f_z     = the whole part of depth, and the rest;  f_x likewise along the row
//   A_n        = V_n[k] + f_x X_n[k] + f_z (Z_n[k] + f_x XZ_n[k])      for the 12 coefficients
//   output_c   = A_{4c+3} + sum_c' A_{4c+c'} colour_c'
//
// V_n are a row's 8 depths of coefficient n at one column of cells, Z_n, X_n and XZ_n its
// differences to the next depth, the next column, and of both. Eight words fit in 16 bytes: small
// enough for processors to look up by a shuffle, each lane at its own k, and the tables change only
// from cell to cell. What a lane is, and how it looks up, is in lanes_*.h. Where the guide does not
// fit in words, it runs in floats. double_rows.cpp does the same in double precision.

#include "slice_rows.h"

#if defined(__AVX512BW__)
#include "lanes_avx512.h"
#elif defined(__AVX2__)
#include "lanes_avx2.h"
#else
#include "lanes_neon.h"
#endif

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

// Lanes must live in registers: loops over them are unrolled whole, and functions inlined.
#define UNROLLED _Pragma("GCC unroll 16")
#define INLINED inline __attribute__((always_inline))

constexpr int kCell = kCoefficients * kDepths;
constexpr int kOffsetFirst[] = {3, 0, 1, 2};  // a channel's sum starts from its offset

// ---- the guide -----------------------------------------------------------------------------
//
// Constants stand ready in every lane: spreading a number over the lanes costs as much as a step of
// the calculation.

struct FloatGuideLanes {
    const FloatGuide& guide;
    Floats matrix[kChannels][kChannels], matrix_bias[kChannels];
    Floats slopes[kChannels][kKnots], thresholds[kChannels][kKnots];
    Floats base, deepest;

    explicit FloatGuideLanes(const FloatGuide& from) : guide(from) {
        for (int c = 0; c < kChannels; ++c) {
            for (int n = 0; n < kChannels; ++n) matrix[c][n] = all(from.matrix[c][n]);
            matrix_bias[c] = all(from.matrix_bias[c]);
            for (int i = 0; i < kKnots; ++i) slopes[c][i] = all(from.slopes[c][i]);
            for (int i = 0; i < kKnots; ++i) thresholds[c][i] = all(from.thresholds[c][i]);
        }
        base = all(from.base);
        deepest = all(from.deepest);
    }

    INLINED Floats find_depth(const Floats (&colour)[kChannels]) const {
        const Floats zero = all(0.0f);
        Floats depth = base;
        UNROLLED
        for (int c = 0; c < kChannels; ++c) {
            Floats u = matrix_bias[c];
            UNROLLED
            for (int n = 0; n < kChannels; ++n) u = multiply_add(matrix[c][n], colour[n], u);
            if (guide.has_uniform_knots) {
                u = at_least(u, zero);
                const Whole knot = whole(at_most(u, all(kKnots - 1.0f)));
                const Floats rest = u - to_floats(knot);
                depth = depth + multiply_add(pick_of_16(guide.rises[c], knot), rest,
                                             pick_of_16(guide.values[c], knot));
            } else {
                for (int i = 0; i < kKnots; ++i)
                    depth = multiply_add(slopes[c][i], at_least(u - thresholds[c][i], zero), depth);
            }
        }
        return at_most(at_least(depth, zero), deepest);
    }

    INLINED void find_depth(const Words (&colour)[2][kChannels], Words (&depth)[2]) const {
        UNROLLED
        for (int half = 0; half < 2; ++half) {
            Floats parts[kChannels][2], found[2];
            UNROLLED
            for (int c = 0; c < kChannels; ++c) to_floats(colour[half][c], parts[c]);
            UNROLLED
            for (int part = 0; part < 2; ++part)
                found[part] = find_depth({parts[0][part], parts[1][part], parts[2][part]});
            depth[half] = to_words(found) - all(kMiddleDepth * kDepthOne);
        }
    }
};

// Each step is taken for two halves and three channels before the next one: a chain of steps makes
// the processor wait, and it sees only so far ahead.
#define FOR_EACH_CURVE                           \
    UNROLLED for (int c = 0; c < kChannels; ++c) \
        UNROLLED for (int half = 0; half < 2; ++half)

template <bool kBeyondOne>
struct WordGuideLanes {
    Words matrix[kChannels][kChannels], matrix_bias[kChannels];
    KnotTable values[kChannels], rises[kChannels];
    Words beyond[kChannels];
    Words unity, deepest;
    int finer_bits;

    explicit WordGuideLanes(const WordGuide& from) : finer_bits(from.finer_bits) {
        for (int c = 0; c < kChannels; ++c) {
            for (int n = 0; n < kChannels; ++n) matrix[c][n] = all(from.matrix[c][n]);
            matrix_bias[c] = all(from.matrix_bias[c]);
            values[c] = knot_table(from.values[c]);
            rises[c] = knot_table(from.rises[c]);
            beyond[c] = all(from.beyond[c]);
        }
        unity = all(0x8000 >> from.finer_bits);
        deepest = all(from.deepest);
    }

    INLINED void find_depth(const Words (&colour)[2][kChannels], Words (&depth)[2]) const {
        Words u[2][kChannels], over[2][kChannels], knot[2][kChannels], curve[2][kChannels],
            rise[2][kChannels];
        FOR_EACH_CURVE u[half][c] = matrix_bias[c] + multiply(colour[half][0], matrix[c][0]);
        FOR_EACH_CURVE u[half][c] = u[half][c] + multiply(colour[half][1], matrix[c][1]);
        FOR_EACH_CURVE u[half][c] = u[half][c] + multiply(colour[half][2], matrix[c][2]);
        FOR_EACH_CURVE u[half][c] = subtract_to_zero(
            colour[half][c] + shift_right_unsigned(u[half][c], finer_bits), unity);
        if (kBeyondOne) {
            FOR_EACH_CURVE over[half][c] = subtract_to_zero(u[half][c], all(0x7fff));
            FOR_EACH_CURVE u[half][c] = u[half][c] - over[half][c];
        }
        FOR_EACH_CURVE knot[half][c] = u[half][c] & all(0x7800);
        FOR_EACH_CURVE u[half][c] = shift_left(u[half][c] - knot[half][c], 4);
        UNROLLED
        for (int c = 0; c < kChannels; ++c) {
            const KnotIndex index[2] = {knot_index(knot[0][c]), knot_index(knot[1][c])};
            UNROLLED
            for (int half = 0; half < 2; ++half) curve[half][c] = pick(values[c], index[half]);
            UNROLLED
            for (int half = 0; half < 2; ++half) rise[half][c] = pick(rises[c], index[half]);
        }
        FOR_EACH_CURVE curve[half][c] = curve[half][c] + multiply(rise[half][c], u[half][c]);
        if (kBeyondOne)
            FOR_EACH_CURVE curve[half][c] =
                curve[half][c] + multiply(beyond[c], shift_left(over[half][c], 1));
        UNROLLED
        for (int half = 0; half < 2; ++half)
            depth[half] = at_most(
                add_saturated(curve[half][0] + curve[half][1], curve[half][2]), deepest);
    }
};

// ---- 8-bit pixels in words -----------------------------------------------------------------
//
// A row is taken in runs that stay in the first-level cache, and a run in stages: colours, depths,
// the slices of each channel cell by cell, and back to bytes. So each stage keeps its tables in
// registers, and cells may begin anywhere.

constexpr int kGroup = 2 * Words::kCount;  // pixels of one load
constexpr int kRoom = kWordRun + kGroup;   // a cell's last lanes may lie beyond the run

struct alignas(64) Run {
    std::int16_t colour[kChannels][kRoom];
    std::int16_t index[kRoom], fz[kRoom];
    std::int16_t result[kChannels][kRoom];

    Run() {
        for (int x = kWordRun; x < kRoom; ++x) index[x] = fz[x] = 0;
        for (auto& channel : colour)
            for (int x = kWordRun; x < kRoom; ++x) channel[x] = 0;
    }
};

void copy(const std::uint8_t* from, int count, std::uint8_t* to) {
    for (int i = 0; i < count; ++i) to[i] = from[i];
}

// Asks for the memory of a group some groups ahead; rows usually follow each other without a gap.
// A request beyond the picture is ignored.
INLINED void prefetch(const std::uint8_t* group) {
    const std::uintptr_t ahead = reinterpret_cast<std::uintptr_t>(group) + 2048;
    for (int line = 0; line < 3 * kGroup; line += 64)
        __builtin_prefetch(reinterpret_cast<const void*>(ahead + line));
}

INLINED void read_group(const std::uint8_t* pixels, int x, Run& run) {
    Words colour[kChannels][2];
    load_pixels(pixels, colour);
    UNROLLED
    for (int c = 0; c < kChannels; ++c) {
        store(run.colour[c] + x, colour[c][0]);
        store(run.colour[c] + x + Words::kCount, colour[c][1]);
    }
}

void read(const std::uint8_t* pixels, const std::uint8_t* target, int count, Run& run) {
    int x = 0;
    for (; x + kGroup <= count; x += kGroup) {
        prefetch(pixels + 3 * x);
        prefetch(target + 3 * x);
        read_group(pixels + 3 * x, x, run);
    }
    if (x < count) {
        std::uint8_t padded[3 * kGroup] = {};
        copy(pixels + 3 * x, 3 * (count - x), padded);
        read_group(padded, x, run);
    }
}

template <class Guide>
INLINED void find_depths(const Guide& guide, int count, Run& run) {
    for (int x = 0; x < count; x += kGroup) {
        Words colour[2][kChannels], depth[2];
        UNROLLED
        for (int half = 0; half < 2; ++half)
            UNROLLED
            for (int c = 0; c < kChannels; ++c)
                colour[half][c] = load(run.colour[c] + x + half * Words::kCount);
        guide.find_depth(colour, depth);
        UNROLLED
        for (int half = 0; half < 2; ++half) {
            const Words whole = depth[half] & all(-kDepthOne);
            store(run.index + x + half * Words::kCount, depth_index(whole));
            store(run.fz + x + half * Words::kCount,
                  shift_left(depth[half] - whole, 15 - kDepthBits));
        }
    }
}

// As many coefficients of a channel as there are registers for their tables, from kOffsetFirst
// [kFirst] on, for pixels begin ... end between the same columns of cells.
template <int kFirst>
INLINED void slice(int begin, int end, const std::int16_t* tables, const std::int16_t* fractions,
                   Words code, const Run& run, std::int16_t* result) {
    DepthTable value[kTogether], along_z[kTogether], along_x[kTogether], along_xz[kTogether];
    UNROLLED
    for (int i = 0; i < kTogether; ++i) {
        const std::int16_t* numbers = tables + kOffsetFirst[kFirst + i] * kDepths;
        value[i] = depth_table(numbers);
        along_z[i] = depth_table(numbers + kKind);
        along_x[i] = depth_table(numbers + 2 * kKind);
        along_xz[i] = depth_table(numbers + 3 * kKind);
    }
    for (int x = begin; x < end; x += Words::kCount) {
        const Words k = load(run.index + x), fx = load(fractions + x), fz = load(run.fz + x);
        Words sum;
        if (kFirst > 0) sum = load(result + x);
        UNROLLED
        for (int i = 0; i < kTogether; ++i) {
            const int n = kOffsetFirst[kFirst + i];
            const Words slope = pick(along_z[i], k) + multiply(pick(along_xz[i], k), fx);
            const Words a =
                pick(value[i], k) + multiply(pick(along_x[i], k), fx) + multiply(slope, fz);
            sum = n == 3 ? a : sum + multiply(a, load(run.colour[n] + x));
        }
        if (kFirst + kTogether == 4) sum = multiply(sum, code);
        store(result + x, sum);
    }
    if constexpr (kFirst + kTogether < 4)
        slice<kFirst + kTogether>(begin, end, tables, fractions, code, run, result);
}

void write(const Run& run, int count, std::uint8_t* pixels) {
    for (int x = 0; x < count; x += kGroup) {
        Words result[kChannels][2];
        UNROLLED
        for (int c = 0; c < kChannels; ++c) {
            result[c][0] = load(run.result[c] + x);
            result[c][1] = load(run.result[c] + x + Words::kCount);
        }
        if (x + kGroup <= count) {
            store_pixels(pixels + 3 * x, result);
        } else {
            std::uint8_t padded[3 * kGroup];
            store_pixels(padded, result);
            copy(padded, 3 * (count - x), pixels + 3 * x);
        }
    }
}

template <class Guide>
INLINED void word_row(const WordRow& row, const Guide& guide) {
    const Words code = all(0x8000 >> row.output_shift);
    const Block* block = row.blocks;
    Run run;
    for (int start = 0; start < row.columns; start += kWordRun) {
        const int count = row.columns - start < kWordRun ? row.columns - start : kWordRun;
        std::uint8_t* output = row.output + 3 * static_cast<std::ptrdiff_t>(start);
        read(row.input + 3 * static_cast<std::ptrdiff_t>(start), output, count, run);
        find_depths(guide, count, run);
        for (int x = 0; x < count; ++block) {
            const int block_end = block->start + block->count - start;
            const int end = block_end < count ? block_end : count;
            for (int c = 0; c < kChannels; ++c)
                slice<0>(x, end,
                         row.tables + static_cast<std::ptrdiff_t>(block->cell) * kCellTable +
                             c * 4 * kKind,
                         row.fractions + start, code, run, run.result[c]);
            x = end;
            if (block_end > count) break;  // the next run goes on with it
        }
        write(run, count, output);
    }
}

void word_row(const WordRow& row) {
    if (row.word_guide == nullptr) {
        word_row(row, FloatGuideLanes(*row.float_guide));
    } else if (row.word_guide->is_beyond_one) {
        word_row(row, WordGuideLanes<true>(*row.word_guide));
    } else {
        word_row(row, WordGuideLanes<false>(*row.word_guide));
    }
}

// ---- tables --------------------------------------------------------------------------------

// Truncation of a positive number; 32768.5 leaves 2^-9 of error in the rounding.
inline std::int16_t rounded(float value) {
    return static_cast<std::int16_t>(static_cast<int>(value + 32768.5f) - 32768);
}

void make_tables(const float* __restrict above, const float* __restrict below, float fraction,
                 int columns, std::int16_t* __restrict nodes, std::int16_t* __restrict tables) {
    for (int n = 0; n < columns * kCell; ++n)
        nodes[n] = rounded(above[n] + fraction * (below[n] - above[n]));
    // The last column has no next one: it is taken as its own. The last depth likewise, but no
    // pixel lies beyond it, so what stands there does not matter.
    for (int n = columns * kCell; n < (columns + 1) * kCell; ++n) nodes[n] = nodes[n - kCell];
    for (int n = (columns + 1) * kCell; n < (columns + 1) * kCell + kDepths; ++n) nodes[n] = 0;
    for (int group = 0; group < columns * kChannels; ++group) {
        const std::int16_t* here = nodes + group * kKind;
        const std::int16_t* next = here + kCell;
        std::int16_t* table = tables + group * 4 * kKind;
        for (int n = 0; n < kKind; ++n) {
            const std::int16_t along_z = static_cast<std::int16_t>(here[n + 1] - here[n]);
            table[n] = here[n];
            table[kKind + n] = along_z;
            table[2 * kKind + n] = static_cast<std::int16_t>(next[n] - here[n]);
            table[3 * kKind + n] = static_cast<std::int16_t>(next[n + 1] - next[n] - along_z);
        }
    }
}

}  // namespace

const SliceKernels slice_kernels = {make_tables, word_row};

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
