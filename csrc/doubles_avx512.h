// 8 doubles at a time: AVX-512 F.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace fivefold {
namespace avx512 {

struct Doubles {
    static constexpr int kCount = 8;
    __m512d v;
};

inline Doubles load(const double* from) { return {_mm512_loadu_pd(from)}; }
inline void store(double* to, Doubles a) { _mm512_storeu_pd(to, a.v); }
inline Doubles all(double value) { return {_mm512_set1_pd(value)}; }
inline Doubles operator+(Doubles a, Doubles b) { return {_mm512_add_pd(a.v, b.v)}; }
inline Doubles operator-(Doubles a, Doubles b) { return {_mm512_sub_pd(a.v, b.v)}; }
inline Doubles multiply_add(Doubles a, Doubles b, Doubles c) {
    return {_mm512_fmadd_pd(a.v, b.v, c.v)};
}
// max(a, b) and min(a, b) that give b where a is not a number.
inline Doubles at_least(Doubles a, Doubles b) { return {_mm512_max_pd(a.v, b.v)}; }
inline Doubles at_most(Doubles a, Doubles b) { return {_mm512_min_pd(a.v, b.v)}; }
inline Doubles whole(Doubles a) {
    return {_mm512_roundscale_pd(a.v, _MM_FROUND_TO_ZERO | _MM_FROUND_NO_EXC)};
}
inline void store_whole(std::int32_t* to, Doubles a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvttpd_epi32(a.v));
}

inline void store_rounded(std::int32_t* to, Doubles a) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), _mm512_cvtpd_epi32(a.v));
}
// Eight pixels of three adjacent samples.
inline void load_pixels(const double* from, Doubles (&colour)[3]) {
    const __m512d a = _mm512_loadu_pd(from), b = _mm512_loadu_pd(from + 8),
                  c = _mm512_loadu_pd(from + 16);
    const auto pick_from_three = [&](__m512i first_two, __m512i all_three) {
        return _mm512_permutex2var_pd(_mm512_permutex2var_pd(a, first_two, b), all_three, c);
    };
    colour[0].v = pick_from_three(_mm512_setr_epi64(0, 3, 6, 9, 12, 15, 0, 0),
                                  _mm512_setr_epi64(0, 1, 2, 3, 4, 5, 10, 13));
    colour[1].v = pick_from_three(_mm512_setr_epi64(1, 4, 7, 10, 13, 0, 0, 0),
                                  _mm512_setr_epi64(0, 1, 2, 3, 4, 8, 11, 14));
    colour[2].v = pick_from_three(_mm512_setr_epi64(2, 5, 8, 11, 14, 0, 0, 0),
                                  _mm512_setr_epi64(0, 1, 2, 3, 4, 9, 12, 15));
}

// The line that a curve follows from each of 16 knots on: its value at 0 and its rise, in two registers
// each; `at` counts knots.
struct CurveTable {
    __m512d values[2], rises[2];
};
inline CurveTable curve_table(const double* values, const double* rises) {
    return {{_mm512_loadu_pd(values), _mm512_loadu_pd(values + 8)},
            {_mm512_loadu_pd(rises), _mm512_loadu_pd(rises + 8)}};
}
inline void pick(const CurveTable& table, Doubles at, Doubles& value, Doubles& rise) {
    const __m512i place = _mm512_cvttpd_epi64(at.v);
    value.v = _mm512_permutex2var_pd(table.values[0], place, table.values[1]);
    rise.v = _mm512_permutex2var_pd(table.rises[0], place, table.rises[1]);
}

// The results of two neighbouring pixels from the numbers at the depths of each; two more are
// written. The 24 values and differences along x fill three registers, and so do their differences
// along z.
inline void transform_two(const double* first, const double* second, const double* fx,
                          const double* fz, const double* samples, double* result) {
    __m512d eight[2];  // products of the first two channels
    __m256d four[2];   // and of the third
    for (int pixel = 0; pixel < 2; ++pixel) {
        const double* numbers = pixel == 0 ? first : second;
        const __m512d along_z = _mm512_set1_pd(fz[pixel]), along_x = _mm512_set1_pd(fx[pixel]);
        const auto at_depth = [&](int n) {
            return _mm512_fmadd_pd(_mm512_loadu_pd(numbers + 24 + 8 * n), along_z,
                                   _mm512_loadu_pd(numbers + 8 * n));
        };
        const __m512d start = at_depth(0), middle = at_depth(1), end = at_depth(2);
        const __m512d slopes = _mm512_castsi512_pd(
            _mm512_alignr_epi64(_mm512_castpd_si512(end), _mm512_castpd_si512(middle), 4));
        const __m512d factors = _mm512_mask_mov_pd(
            _mm512_broadcast_f64x4(_mm256_loadu_pd(samples + 3 * pixel)), 0x88, _mm512_set1_pd(1.0));
        eight[pixel] = _mm512_mul_pd(_mm512_fmadd_pd(slopes, along_x, start), factors);
        four[pixel] = _mm256_mul_pd(
            _mm256_fmadd_pd(_mm512_extractf64x4_pd(end, 1), _mm512_castpd512_pd256(along_x),
                            _mm512_castpd512_pd256(middle)),
            _mm512_castpd512_pd256(factors));
    }
    // Sums of neighbours, of both pixels in turn; then of these.
    const __m512d two = _mm512_add_pd(_mm512_unpacklo_pd(eight[0], eight[1]),
                                      _mm512_unpackhi_pd(eight[0], eight[1]));
    const __m512d one = _mm512_castpd256_pd512(_mm256_add_pd(
        _mm256_unpacklo_pd(four[0], four[1]), _mm256_unpackhi_pd(four[0], four[1])));
    const __m512i firsts = _mm512_setr_epi64(0, 4, 8, 1, 5, 9, 0, 0);
    const __m512i seconds = _mm512_setr_epi64(2, 6, 10, 3, 7, 11, 0, 0);
    _mm512_storeu_pd(result, _mm512_add_pd(_mm512_permutex2var_pd(two, firsts, one),
                                           _mm512_permutex2var_pd(two, seconds, one)));
}

}  // namespace avx512
}  // namespace fivefold
