// 16 words or 8 floats at a time: AVX2 and FMA.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace fivefold {
namespace avx2 {

struct Words {
    static constexpr int kCount = 16;
    __m256i v;
};

inline Words load(const std::int16_t* from) {
    return {_mm256_loadu_si256(reinterpret_cast<const __m256i*>(from))};
}
inline void store(std::int16_t* to, Words a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), a.v);
}
inline Words all(int value) { return {_mm256_set1_epi16(static_cast<short>(value))}; }
inline Words operator+(Words a, Words b) { return {_mm256_add_epi16(a.v, b.v)}; }
inline Words operator-(Words a, Words b) { return {_mm256_sub_epi16(a.v, b.v)}; }
inline Words operator&(Words a, Words b) { return {_mm256_and_si256(a.v, b.v)}; }
inline Words add_saturated(Words a, Words b) { return {_mm256_adds_epi16(a.v, b.v)}; }
inline Words subtract_to_zero(Words a, Words b) { return {_mm256_subs_epu16(a.v, b.v)}; }
inline Words at_least(Words a, Words b) { return {_mm256_max_epi16(a.v, b.v)}; }
inline Words at_most(Words a, Words b) { return {_mm256_min_epi16(a.v, b.v)}; }
inline Words multiply(Words a, Words b) { return {_mm256_mulhrs_epi16(a.v, b.v)}; }
// Of pairs of bytes, those of a without a sign: the sum of both products, if it fits in a word.
constexpr bool kHasBytes = true;
inline Words multiply_bytes(Words a, Words b) { return {_mm256_maddubs_epi16(a.v, b.v)}; }
// Of two coefficients of eight depths each, the numbers at a depth side by side as bytes; twice.
inline void store_pairs(std::int16_t* to, const Words (&numbers)[2]) {
    const __m256i packed = _mm256_packs_epi16(numbers[0].v, numbers[1].v);
    const __m128i low = _mm256_castsi256_si128(packed), high = _mm256_extracti128_si256(packed, 1);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm_unpacklo_epi8(low, high));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 8), _mm_unpackhi_epi8(low, high));
}
// By multiplication: the units that shift words are those that shuffle, which have more to do.
inline __m256i power_of_two(int bits) {
    __m256i power = _mm256_set1_epi16(static_cast<short>(1 << bits));
    __asm__("" : "+x"(power));  // or else GCC makes shifts of it again
    return power;
}
inline Words shift_left(Words a, int bits) {
    return {_mm256_mullo_epi16(a.v, power_of_two(bits))};
}
inline Words shift_right_unsigned(Words a, int bits) {  // by one at least
    return {_mm256_mulhi_epu16(a.v, power_of_two(16 - bits))};
}

// A table of eight words, and where in it the two bytes of each lane's stand.
constexpr int kTogether = 2;  // coefficients whose tables fit in the registers
struct DepthTable {
    __m256i v;
};
inline __m256i twofold(__m128i v) { return _mm256_broadcastsi128_si256(v); }
inline __m128i load_eight(const std::int16_t* from) {
    return _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
}
inline DepthTable depth_table(const std::int16_t* numbers) { return {twofold(load_eight(numbers))}; }
// Of k << 13, k a depth less 4: 2 (k + 4) in the lower byte, one more in the upper. In three bits
// adding 4 turns the highest over.
inline Words depth_index(Words whole) {
    const __m256i places = _mm256_mulhi_epu16(whole.v, _mm256_set1_epi16(0x1010));
    return {_mm256_xor_si256(places, _mm256_set1_epi16(0x0908))};
}
inline Words pick(DepthTable table, Words index) {
    return {_mm256_shuffle_epi8(table.v, index.v)};
}

// Of 16 words the lower and the upper bytes, and knot << 11 of two vectors to the knots as bytes.
struct KnotTable {
    __m256i lower, upper;
};
struct KnotIndex {
    __m256i v;
};
inline KnotTable knot_table(const std::int16_t* numbers) {
    const __m128i first = load_eight(numbers), second = load_eight(numbers + 8);
    const __m128i byte = _mm_set1_epi16(0xff);
    return {twofold(_mm_packus_epi16(_mm_and_si128(first, byte), _mm_and_si128(second, byte))),
            twofold(_mm_packus_epi16(_mm_srli_epi16(first, 8), _mm_srli_epi16(second, 8)))};
}
inline KnotIndex knot_index(Words first, Words second) {
    const __m256i power = power_of_two(16 - 11);
    return {_mm256_packus_epi16(_mm256_mulhi_epu16(first.v, power),
                                _mm256_mulhi_epu16(second.v, power))};
}
inline void pick(KnotTable table, KnotIndex index, Words& first, Words& second) {
    const __m256i lower = _mm256_shuffle_epi8(table.lower, index.v);
    const __m256i upper = _mm256_shuffle_epi8(table.upper, index.v);
    first.v = _mm256_unpacklo_epi8(lower, upper);
    second.v = _mm256_unpackhi_epi8(lower, upper);
}

// Three channels of 16 pixels stand in 48 bytes, three vectors of 16. The bytes of one channel have
// different places in the three, so two blends bring them together and a shuffle sorts them; and
// the other way round. Each 128-bit part of a register does this for its own 48 bytes.
namespace pixels {

inline __m256i repeat(__m128i v) { return _mm256_broadcastsi128_si256(v); }
inline __m256i three_way(__m256i first, __m256i second, __m256i third) {
    const __m256i places_1 =
        repeat(_mm_setr_epi8(0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0));
    const __m256i places_2 =
        repeat(_mm_setr_epi8(0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0, 0, -1, 0));
    return _mm256_blendv_epi8(_mm256_blendv_epi8(first, second, places_1), third, places_2);
}
inline __m256i shuffle(__m256i v, __m128i order) { return _mm256_shuffle_epi8(v, repeat(order)); }
inline __m256i load_parts(const std::uint8_t* from) {
    return _mm256_inserti128_si256(
        _mm256_castsi128_si256(_mm_loadu_si128(reinterpret_cast<const __m128i*>(from))),
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + 48)), 1);
}
inline void store_parts(std::uint8_t* to, __m256i v) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_castsi256_si128(v));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + 48), _mm256_extracti128_si256(v, 1));
}

}  // namespace pixels

// 32 pixels of three bytes, as words 128 times as large.
inline void load_pixels(const std::uint8_t* from, Words (&colour)[3][2]) {
    using namespace pixels;
    const __m256i a = load_parts(from), b = load_parts(from + 16), c = load_parts(from + 32);
    const __m256i channels[3] = {
        shuffle(three_way(a, c, b),
                _mm_setr_epi8(0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14, 1, 4, 7, 10, 13)),
        shuffle(three_way(b, a, c),
                _mm_setr_epi8(1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15, 2, 5, 8, 11, 14)),
        shuffle(three_way(c, b, a),
                _mm_setr_epi8(2, 5, 8, 11, 14, 1, 4, 7, 10, 13, 0, 3, 6, 9, 12, 15)),
    };
    const auto widened = [](__m128i bytes) {
        return _mm256_slli_epi16(_mm256_cvtepu8_epi16(bytes), 7);
    };
    for (int n = 0; n < 3; ++n) {
        colour[n][0].v = widened(_mm256_castsi256_si128(channels[n]));
        colour[n][1].v = widened(_mm256_extracti128_si256(channels[n], 1));
    }
}

// Words, clipped to 0 ... 255, to 32 pixels.
inline void store_pixels(std::uint8_t* to, const Words (&colour)[3][2]) {
    using namespace pixels;
    const auto packed = [&](int n) {  // within each 128-bit part; then put in order
        return _mm256_permute4x64_epi64(_mm256_packus_epi16(colour[n][0].v, colour[n][1].v), 0xd8);
    };
    const __m256i red = shuffle(
        packed(0), _mm_setr_epi8(0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10, 5));
    const __m256i green = shuffle(
        packed(1), _mm_setr_epi8(5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15, 10));
    const __m256i blue = shuffle(
        packed(2), _mm_setr_epi8(10, 5, 0, 11, 6, 1, 12, 7, 2, 13, 8, 3, 14, 9, 4, 15));
    store_parts(to, three_way(red, green, blue));
    store_parts(to + 16, three_way(green, blue, red));
    store_parts(to + 32, three_way(blue, red, green));
}

struct Floats {
    static constexpr int kCount = 8;
    __m256 v;
};

inline Floats load(const float* from) { return {_mm256_loadu_ps(from)}; }
inline void store(float* to, Floats a) { _mm256_storeu_ps(to, a.v); }
inline Floats all(float value) { return {_mm256_set1_ps(value)}; }
inline Floats operator+(Floats a, Floats b) { return {_mm256_add_ps(a.v, b.v)}; }
inline Floats operator-(Floats a, Floats b) { return {_mm256_sub_ps(a.v, b.v)}; }
inline Floats multiply_add(Floats a, Floats b, Floats c) {
    return {_mm256_fmadd_ps(a.v, b.v, c.v)};
}
// max(a, b) and min(a, b) that give b where a is not a number.
inline Floats at_least(Floats a, Floats b) { return {_mm256_max_ps(a.v, b.v)}; }
inline Floats at_most(Floats a, Floats b) { return {_mm256_min_ps(a.v, b.v)}; }

// Whole part of floats of 0 ... 15, and the number at that place of a table.
struct Whole {
    __m256i v;
};
inline Whole whole(Floats a) { return {_mm256_cvttps_epi32(a.v)}; }
inline Floats to_floats(Whole a) { return {_mm256_cvtepi32_ps(a.v)}; }
inline Floats pick_of_16(const float* table, Whole place) {
    const __m256 first = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table), place.v);
    const __m256 second = _mm256_permutevar8x32_ps(_mm256_loadu_ps(table + 8), place.v);
    const __m256 from_8 = _mm256_castsi256_ps(_mm256_cmpgt_epi32(place.v, _mm256_set1_epi32(7)));
    return {_mm256_blendv_ps(first, second, from_8)};
}

// Words of 0 ... 65535 to floats and, rounded to nearest, back; f[0] and f[1] are in an order of
// their own.
inline void to_floats(Words a, Floats (&f)[2]) {
    const __m256i zero = _mm256_setzero_si256();
    f[0].v = _mm256_cvtepi32_ps(_mm256_unpacklo_epi16(a.v, zero));
    f[1].v = _mm256_cvtepi32_ps(_mm256_unpackhi_epi16(a.v, zero));
}
inline Words rounded(const Floats (&f)[2]) {  // in order, with a sign
    return {_mm256_permute4x64_epi64(
        _mm256_packs_epi32(_mm256_cvtps_epi32(f[0].v), _mm256_cvtps_epi32(f[1].v)), 0xd8)};
}
inline Words to_words(const Floats (&f)[2]) {
    return {_mm256_packus_epi32(_mm256_cvtps_epi32(f[0].v), _mm256_cvtps_epi32(f[1].v))};
}

}  // namespace avx2
}  // namespace fivefold
