// One algorithm, in words of 16 bits (for 8-bit photos) and in floats:
//
//   colour                                  of as many pixels as there are lanes
//   depth      = the guide's curves at M colour + b'
//   k, f_z     = the whole part of depth, and the rest;  f_x likewise along the row
//   A_n        = V_n[k] + f_x X_n[k] + f_z (Z_n[k] + f_x XZ_n[k])      for the 12 coefficients
//   output_c   = A_{4c+3} + sum_c' A_{4c+c'} colour_c'
//
// V_n are a row's 8 depths of coefficient n at one column of cells, Z_n, X_n and XZ_n its
// differences to the next depth, the next column, and of both. Eight words fit in 16 bytes, eight
// floats in 32: small enough for processors to look up by a shuffle, each lane at its own k, and
// the tables change only from cell to cell. What a lane is, and how it looks up, is in lanes_*.h.

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

    INLINED void find_depth(const Words (&colour)[kChannels][2], Words (&depth)[2]) const {
        UNROLLED
        for (int half = 0; half < 2; ++half) {
            Floats parts[kChannels][2], found[2];
            UNROLLED
            for (int c = 0; c < kChannels; ++c) to_floats(colour[c][half], parts[c]);
            UNROLLED
            for (int part = 0; part < 2; ++part)
                found[part] = find_depth({parts[0][part], parts[1][part], parts[2][part]});
            depth[half] = to_words(found);
        }
    }
};

struct WordGuideLanes {
    Words matrix[kChannels][kChannels], matrix_bias[kChannels];
    KnotTable values[kChannels], rises[kChannels];
    Words unity, shallowest, deepest, zero;
    int finer_bits;

    explicit WordGuideLanes(const WordGuide& from) : finer_bits(from.finer_bits) {
        for (int c = 0; c < kChannels; ++c) {
            for (int n = 0; n < kChannels; ++n) matrix[c][n] = all(from.matrix[c][n]);
            matrix_bias[c] = all(from.matrix_bias[c]);
            values[c] = knot_table(from.values[c]);
            rises[c] = knot_table(from.rises[c]);
        }
        unity = all(0x8000 >> from.finer_bits);
        shallowest = all(from.shallowest);
        deepest = all(from.deepest);
        zero = all(from.zero);
    }

    INLINED void find_depth(const Words (&colour)[kChannels][2], Words (&depth)[2]) const {
        UNROLLED
        for (int c = 0; c < kChannels; ++c) {
            UNROLLED
            for (int half = 0; half < 2; ++half) {
                Words finer = matrix_bias[c];
                UNROLLED
                for (int n = 0; n < kChannels; ++n)
                    finer = finer + multiply(colour[n][half], matrix[c][n]);
                const Words u = subtract_to_zero(
                    colour[c][half] + shift_right_unsigned(finer, finer_bits), unity);
                const KnotIndex knot = knot_index(shift_right_unsigned(u, 11));
                const Words rest = shift_left(u, 4) & all(0x7fff);
                const Words curve = pick(values[c], knot) + multiply(pick(rises[c], knot), rest);
                depth[half] = c == 0   ? curve
                              : c == 1 ? depth[half] + curve
                                       : add_saturated(depth[half], curve);
            }
        }
        UNROLLED
        for (int half = 0; half < 2; ++half)
            depth[half] = at_most(at_least(depth[half], shallowest), deepest) + zero;
    }
};

// ---- 8-bit pixels in words -----------------------------------------------------------------

constexpr int kWordBlock = 2 * Words::kCount;

int word_pixel(int place) {
    const int half = place / Words::kCount, lane = place % Words::kCount;
    return 16 * (lane / 8) + 8 * half + lane % 8;
}

// A block's colours and where they lie in its table, in two halves.
struct Places {
    Words colour[kChannels][2], fx[2], fz[2];
    DepthIndex index[2];
};

void copy(const std::uint8_t* from, int count, std::uint8_t* to) {
    for (int i = 0; i < count; ++i) to[i] = from[i];
}

// Asks for the memory of a block some blocks ahead; rows usually follow each other without a gap.
// A request beyond the picture is ignored.
INLINED void prefetch(const std::uint8_t* block) {
    const std::uintptr_t ahead = reinterpret_cast<std::uintptr_t>(block) + 2048;
    for (int line = 0; line < 3 * kWordBlock; line += 64)
        __builtin_prefetch(reinterpret_cast<const void*>(ahead + line));
}

template <class Guide>
struct WordRowKernel {
    const WordRow& row;
    Guide guide;
    Words code;

    WordRowKernel(const WordRow& from, const Guide& with)
        : row(from), guide(with), code(all(0x8000 >> from.output_shift)) {}

    INLINED void read(int b, Places& places) const {
        const Block& block = row.blocks[b];
        const std::uint8_t* input = row.input + 3 * static_cast<std::ptrdiff_t>(block.start);
        prefetch(input);
        prefetch(row.output + 3 * static_cast<std::ptrdiff_t>(block.start));
        if (block.start + kWordBlock <= row.columns) {
            load_pixels(input, places.colour);
        } else {
            std::uint8_t padded[3 * kWordBlock] = {};
            copy(input, 3 * block.count, padded);
            load_pixels(padded, places.colour);
        }
    }

    INLINED void set_places(int b, const Words (&depth)[2], Places& places) const {
        const std::int16_t* fractions = row.fractions + static_cast<std::ptrdiff_t>(b) * kWordBlock;
        UNROLLED
        for (int half = 0; half < 2; ++half) {
            places.index[half] = depth_index(shift_right_unsigned(depth[half], kDepthBits));
            places.fz[half] = shift_left(depth[half] & all(kDepthOne - 1), 15 - kDepthBits);
            places.fx[half] = load(fractions + half * Words::kCount);
        }
    }

    INLINED void slice(int c, int b, const Places& places, Words (&result)[kChannels][2]) const {
        const std::ptrdiff_t cell = row.blocks[b].cell;
        const std::int16_t* value = row.tables + cell * kCellTable + c * 4 * kKind;
        const std::int16_t* along_z = value + kKind;
        const std::int16_t* along_x = value + 2 * kKind;
        const std::int16_t* along_xz = value + 3 * kKind;
        Words sum[2];
        UNROLLED
        for (int n : kOffsetFirst) {
            UNROLLED
            for (int half = 0; half < 2; ++half) {
                const DepthIndex& k = places.index[half];
                const Words fx = places.fx[half];
                const Words slope = pick(along_z, n, k) + multiply(pick(along_xz, n, k), fx);
                const Words a = pick(value, n, k) + multiply(pick(along_x, n, k), fx) +
                                multiply(slope, places.fz[half]);
                sum[half] = n == 3 ? a : sum[half] + multiply(a, places.colour[n][half]);
            }
        }
        UNROLLED
        for (int half = 0; half < 2; ++half) result[c][half] = multiply(sum[half], code);
    }

    // What a block writes beyond its pixels, the next one writes again: it has been read already.
    INLINED bool next_covers(int b) const {
        if (b + 1 == row.block_count) return false;
        const Block& next = row.blocks[b + 1];
        return row.blocks[b].start + kWordBlock <= next.start + next.count;
    }

    INLINED void write(int b, const Words (&result)[kChannels][2]) const {
        const Block& block = row.blocks[b];
        std::uint8_t* output = row.output + 3 * static_cast<std::ptrdiff_t>(block.start);
        if (block.count == kWordBlock || next_covers(b)) {
            store_pixels(output, result);
        } else {
            std::uint8_t padded[3 * kWordBlock];
            store_pixels(padded, result);
            copy(padded, 3 * block.count, output);
        }
    }

    // The guide is a long chain of dependent steps. So that the processor never waits for one, each
    // block's is woven between the channels of the block before it.
    void run() const {
        Places places[2];
        for (int b = -1; b < row.block_count; ++b) {
            const bool has_next = b + 1 < row.block_count;
            const Places& here = places[b & 1];
            Places& next = places[(b + 1) & 1];
            Words result[kChannels][2], depth[2];
            if (has_next) read(b + 1, next);
            if (b >= 0) slice(0, b, here, result);
            if (has_next) guide.find_depth(next.colour, depth);
            if (b >= 0) slice(1, b, here, result);
            if (has_next) set_places(b + 1, depth, next);
            if (b < 0) continue;
            slice(2, b, here, result);
            write(b, result);
        }
    }
};

void word_row(const WordRow& row) {
    if (row.word_guide != nullptr) {
        WordRowKernel<WordGuideLanes>(row, WordGuideLanes(*row.word_guide)).run();
    } else {
        WordRowKernel<FloatGuideLanes>(row, FloatGuideLanes(*row.float_guide)).run();
    }
}

// ---- any pixels in floats ------------------------------------------------------------------

INLINED void float_lanes(const FloatGuideLanes& guide, const float* table, const float* fractions,
                         const float* const (&in)[kChannels], float* const (&out)[kChannels]) {
    const Floats colour[kChannels] = {load(in[0]), load(in[1]), load(in[2])};
    const Floats depth = guide.find_depth(colour);
    const Whole k = whole(depth);
    const Floats fz = depth - to_floats(k), fx = load(fractions);
    UNROLLED
    for (int c = 0; c < kChannels; ++c) {
        Floats sum;
        UNROLLED
        for (int n : kOffsetFirst) {
            const float* numbers = table + c * 4 * kKind + n * kDepths;
            const Floats slope =
                multiply_add(pick_of_8(numbers + 3 * kKind, k), fx, pick_of_8(numbers + kKind, k));
            const Floats a = multiply_add(
                slope, fz, multiply_add(pick_of_8(numbers + 2 * kKind, k), fx, pick_of_8(numbers, k)));
            sum = n == 3 ? a : multiply_add(a, colour[n], sum);
        }
        store(out[c], sum);
    }
}

// Comparisons that are false for NaN make it the lower bound.
inline float clamp(float value, float high) {
    value = value > 0.0f ? value : 0.0f;
    return value < high ? value : high;
}
template <class Sample>
inline Sample to_sample(float value, float full_scale, bool) {
    return static_cast<Sample>(static_cast<int>(clamp(value, full_scale) + 0.5f));
}
template <>
inline float to_sample<float>(float value, float full_scale, bool clip) {
    return clip ? clamp(value, full_scale) : value;
}

template <class Sample>
void float_row(const FloatRow<Sample>& row) {
    const FloatGuideLanes guide(*row.guide);
    constexpr int kPadded = kFloatBlock + Floats::kCount;
    float in[kChannels][kPadded] = {}, out[kChannels][kPadded], fractions[kPadded] = {};
    for (int b = 0; b < row.block_count; ++b) {
        const Block& block = row.blocks[b];
        const Sample* input = row.input + 3 * static_cast<std::ptrdiff_t>(block.start);
        Sample* output = row.output + 3 * static_cast<std::ptrdiff_t>(block.start);
        const float* table = row.tables + static_cast<std::ptrdiff_t>(block.cell) * kCellTable;
        for (int x = 0; x < block.count; ++x)
            for (int c = 0; c < kChannels; ++c) in[c][x] = static_cast<float>(input[3 * x + c]);
        for (int x = 0; x < block.count; ++x) fractions[x] = row.fractions[block.start + x];
        for (int x = 0; x < block.count; x += Floats::kCount)
            float_lanes(guide, table, fractions + x, {in[0] + x, in[1] + x, in[2] + x},
                        {out[0] + x, out[1] + x, out[2] + x});
        for (int x = 0; x < block.count; ++x)
            for (int c = 0; c < kChannels; ++c)
                output[3 * x + c] = to_sample<Sample>(out[c][x], row.full_scale, row.clip);
    }
}

// ---- tables --------------------------------------------------------------------------------

inline void round_to(float value, float& node) { node = value; }
inline void round_to(float value, std::int16_t& node) {
    // Truncation of a positive number; 32768.5 leaves 2^-9 of error in the rounding.
    node = static_cast<std::int16_t>(static_cast<int>(value + 32768.5f) - 32768);
}

template <class Number>
void make_tables(const float* __restrict above, const float* __restrict below, float fraction,
                 int columns, Number* __restrict nodes, Number* __restrict tables) {
    for (int n = 0; n < columns * kCell; ++n)
        round_to(above[n] + fraction * (below[n] - above[n]), nodes[n]);
    // The last column has no next one: it is taken as its own. The last depth likewise, but no
    // pixel lies beyond it, so what stands there does not matter.
    for (int n = columns * kCell; n < (columns + 1) * kCell; ++n) nodes[n] = nodes[n - kCell];
    for (int n = (columns + 1) * kCell; n < (columns + 1) * kCell + kDepths; ++n) nodes[n] = 0;
    for (int group = 0; group < columns * kChannels; ++group) {
        const Number* here = nodes + group * kKind;
        const Number* next = here + kCell;
        Number* table = tables + group * 4 * kKind;
        for (int n = 0; n < kKind; ++n) {
            const Number along_z = static_cast<Number>(here[n + 1] - here[n]);
            table[n] = here[n];
            table[kKind + n] = along_z;
            table[2 * kKind + n] = static_cast<Number>(next[n] - here[n]);
            table[3 * kKind + n] = static_cast<Number>(next[n + 1] - next[n] - along_z);
        }
    }
}

}  // namespace

const SliceKernels slice_kernels = {
    kWordBlock, word_pixel,              make_tables<std::int16_t>, make_tables<float>,
    word_row,   float_row<std::uint8_t>, float_row<std::uint16_t>,  float_row<float>,
};

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
