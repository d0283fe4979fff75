// 32 words or 16 floats at a time: AVX-512 F, BW, DQ, VL.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace fivefold {
namespace avx512 {

struct Words {
    static constexpr int kCount = 32;
    __m512i v;
};

inline Words load(const std::int16_t* from) { return {_mm512_loadu_si512(from)}; }
inline void store(std::int16_t* to, Words a) { _mm512_storeu_si512(to, a.v); }
inline Words all(int value) { return {_mm512_set1_epi16(static_cast<short>(value))}; }
inline Words operator+(Words a, Words b) { return {_mm512_add_epi16(a.v, b.v)}; }
inline Words operator-(Words a, Words b) { return {_mm512_sub_epi16(a.v, b.v)}; }
inline Words operator&(Words a, Words b) { return {_mm512_and_si512(a.v, b.v)}; }
inline Words add_saturated(Words a, Words b) { return {_mm512_adds_epi16(a.v, b.v)}; }
inline Words subtract_to_zero(Words a, Words b) { return {_mm512_subs_epu16(a.v, b.v)}; }
inline Words at_least(Words a, Words b) { return {_mm512_max_epi16(a.v, b.v)}; }
inline Words at_most(Words a, Words b) { return {_mm512_min_epi16(a.v, b.v)}; }
inline Words multiply(Words a, Words b) { return {_mm512_mulhrs_epi16(a.v, b.v)}; }
// Of pairs of bytes, those of a without a sign: the sum of both products, if it fits in a word.
constexpr bool kHasBytes = true;
inline Words multiply_bytes(Words a, Words b) { return {_mm512_maddubs_epi16(a.v, b.v)}; }
// Of two coefficients of eight depths each, the numbers at a depth side by side as bytes; twice.
inline void store_pairs(std::int16_t* to, const Words (&numbers)[1]) {
    const __m256i packed = _mm512_cvtsepi16_epi8(numbers[0].v);
    const __m128i low = _mm256_castsi256_si128(packed), high = _mm256_extracti128_si256(packed, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi8(low, _mm_srli_si128(low, 8)));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8),
                     _mm_unpacklo_epi8(high, _mm_srli_si128(high, 8)));
}
inline Words shift_left(Words a, int bits) {
    return {_mm512_slli_epi16(a.v, static_cast<unsigned>(bits))};
}
inline Words shift_right_unsigned(Words a, int bits) {
    return {_mm512_srli_epi16(a.v, static_cast<unsigned>(bits))};
}

// The first eight or 16 of 32 words, and where in them each lane's stands.
constexpr int kTogether = 4;  // coefficients whose tables fit in the registers
struct DepthTable {
    __m512i v;
};
inline DepthTable depth_table(const std::int16_t* numbers) {
    return {_mm512_loadu_si512(numbers)};
}
// Of k << 13, k a depth less 4: adding 4 turns the highest of three bits over.
inline Words depth_index(Words whole) {
    return {_mm512_xor_si512(_mm512_srli_epi16(whole.v, 13), _mm512_set1_epi16(4))};
}
inline Words pick(DepthTable table, Words index) {
    return {_mm512_permutexvar_epi16(index.v, table.v)};
}
struct KnotTable {
    __m512i v;
};
struct KnotIndex {
    __m512i first, second;
};
inline KnotTable knot_table(const std::int16_t* numbers) {
    return {_mm512_castsi256_si512(
        _mm256_loadu_si256(reinterpret_cast<const __m256i*>(numbers)))};
}
inline KnotIndex knot_index(Words first, Words second) {
    return {_mm512_srli_epi16(first.v, 11), _mm512_srli_epi16(second.v, 11)};
}
inline void pick(KnotTable table, KnotIndex index, Words& first, Words& second) {
    first.v = _mm512_permutexvar_epi16(index.first, table.v);
    second.v = _mm512_permutexvar_epi16(index.second, table.v);
}

// Three channels of 16 pixels stand in 48 bytes, three vectors of 16. The bytes of one channel have
// different places in the three, so two blends bring them together and a shuffle sorts them; and
// the other way round. Each 128-bit part of a register does this for its own 48 bytes.
namespace pixels {

constexpr __mmask64 kSecond = 0x2492249224922492;  // places 1, 4, 7, 10, 13
constexpr __mmask64 kThird = 0x4924492449244924;   // places 2, 5, 8, 11, 14

inline __m512i three_way(__m512i first, __m512i second, __m512i third) {
    return _mm512_mask_blend_epi8(kThird, _mm512_mask_blend_epi8(kSecond, first, second), third);
}
inline __m512i shuffle(__m512i v, __m128i order) {
    return _mm512_shuffle_epi8(v, _mm512_broadcast_i32x4(order));
}
inline __m512i load_parts(const std::uint8_t* from) {
    const auto part = [from](int n) {
        return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 48 * n));
    };
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(part(0)), part(1), 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(part(2)), part(3), 1);
    return _mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1);
}
inline void store_parts(std::uint8_t* to, __m512i v) {
    const auto part = [to](int n) { return reinterpret_cast<__m128i*>(to + 48 * n); };
    _mm_storeu_si128(part(0), _mm512_castsi512_si128(v));
    _mm_storeu_si128(part(1), _mm512_extracti32x4_epi32(v, 1));
    _mm_storeu_si128(part(2), _mm512_extracti32x4_epi32(v, 2));
    _mm_storeu_si128(part(3), _mm512_extracti32x4_epi32(v, 3));
}

}  // namespace pixels

inline void load_channels(const std::uint8_t* from, __m512i (&channels)[3]) {
    using namespace pixels;
    const __m512i a = load_parts(from), b = load_parts(from + 16), c = load_parts(from + 32);
    channels[0] =
        shuffle(three_way(a, c, b),
                _mm_setr_epi8(0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13));
    channels[1] =
        shuffle(three_way(b, a, c),
                _mm_setr_epi8(1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14));
    channels[2] =
        shuffle(three_way(c, b, a),
                _mm_setr_epi8(2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15));
}

inline void store_channels(std::uint8_t* to, const __m512i (&channels)[3]) {
    using namespace pixels;
    const __m512i red = shuffle(
        channels[0], _mm_setr_epi8(0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10, 5));
    const __m512i green = shuffle(
        channels[1], _mm_setr_epi8(5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10));
    const __m512i blue = shuffle(
        channels[2], _mm_setr_epi8(10, 5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15));
    store_parts(to, three_way(red, green, blue));
    store_parts(to + 16, three_way(green, blue, red));
    store_parts(to + 32, three_way(blue, red, green));
}

// 64 pixels of three bytes, as words 128 times as large.
inline void load_pixels(const std::uint8_t* from, Words (&colour)[3][2]) {
    __m512i channels[3];
    load_channels(from, channels);
    const auto widened = [](__m256i bytes) {
        return _mm512_slli_epi16(_mm512_cvtepu8_epi16(bytes), 7);
    };
    for (int n = 0; n < 3; ++n) {
        colour[n][0].v = widened(_mm512_castsi512_si256(channels[n]));
        colour[n][1].v = widened(_mm512_extracti64x4_epi64(channels[n], 1));
    }
}

// Words, clipped to 0 ... 255, to 64 pixels. Packing goes within each 128-bit part.
inline void store_pixels(std::uint8_t* to, const Words (&colour)[3][2]) {
    const __m512i in_order = _mm512_setr_epi64(0, 2, 4, 6, 1, 3, 5, 7);
    __m512i channels[3];
    for (int n = 0; n < 3; ++n)
        channels[n] = _mm512_permutexvar_epi64(
            in_order, _mm512_packus_epi16(colour[n][0].v, colour[n][1].v));
    store_channels(to, channels);
}

struct Floats {
    static constexpr int kCount = 16;
    __m512 v;
};

inline Floats load(const float* from) { return {_mm512_loadu_ps(from)}; }
inline void store(float* to, Floats a) { _mm512_storeu_ps(to, a.v); }
inline Floats all(float value) { return {_mm512_set1_ps(value)}; }
inline Floats operator+(Floats a, Floats b) { return {_mm512_add_ps(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {_mm512_sub_ps(a.v, b.v)}; }
inline Floats multiply_add(Floats a, Floats b, Floats c) {
    return {_mm512_fmadd_ps(a.v, b.v, c.v)};
}
// max(a, b) and min(a, b) that give b where a is not a number.
inline Floats at_least(Floats a, Floats b) { return {_mm512_max_ps(a.v, b.v)}; }
inline Floats at_most(Floats a, Floats b) { return {_mm512_min_ps(a.v, b.v)}; }

// Whole part of floats of 0 ... 15, and the number at that place of a table.
struct Whole {
    __m512i v;
};
inline Whole whole(Floats a) { return {_mm512_cvttps_epi32(a.v)}; }
inline Floats to_floats(Whole a) { return {_mm512_cvtepi32_ps(a.v)}; }
inline Floats pick_of_16(const float* table, Whole place) {
    return {_mm512_permutexvar_ps(place.v, _mm512_loadu_ps(table))};
}

// Words of 0 ... 65535 to floats and, rounded to nearest, back; f[0] and f[1] are in an order of
// their own.
inline void to_floats(Words a, Floats (&f)[2]) {
    const __m512i zero = _mm512_setzero_si512();
    f[0].v = _mm512_cvtepi32_ps(_mm512_unpacklo_epi16(a.v, zero));
    f[1].v = _mm512_cvtepi32_ps(_mm512_unpackhi_epi16(a.v, zero));
}
inline Words rounded(const Floats (&f)[2]) {  // in order, with a sign
    return {_mm512_inserti64x4(
        _mm512_castsi256_si512(_mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(f[0].v))),
        _mm512_cvtsepi32_epi16(_mm512_cvtps_epi32(f[1].v)), 1)};
}
inline Words to_words(const Floats (&f)[2]) {
    return {_mm512_packus_epi32(_mm512_cvtps_epi32(f[0].v), _mm512_cvtps_epi32(f[1].v))};
}

}  // namespace avx512
}  // namespace fivefold
