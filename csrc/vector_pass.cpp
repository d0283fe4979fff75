#include "vector_pass.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <vector>

#include "double_rows.h"
#include "fixed_point.h"
#include "float_guide.h"
#include "instruction_set.h"
#include "nodes.h"
#include "parallel.h"
#include "slice_rows.h"

namespace fivefold {
namespace {

constexpr int kRowsPerBand = 16;

// The kernels of this processor.
struct Kernels {
    const SliceKernels& slice;
    const DoubleKernels& doubles;
};

std::optional<Kernels> find_kernels() {
    switch (instruction_set()) {
#ifdef FIVEFOLD_X86
        case InstructionSet::avx512:
            return Kernels{avx512::slice_kernels, avx512::double_kernels};
        case InstructionSet::avx2: return Kernels{avx2::slice_kernels, avx2::double_kernels};
#endif
#ifdef FIVEFOLD_NEON
        case InstructionSet::neon: return Kernels{neon::slice_kernels, neon::double_kernels};
#endif
        default: return std::nullopt;
    }
}

template <class Sample>
constexpr double full_scale() {
    return std::is_same<Sample, float>::value
               ? 1.0
               : static_cast<double>(std::numeric_limits<Sample>::max());
}

// A row of `columns` pixels in blocks that do not cross a column of cells.
std::vector<Block> divide(int columns, int cells) {
    std::vector<Block> blocks;
    for (int x = 0; x < columns; ++x) {
        const int cell = tap_at<double>(x, columns, cells).cell;
        if (x == 0 || blocks.back().cell != cell) blocks.push_back({x, 0, cell});
        ++blocks.back().count;
    }
    return blocks;
}

// Room for `size` numbers that begins where a cache line does: lanes then load from one line each.
template <class Number>
class AlignedArray {
public:
    explicit AlignedArray(std::size_t size) : lines_((size + kPerLine - 1) / kPerLine) {}
    Number* data() { return lines_.data()->numbers; }

private:
    static constexpr std::size_t kPerLine = 64 / sizeof(Number);
    struct alignas(64) Line {
        Number numbers[kPerLine];
    };
    std::vector<Line> lines_;
};

void render_words(const Strip<std::uint8_t>& strip, const Grid<float>& grid, Nodes& nodes,
                  const FixedPoint& fixed, const SliceKernels& kernels, int threads) {
    const float unit = std::ldexp(1.0f, fixed.bits), code = std::ldexp(1.0f, fixed.bits - 8);
    nodes.scale(unit, 255.0f * code);
    const FloatGuide guide = make_real_guide<float>(grid, 128.0 * 255.0, kDepthOne);
    const std::vector<Block> blocks = divide(strip.columns, grid.width);
    const std::size_t padded = static_cast<std::size_t>(strip.columns) + kMostLanes;
    AlignedArray<std::int16_t> fractions(padded), byte_fractions(padded);
    const int byte_shift = kByteBits - (fixed.bits - 8);
    for (int x = 0; x < strip.columns; ++x) {
        const double part = tap_at<double>(x, strip.columns, grid.width).fraction;
        fractions.data()[x] = static_cast<std::int16_t>(
            std::min(32767, static_cast<int>(part * 32768.0 + 0.5)));
        byte_fractions.data()[x] =
            static_cast<std::int16_t>(std::ldexp(part, 15 - byte_shift) + 0.5);
    }
    WordRow common{};
    common.columns = strip.columns;
    common.blocks = blocks.data();
    common.fractions = fractions.data();
    common.byte_fractions = byte_fractions.data();
    common.word_guide = fixed.has_word_guide ? &fixed.guide : nullptr;
    common.float_guide = &guide;
    common.output_shift = fixed.bits - 8;
    const ByteScale scale = {
        static_cast<std::int16_t>(1 << (15 + kByteBits - fixed.bits)),
        static_cast<std::int16_t>(std::ldexp(1.0 / 255.0, 15 + byte_shift) + 0.5)};
    const std::vector<std::uint8_t> no_bytes(kernels.has_bytes ? 0 : fixed.bytes.size());
    const std::uint8_t* bytes = (kernels.has_bytes ? fixed.bytes : no_bytes).data();
    const std::size_t row_size = nodes.row_size();
    for_each_band(strip.rows, kRowsPerBand, threads, [&](int begin, int end) {
        AlignedArray<std::int16_t> row_nodes(row_size + Nodes::kCell + kDepths);
        AlignedArray<std::int16_t> tables(4 * row_size + kTablePadding);
        for (int y = begin; y < end; ++y) {
            const Tap<float> tap = tap_at<float>(strip.first_row + y, strip.full_height, grid.height);
            const float* above = nodes.at(tap.cell, 0, 0);
            WordRow row = common;
            row.bytes = bytes + static_cast<std::ptrdiff_t>(tap.cell) * grid.width;
            kernels.tables(above, above + row_size, tap.fraction, grid.width, row.bytes, scale,
                           row_nodes.data(), tables.data());
            row.input = strip.input + y * strip.input_stride;
            row.output = strip.output + y * strip.output_stride;
            row.tables = tables.data();
            kernels.word_row(row);
        }
    });
}

// The grid by row, column, depth and coefficient, offsets times `white`, with its last row twice.
std::vector<double> make_entries(const Grid<float>& grid, double white) {
    std::vector<double> entries;
    entries.reserve(static_cast<std::size_t>(grid.height + 1) * grid.width * grid.depth * kEntry);
    for (int j = 0; j <= grid.height; ++j)
        for (int i = 0; i < grid.width; ++i)
            for (int k = 0; k < grid.depth; ++k)
                for (int n = 0; n < kEntry; ++n)
                    entries.push_back(grid.at(n, k, std::min(j, grid.height - 1), i) *
                                      (n % 4 == 3 ? white : 1.0));
    return entries;
}

template <class Sample>
auto double_row_of(const DoubleKernels& kernels) {
    if constexpr (std::is_same<Sample, std::uint8_t>::value) return kernels.row_8;
    else if constexpr (std::is_same<Sample, std::uint16_t>::value) return kernels.row_16;
    else return kernels.row_32;
}

template <class Sample>
void render_doubles(const Strip<Sample>& strip, const Grid<float>& grid, bool clip,
                    const DoubleKernels& kernels, int threads) {
    const double white = full_scale<Sample>();
    const std::vector<double> entries = make_entries(grid, white);
    const DoubleGuide guide = make_real_guide<double>(grid, white, 1.0);
    const std::vector<Block> blocks = divide(strip.columns, grid.width);
    std::vector<double> fractions(static_cast<std::size_t>(strip.columns) + 1);
    for (int x = 0; x < strip.columns; ++x)
        fractions[static_cast<std::size_t>(x)] =
            tap_at<double>(x, strip.columns, grid.width).fraction;
    const std::size_t column_size = static_cast<std::size_t>(grid.depth) * kEntry;
    const std::size_t row_size = static_cast<std::size_t>(grid.width) * column_size;
    for_each_band(strip.rows, kRowsPerBand, threads, [&](int begin, int end) {
        AlignedArray<double> row_nodes(row_size + column_size), table(kEntries * row_size);
        for (int y = begin; y < end; ++y) {
            const Tap<double> tap =
                tap_at<double>(strip.first_row + y, strip.full_height, grid.height);
            const double* above = entries.data() + static_cast<std::size_t>(tap.cell) * row_size;
            kernels.table(above, above + row_size, tap.fraction, grid.width, grid.depth,
                          row_nodes.data(), table.data());
            double_row_of<Sample>(kernels)({strip.input + y * strip.input_stride,
                                            strip.output + y * strip.output_stride, strip.columns,
                                            blocks.data(), fractions.data(), table.data(),
                                            grid.depth, &guide, white, clip});
        }
    });
}

}  // namespace

Arithmetic choose_arithmetic(const Grid<float>& grid, int sample_bits) {
    if (!find_kernels()) return Arithmetic::none;
    const bool fixed = sample_bits == 8 && grid.depth <= kDepths &&
                       plan_fixed_point(grid, Nodes(grid), depth_error(grid)).suffices;
    return fixed ? Arithmetic::fixed_point : Arithmetic::doubles;
}

template <class Sample>
Arithmetic render_vector(const Strip<Sample>& strip, const Grid<float>& grid, bool clip,
                         int threads) {
    const std::optional<Kernels> kernels = find_kernels();
    if (!kernels) return Arithmetic::none;
    if constexpr (std::is_same<Sample, std::uint8_t>::value) {
        if (grid.depth <= kDepths) {
            Nodes nodes(grid);
            const FixedPoint fixed = plan_fixed_point(grid, nodes, depth_error(grid));
            if (fixed.suffices) {
                render_words(strip, grid, nodes, fixed, kernels->slice, threads);
                return Arithmetic::fixed_point;
            }
        }
    }
    render_doubles(strip, grid, clip, kernels->doubles, threads);
    return Arithmetic::doubles;
}

template Arithmetic render_vector(const Strip<std::uint8_t>&, const Grid<float>&, bool, int);
template Arithmetic render_vector(const Strip<std::uint16_t>&, const Grid<float>&, bool, int);
template Arithmetic render_vector(const Strip<float>&, const Grid<float>&, bool, int);

}  // namespace fivefold
