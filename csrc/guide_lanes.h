// The guide of many 8-bit pixels at a time, for slice_rows.cpp.
//
// Constants stand ready in every lane: spreading a number over the lanes costs as much as a step of
// the calculation.
#pragma once

#include "hints.h"
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
    Words zeros[kChannels], deepest;
    int finer_bits;

    explicit WordGuideLanes(const WordGuide& from) : finer_bits(from.finer_bits) {
        for (int c = 0; c < kChannels; ++c) {
            for (int n = 0; n < kChannels; ++n) matrix[c][n] = all(from.matrix[c][n]);
            matrix_bias[c] = all(from.matrix_bias[c]);
            zeros[c] = all(from.zeros[c]);
            values[c] = knot_table(from.values[c]);
            rises[c] = knot_table(from.rises[c]);
            beyond[c] = all(from.beyond[c]);
        }
        deepest = all(from.deepest);
    }

    INLINED void find_depth(const Words (&colour)[2][kChannels], Words (&depth)[2]) const {
        Words u[2][kChannels], over[2][kChannels], knot[2][kChannels], curve[2][kChannels],
            rise[2][kChannels];
        FOR_EACH_CURVE u[half][c] = matrix_bias[c] + multiply(colour[half][0], matrix[c][0]);
        FOR_EACH_CURVE u[half][c] = u[half][c] + multiply(colour[half][1], matrix[c][1]);
        FOR_EACH_CURVE u[half][c] = u[half][c] + multiply(colour[half][2], matrix[c][2]);
        FOR_EACH_CURVE u[half][c] = subtract_to_zero(
            colour[half][c] + shift_right_unsigned(u[half][c], finer_bits), zeros[c]);
        if (kBeyondOne) {
            FOR_EACH_CURVE over[half][c] = subtract_to_zero(u[half][c], all(0x7fff));
            FOR_EACH_CURVE u[half][c] = u[half][c] - over[half][c];
        }
        FOR_EACH_CURVE knot[half][c] = u[half][c] & all(0x7800);
        FOR_EACH_CURVE u[half][c] = shift_left(u[half][c] - knot[half][c], 4);
        UNROLLED
        for (int c = 0; c < kChannels; ++c) {
            const KnotIndex index = knot_index(knot[0][c], knot[1][c]);
            pick(values[c], index, curve[0][c], curve[1][c]);
            pick(rises[c], index, rise[0][c], rise[1][c]);
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

}  // namespace
}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
