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

#include "guide_lanes.h"

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

constexpr int kCell = kCoefficients * kDepths;
constexpr int kOffsetFirst[] = {3, 0, 1, 2};  // a channel's sum starts from its offset

// ---- 8-bit pixels in words -----------------------------------------------------------------
//
// A row is taken in runs that stay in the first-level cache, and a run in stages: colours, depths,
// the slices of each channel cell by cell, and back to bytes. So each stage keeps its tables in
// registers, and cells may begin anywhere.

constexpr int kGroup = 2 * Words::kCount;  // pixels of one load
constexpr int kRoom = kWordRun + kGroup;   // a cell's last lanes may lie beyond the run

struct alignas(64) Run {
    std::int16_t colour[kChannels][kRoom];
    std::int16_t red_green[kRoom], blue_one[kRoom];  // bytes of 0 ... 255, the former in the lower one
    std::int16_t index[kRoom], fz[kRoom];
    std::int16_t result[kChannels][kRoom];

    Run() {
        for (int x = kWordRun; x < kRoom; ++x) index[x] = fz[x] = 0;
        for (auto& channel : colour)
            for (int x = kWordRun; x < kRoom; ++x) channel[x] = 0;
        for (int x = kWordRun; x < kRoom; ++x) red_green[x] = blue_one[x] = 0;
    }
};

void copy(const std::uint8_t* from, int count, std::uint8_t* to) {
    for (int i = 0; i < count; ++i) to[i] = from[i];
}

// Asks for the memory of a group some groups ahead; rows usually follow each other without a gap.
INLINED void prefetch_group(const std::uint8_t* group) {
    for (int line = 0; line < 3 * kGroup; line += 64) prefetch(group, 2048 + line);
}

INLINED void read_group(const std::uint8_t* pixels, int x, Run& run) {
    Words colour[kChannels][2];
    load_pixels(pixels, colour);
    UNROLLED
    for (int c = 0; c < kChannels; ++c) {
        store(run.colour[c] + x, colour[c][0]);
        store(run.colour[c] + x + Words::kCount, colour[c][1]);
    }
    if constexpr (kHasBytes) {
        UNROLLED
        for (int half = 0; half < 2; ++half) {
            const int at = x + half * Words::kCount;
            const Words red = shift_right_unsigned(colour[0][half], 7), green = colour[1][half];
            const Words blue = shift_right_unsigned(colour[2][half], 7);
            store(run.red_green + at, red + green + green);
            store(run.blue_one + at, blue + all(255 * 256));
        }
    }
}

void read(const std::uint8_t* pixels, const std::uint8_t* target, int count, Run& run) {
    int x = 0;
    for (; x + kGroup <= count; x += kGroup) {
        prefetch_group(pixels + 3 * x);
        prefetch_group(target + 3 * x);
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

// The same, all four coefficients at once, with differences along x in bytes. A column's sums
//
//   V = the sum of V_n[k] colour_n,   and Z, X and XZ likewise,
//
// come before the interpolation, which makes as many products; but those of bytes are added up two by
// two, and a look-up gets two of them.
template <class ByteWords>
INLINED void slice_bytes(int begin, int end, const std::int16_t* table,
                         const std::int16_t* fractions, Words code, const Run& run,
                         std::int16_t* result) {
    DepthTable value[4], along_z[4], along_x[2], along_xz[2];
    UNROLLED
    for (int n = 0; n < 4; ++n) {
        value[n] = depth_table(table + n * kDepths);
        along_z[n] = depth_table(table + kKind + n * kDepths);
    }
    UNROLLED
    for (int n = 0; n < 2; ++n) {
        along_x[n] = depth_table(table + 2 * kKind + n * kDepths);
        along_xz[n] = depth_table(table + 3 * kKind + n * kDepths);
    }
    for (int x = begin; x < end; x += Words::kCount) {
        const Words k = load(run.index + x), fx = load(fractions + x), fz = load(run.fz + x);
        Words sum = pick(value[3], k), slope = pick(along_z[3], k);
        UNROLLED
        for (int n = 0; n < 3; ++n) {
            const Words colour = load(run.colour[n] + x);
            sum = sum + multiply(pick(value[n], k), colour);
            slope = slope + multiply(pick(along_z[n], k), colour);
        }
        const ByteWords red_green = load(run.red_green + x), blue_one = load(run.blue_one + x);
        sum = sum + multiply(multiply_bytes(red_green, pick(along_x[0], k)) +
                                 multiply_bytes(blue_one, pick(along_x[1], k)),
                             fx);
        slope = slope + multiply(multiply_bytes(red_green, pick(along_xz[0], k)) +
                                     multiply_bytes(blue_one, pick(along_xz[1], k)),
                                 fx);
        store(result + x, multiply(sum + multiply(slope, fz), code));
    }
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

// Lanes before a block belong to the one before it: `before` of them keep what they were.
INLINED Words keep_lanes(int before, Words kept, Words made) {
    alignas(64) static constexpr std::int16_t kMasks[2 * kMostLanes] = {
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1,
        -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1};
    const Words mask = load(kMasks + kMostLanes - before);
    return (kept & mask) + (made - (made & mask));
}

// Pixels x ... end of a run, which lie between the same columns of cells. Vectors begin where cache
// lines do, or each would be read from two.
INLINED void slice_block(int x, int end, const std::int16_t* table, int bytes, const WordRow& row,
                         int start, Words code, Run& run) {
    const int first = kHasBytes ? x / Words::kCount * Words::kCount : x;
    for (int c = 0; c < kChannels; ++c, table += 4 * kKind) {
        std::int16_t* result = run.result[c];
        const Words kept = load(result + first);
        bool is_done = false;
        if constexpr (kHasBytes) {
            is_done = bytes >> c & 1;
            if (is_done)
                slice_bytes<Words>(first, end, table, row.byte_fractions + start, code, run, result);
        }
        if (!is_done) slice<0>(first, end, table, row.fractions + start, code, run, result);
        if (first < x) store(result + first, keep_lanes(x - first, kept, load(result + first)));
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
            slice_block(x, end, row.tables + static_cast<std::ptrdiff_t>(block->cell) * kCellTable,
                        row.bytes[block->cell], row, start, code, run);
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

// Differences along x, of which `scales` make bytes, in pairs of coefficients by depth.
template <class Differences, int kVectors>
INLINED void store_bytes(std::int16_t* to, const Differences (&x)[kVectors],
                         const std::int16_t* scales) {
    Differences scaled[kVectors];
    UNROLLED
    for (int v = 0; v < kVectors; ++v)
        scaled[v] = multiply(x[v], load(scales + v * Differences::kCount));
    store_pairs(to, scaled);
}

void make_tables(const float* above, const float* below, float fraction, int columns,
                 const std::uint8_t* bytes, ByteScale scale, std::int16_t* nodes,
                 std::int16_t* tables) {
    for (int n = 0; n < columns * kCell; n += Words::kCount) {
        Floats part[2];
        UNROLLED
        for (int half = 0; half < 2; ++half) {
            const int at = n + half * Floats::kCount;
            const Floats start = load(above + at);
            part[half] = multiply_add(all(fraction), load(below + at) - start, start);
        }
        store(nodes + n, rounded(part));
    }
    // The last column has no next one: it is taken as its own. The last depth likewise, but no
    // pixel lies beyond it, so what stands there does not matter.
    for (int n = columns * kCell; n < (columns + 1) * kCell; ++n) nodes[n] = nodes[n - kCell];
    for (int n = (columns + 1) * kCell; n < (columns + 1) * kCell + kDepths; ++n) nodes[n] = 0;
    constexpr int kVectors = kKind / Words::kCount;
    alignas(64) std::int16_t scales[kKind];
    for (int n = 0; n < kKind; ++n) scales[n] = n < 3 * kDepths ? scale.weight : scale.offset;
    for (int group = 0; group < columns * kChannels; ++group) {
        const std::int16_t* here = nodes + group * kKind;
        const std::int16_t* next = here + kCell;
        std::int16_t* table = tables + group * 4 * kKind;
        Words x[kVectors], xz[kVectors];
        UNROLLED
        for (int v = 0; v < kVectors; ++v) {
            const int n = v * Words::kCount;
            const Words value = load(here + n), along_z = load(here + n + 1) - value;
            const Words beside = load(next + n);
            store(table + n, value);
            store(table + kKind + n, along_z);
            x[v] = beside - value;
            xz[v] = load(next + n + 1) - beside - along_z;
        }
        if constexpr (kHasBytes) {
            if (bytes[group / kChannels] >> group % kChannels & 1) {
                store_bytes(table + 2 * kKind, x, scales);
                store_bytes(table + 3 * kKind, xz, scales);
                continue;
            }
        }
        UNROLLED
        for (int v = 0; v < kVectors; ++v) {
            store(table + 2 * kKind + v * Words::kCount, x[v]);
            store(table + 3 * kKind + v * Words::kCount, xz[v]);
        }
    }
}

}  // namespace

const SliceKernels slice_kernels = {kHasBytes, make_tables, word_row};

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
