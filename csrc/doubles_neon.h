// 2 doubles at a time, and 4 as two of them: AArch64's NEON.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace fivefold {
namespace neon {

struct Doubles {
    static constexpr int kCount = 2;
    float64x2_t v;
};

inline Doubles load(const double* from) { return {vld1q_f64(from)}; }
inline void store(double* to, Doubles a) { vst1q_f64(to, a.v); }
inline Doubles all(double value) { return {vdupq_n_f64(value)}; }
inline Doubles operator+(Doubles a, Doubles b) { return {vaddq_f64(a.v, b.v)}; }
inline Doubles operator-(Doubles a, Doubles b) { return {vsubq_f64(a.v, b.v)}; }
inline Doubles multiply_add(Doubles a, Doubles b, Doubles c) { return {vfmaq_f64(c.v, a.v, b.v)}; }
// max(a, b) and min(a, b) that give b where a is not a number.
inline Doubles at_least(Doubles a, Doubles b) { return {vmaxnmq_f64(a.v, b.v)}; }
inline Doubles at_most(Doubles a, Doubles b) { return {vminnmq_f64(a.v, b.v)}; }
inline Doubles whole(Doubles a) { return {vrndq_f64(a.v)}; }
inline void store_whole(std::int32_t* to, Doubles a) {
    vst1_s32(to, vmovn_s64(vcvtq_s64_f64(a.v)));
}

inline void store_rounded(std::int32_t* to, Doubles a) {
    vst1_s32(to, vmovn_s64(vcvtnq_s64_f64(a.v)));
}
// Two pixels of three adjacent samples.
inline void load_pixels(const double* from, Doubles (&colour)[3]) {
    const float64x2x3_t channels = vld3q_f64(from);
    for (int c = 0; c < 3; ++c) colour[c].v = channels.val[c];
}

// The line that a curve follows from each of 16 knots on: its value at 0 and its rise. They stand side
// by side, so that one load gets both; `at` counts knots.
struct CurveTable {
    double pairs[16][2];
};
inline CurveTable curve_table(const double* values, const double* rises) {
    CurveTable table;
    for (int i = 0; i < 16; ++i) {
        table.pairs[i][0] = values[i];
        table.pairs[i][1] = rises[i];
    }
    return table;
}
inline void pick(const CurveTable& table, Doubles at, Doubles& value, Doubles& rise) {
    const int64x2_t places = vcvtq_s64_f64(at.v);
    const float64x2_t even = vld1q_f64(table.pairs[vgetq_lane_s64(places, 0)]);
    const float64x2_t odd = vld1q_f64(table.pairs[vgetq_lane_s64(places, 1)]);
    value.v = vtrn1q_f64(even, odd);
    rise.v = vtrn2q_f64(even, odd);
}

// The results of two neighbouring pixels from the numbers at the depths of each.
inline void transform_two(const double* first, const double* second, const double* fx,
                          const double* fz, const double* samples, double* result) {
    float64x2_t sums[2][3];  // of products by pairs, then of these pairs
    for (int pixel = 0; pixel < 2; ++pixel) {
        const double* numbers = pixel == 0 ? first : second;
        const float64x2_t along_x = vld1q_dup_f64(fx + pixel), along_z = vld1q_dup_f64(fz + pixel);
        const float64x2_t factors[2] = {
            vld1q_f64(samples + 3 * pixel),
            vsetq_lane_f64(1.0, vld1q_dup_f64(samples + 3 * pixel + 2), 1)};
        for (int c = 0; c < 3; ++c) {
            float64x2_t products[2];
            for (int half = 0; half < 2; ++half) {
                const auto two = [&](int kind) {
                    return vld1q_f64(numbers + 12 * kind + 4 * c + 2 * half);
                };
                const float64x2_t value = vfmaq_f64(two(0), two(2), along_z);
                const float64x2_t slope = vfmaq_f64(two(1), two(3), along_z);
                products[half] = vmulq_f64(vfmaq_f64(value, slope, along_x), factors[half]);
            }
            sums[pixel][c] = vpaddq_f64(products[0], products[1]);
        }
    }
    vst1q_f64(result, vpaddq_f64(sums[0][0], sums[0][1]));
    vst1q_f64(result + 2, vpaddq_f64(sums[0][2], sums[1][0]));
    vst1q_f64(result + 4, vpaddq_f64(sums[1][1], sums[1][2]));
}

}  // namespace neon
}  // namespace fivefold
