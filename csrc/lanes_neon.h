// 8 words or 4 floats at a time: AArch64's NEON.
#pragma once

#include <arm_neon.h>

#include <cstdint>

namespace fivefold {
namespace neon {

struct Words {
    static constexpr int kCount = 8;
    int16x8_t v;
};

inline Words load(const std::int16_t* from) { return {vld1q_s16(from)}; }
inline void store(std::int16_t* to, Words a) { vst1q_s16(to, a.v); }
inline Words all(int value) { return {vdupq_n_s16(static_cast<std::int16_t>(value))}; }
inline Words operator+(Words a, Words b) { return {vaddq_s16(a.v, b.v)}; }
inline Words operator-(Words a, Words b) { return {vsubq_s16(a.v, b.v)}; }
inline Words operator&(Words a, Words b) { return {vandq_s16(a.v, b.v)}; }
inline Words add_saturated(Words a, Words b) { return {vqaddq_s16(a.v, b.v)}; }
inline Words subtract_to_zero(Words a, Words b) {
    return {vreinterpretq_s16_u16(
        vqsubq_u16(vreinterpretq_u16_s16(a.v), vreinterpretq_u16_s16(b.v)))};
}
inline Words at_least(Words a, Words b) { return {vmaxq_s16(a.v, b.v)}; }
inline Words at_most(Words a, Words b) { return {vminq_s16(a.v, b.v)}; }
inline Words multiply(Words a, Words b) { return {vqrdmulhq_s16(a.v, b.v)}; }
constexpr bool kHasBytes = false;  // products of pairs of bytes, some of them without a sign
inline Words shift_left(Words a, int bits) {
    return {vshlq_s16(a.v, vdupq_n_s16(static_cast<std::int16_t>(bits)))};
}
inline Words shift_right_unsigned(Words a, int bits) {
    return {vreinterpretq_s16_u16(vshlq_u16(vreinterpretq_u16_s16(a.v),
                                            vdupq_n_s16(static_cast<std::int16_t>(-bits))))};
}

// Tables of eight and of 16 words, and where in them the two bytes of each lane's stand.
constexpr int kTogether = 4;  // coefficients whose tables fit in the registers
struct DepthTable {
    uint8x16_t v;
};
inline uint8x16_t bytes(const std::int16_t* eight) { return vreinterpretq_u8_s16(vld1q_s16(eight)); }
inline Words word_places(Words index) {
    return {vmlaq_n_s16(vdupq_n_s16(0x0100), index.v, 0x0202)};
}
inline DepthTable depth_table(const std::int16_t* numbers) { return {bytes(numbers)}; }
// Of k << 13, k a depth less 4: adding 4 turns the highest of three bits over.
inline Words depth_index(Words whole) {
    const Words k = shift_right_unsigned(whole, 13);
    return word_places({veorq_s16(k.v, vdupq_n_s16(4))});
}
inline Words pick(DepthTable table, Words index) {
    return {vreinterpretq_s16_u8(vqtbl1q_u8(table.v, vreinterpretq_u8_s16(index.v)))};
}
struct KnotTable {
    uint8x16x2_t v;
};
struct KnotIndex {
    uint8x16_t first, second;
};
inline KnotTable knot_table(const std::int16_t* numbers) {
    return {{{bytes(numbers), bytes(numbers + 8)}}};
}
inline KnotIndex knot_index(Words first, Words second) {
    const auto places = [](Words knot) {
        return vreinterpretq_u8_s16(word_places(shift_right_unsigned(knot, 11)).v);
    };
    return {places(first), places(second)};
}
inline void pick(KnotTable table, KnotIndex index, Words& first, Words& second) {
    first.v = vreinterpretq_s16_u8(vqtbl2q_u8(table.v, index.first));
    second.v = vreinterpretq_s16_u8(vqtbl2q_u8(table.v, index.second));
}

// 16 pixels of three bytes, as words 128 times as large.
inline void load_pixels(const std::uint8_t* from, Words (&colour)[3][2]) {
    const uint8x16x3_t channels = vld3q_u8(from);
    for (int n = 0; n < 3; ++n) {
        colour[n][0].v = vreinterpretq_s16_u16(vshll_n_u8(vget_low_u8(channels.val[n]), 7));
        colour[n][1].v = vreinterpretq_s16_u16(vshll_n_u8(vget_high_u8(channels.val[n]), 7));
    }
}

// Words, clipped to 0 ... 255, to 16 pixels.
inline void store_pixels(std::uint8_t* to, const Words (&colour)[3][2]) {
    uint8x16x3_t channels;
    for (int n = 0; n < 3; ++n)
        channels.val[n] = vcombine_u8(vqmovun_s16(colour[n][0].v), vqmovun_s16(colour[n][1].v));
    vst3q_u8(to, channels);
}

struct Floats {
    static constexpr int kCount = 4;
    float32x4_t v;
};

inline Floats load(const float* from) { return {vld1q_f32(from)}; }
inline void store(float* to, Floats a) { vst1q_f32(to, a.v); }
inline Floats all(float value) { return {vdupq_n_f32(value)}; }
inline Floats operator+(Floats a, Floats b) { return {vaddq_f32(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {vsubq_f32(a.v, b.v)}; }
inline Floats multiply_add(Floats a, Floats b, Floats c) { return {vfmaq_f32(c.v, a.v, b.v)}; }
// max(a, b) and min(a, b) that give b where a is not a number.
inline Floats at_least(Floats a, Floats b) { return {vmaxnmq_f32(a.v, b.v)}; }
inline Floats at_most(Floats a, Floats b) { return {vminnmq_f32(a.v, b.v)}; }

// Whole part of floats of 0 ... 15, and the number at that place of a table.
struct Whole {
    uint32x4_t v;
};
inline Whole whole(Floats a) { return {vcvtq_u32_f32(a.v)}; }
inline Floats to_floats(Whole a) { return {vcvtq_f32_u32(a.v)}; }
inline uint8x16_t byte_places(Whole place) {
    return vreinterpretq_u8_u32(vmlaq_n_u32(vdupq_n_u32(0x03020100), place.v, 0x04040404));
}
inline uint8x16_t bytes(const float* four) { return vreinterpretq_u8_f32(vld1q_f32(four)); }
inline Floats pick_of_16(const float* table, Whole place) {
    const uint8x16x4_t parts = {
        {bytes(table), bytes(table + 4), bytes(table + 8), bytes(table + 12)}};
    return {vreinterpretq_f32_u8(vqtbl4q_u8(parts, byte_places(place)))};
}

// Words of 0 ... 65535 to floats and, rounded to nearest, back; f[0] and f[1] are in an order of
// their own.
inline void to_floats(Words a, Floats (&f)[2]) {
    const uint16x8_t words = vreinterpretq_u16_s16(a.v);
    f[0].v = vcvtq_f32_u32(vmovl_u16(vget_low_u16(words)));
    f[1].v = vcvtq_f32_u32(vmovl_u16(vget_high_u16(words)));
}
inline Words rounded(const Floats (&f)[2]) {  // in order, with a sign
    return {vcombine_s16(vqmovn_s32(vcvtnq_s32_f32(f[0].v)), vqmovn_s32(vcvtnq_s32_f32(f[1].v)))};
}
inline Words to_words(const Floats (&f)[2]) {
    return {vreinterpretq_s16_u16(vcombine_u16(vqmovn_u32(vcvtnq_u32_f32(f[0].v)),
                                               vqmovn_u32(vcvtnq_u32_f32(f[1].v))))};
}

}  // namespace neon
}  // namespace fivefold
