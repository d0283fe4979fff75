// The inner loops of the full-resolution pass over 8-bit pixels, many at a time.
//
// slice_rows.cpp is compiled once for each instruction set that can look up a number by depth in a
// register (AVX-512, AVX2, NEON), into a namespace of its own; vector_pass.cpp picks one at run
// time. It must not use anything from the standard library that the linker could share with code
// for lesser processors.
#pragma once

#include <cstddef>
#include <cstdint>

#include "block.h"
#include "float_guide.h"

namespace fivefold {

// Of a row of pixels, at one column of cells, and for one output channel: the channel's four
// coefficients at kDepths depths each, then their differences to the next depth, to the next
// column, and of both. Grids with fewer depths repeat their last. Where fixed_point.h finds that the
// last two fit in bytes, they are halved to pairs of bytes in words: red's and green's by depth, then
// blue's and the offset's.
constexpr int kDepths = 8;
constexpr int kKind = 4 * kDepths;             // numbers of a kind: values, or one of the differences
constexpr int kCellTable = kChannels * 4 * kKind;
constexpr int kTablePadding = 32;              // numbers that may be read beyond the last table

// The guide with knots at i/16 in words; fixed_point.h explains the numbers.
struct WordGuide {
    std::int16_t matrix[kChannels][kChannels];
    std::int16_t matrix_bias[kChannels];
    int finer_bits;
    std::int16_t zeros[kChannels];  // what the small sums, rounded, count from; without a sign
    std::int16_t values[kChannels][kKnots];
    std::int16_t rises[kChannels][kKnots];
    bool is_beyond_one;              // whether a colour's u reaches 1
    std::int16_t beyond[kChannels];  // eight times the rise there
    std::int16_t deepest;
};

// A row of 8-bit pixels, in the fixed point of fixed_point.h. `fractions` are the pixels' places
// between columns of cells, of 1 << 15, and kMostLanes numbers more. Unless word_guide is null, it
// is the guide.
struct WordRow {
    const std::uint8_t* input;
    std::uint8_t* output;  // may be the input
    int columns;
    const Block* blocks;
    const std::int16_t* fractions;
    const std::int16_t* byte_fractions;  // the same, of 1 << (15 - kByteBits + output_shift)
    const std::int16_t* tables;
    const std::uint8_t* bytes;  // by column of cells, a bit for each channel whose differences are
    const WordGuide* word_guide;
    const FloatGuide* float_guide;  // from 128 times the sample to depth times kDepthOne
    int output_shift;
};

constexpr int kDepthBits = 13;
constexpr int kDepthOne = 1 << kDepthBits;
constexpr int kMiddleDepth = 4;  // words hold depths of 0 ... 8 less this
constexpr int kWordRun = 512;    // pixels that the stages of a WordRow do at a time
constexpr int kMostLanes = 32;
constexpr int kByteBits = 11;    // differences in bytes are multiples of 2^-kByteBits

// How differences along x become bytes: rounded products with these, of 1 << 15.
struct ByteScale {
    std::int16_t weight, offset;
};

struct SliceKernels {
    bool has_bytes;  // whether differences in bytes are any use to this processor
    // Tables of one row of pixels, which lies `fraction` of the way between two rows of cells.
    // Cells follow each other by column, each with kDepths numbers of each coefficient; `nodes` is
    // room for one cell more and kDepths. `bytes` is as in WordRow.
    void (*tables)(const float* above, const float* below, float fraction, int columns,
                   const std::uint8_t* bytes, ByteScale scale, std::int16_t* nodes,
                   std::int16_t* tables);
    void (*word_row)(const WordRow& row);
};

namespace avx2 {
extern const SliceKernels slice_kernels;
}
namespace avx512 {
extern const SliceKernels slice_kernels;
}
namespace neon {
extern const SliceKernels slice_kernels;
}

}  // namespace fivefold
