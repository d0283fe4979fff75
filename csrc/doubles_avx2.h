// 4 doubles at a time: AVX2 and FMA.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace fivefold {
namespace avx2 {

struct Doubles {
    static constexpr int kCount = 4;
    __m256d v;
};

inline Doubles load(const double* from) { return {_mm256_loadu_pd(from)}; }
inline void store(double* to, Doubles a) { _mm256_storeu_pd(to, a.v); }
inline Doubles all(double value) { return {_mm256_set1_pd(value)}; }
inline Doubles operator+(Doubles a, Doubles b) { return {_mm256_add_pd(a.v, b.v)}; }
inline Doubles operator-(Doubles a, Doubles b) { return {_mm256_sub_pd(a.v, b.v)}; }
inline Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
    return {_mm256_fmadd_pd(a.v, b.v, c.v)};
}
// max(a, b) and min(a, b) that give b where a is not a number.
inline Doubles at_least(Doubles a, Doubles b) { return {_mm256_max_pd(a.v, b.v)}; }
inline Doubles at_most(Doubles a, Doubles b) { return {_mm256_min_pd(a.v, b.v)}; }
inline Doubles whole(Doubles a) { return {_mm256_floor_pd(a.v)}; }
inline void store_whole(std::int32_t* to, Doubles a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvttpd_epi32(a.v));
}

inline void store_rounded(std::int32_t* to, Doubles a) {
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to), _mm256_cvtpd_epi32(a.v));
}
// Four pixels of three adjacent samples.
inline void load_pixels(const double* from, Doubles (&colour)[3]) {
    const __m256d a = _mm256_loadu_pd(from), b = _mm256_loadu_pd(from + 4),
                  c = _mm256_loadu_pd(from + 8);
    const __m256d red_green = _mm256_blend_pd(a, b, 0b1100);
    const __m256d blue_red = _mm256_permute2f128_pd(a, c, 0x21);
    const __m256d green_blue = _mm256_blend_pd(b, c, 0b1100);
    colour[0].v = _mm256_shuffle_pd(red_green, blue_red, 0b1010);
    colour[1].v = _mm256_shuffle_pd(red_green, green_blue, 0b0101);
    colour[2].v = _mm256_shuffle_pd(blue_red, green_blue, 0b1010);
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
    const __m128i places = _mm256_cvttpd_epi32(at.v);
    const auto low = static_cast<std::uint64_t>(_mm_cvtsi128_si64(places));
    const auto high = static_cast<std::uint64_t>(_mm_extract_epi64(places, 1));
    const auto line = [&](std::uint64_t place) {
        return _mm256_castpd128_pd256(_mm_loadu_pd(table.pairs[place]));
    };
    const __m256d even = _mm256_permute2f128_pd(line(low & 15), line(high & 15), 0x20);
    const __m256d odd = _mm256_permute2f128_pd(line(low >> 32), line(high >> 32), 0x20);
    value.v = _mm256_unpacklo_pd(even, odd);
    rise.v = _mm256_unpackhi_pd(even, odd);
}

inline __m256d add_neighbours(__m256d a, __m256d b) {  // a's at even places, b's at odd ones
    return _mm256_add_pd(_mm256_unpacklo_pd(a, b), _mm256_unpackhi_pd(a, b));
}

// The results of two neighbouring pixels from the numbers at the depths of each.
inline void transform_two(const double* first, const double* second, const double* fx,
                          const double* fz, const double* samples, double* result) {
    __m256d products[2][3];
    for (int pixel = 0; pixel < 2; ++pixel) {
        const double* numbers = pixel == 0 ? first : second;
        const __m256d along_x = _mm256_broadcast_sd(fx + pixel);
        const __m256d along_z = _mm256_broadcast_sd(fz + pixel);
        const __m256d factors = _mm256_blend_pd(_mm256_loadu_pd(samples + 3 * pixel),
                                                _mm256_set1_pd(1.0), 0b1000);
        for (int c = 0; c < 3; ++c) {
            const auto four = [&](int kind) { return _mm256_loadu_pd(numbers + 12 * kind + 4 * c); };
            const __m256d value = _mm256_fmadd_pd(four(2), along_z, four(0));
            const __m256d slope = _mm256_fmadd_pd(four(3), along_z, four(1));
            products[pixel][c] = _mm256_mul_pd(_mm256_fmadd_pd(slope, along_x, value), factors);
        }
    }
    const __m256d start = add_neighbours(products[0][0], products[0][1]);
    const __m256d middle = add_neighbours(products[0][2], products[1][0]);
    const __m256d end = add_neighbours(products[1][1], products[1][2]);
    _mm256_storeu_pd(result, _mm256_add_pd(_mm256_permute2f128_pd(start, middle, 0x20),
                                           _mm256_permute2f128_pd(start, middle, 0x31)));
    _mm_storeu_pd(result + 4, _mm_add_pd(_mm256_castpd256_pd128(end), _mm256_extractf128_pd(end, 1)));
}

}  // namespace avx2
}  // namespace fivefold
