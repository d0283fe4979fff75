#include "vector_pass.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <type_traits>

#include "fixed_point.h"
#include "float_guide.h"
#include "instruction_set.h"
#include "nodes.h"
#include "parallel.h"
#include "slice_rows.h"

namespace fivefold {
namespace {

constexpr int kRowsPerBand = 16;

const SliceKernels* slice_kernels() {
    switch (instruction_set()) {
#ifdef FIVEFOLD_X86
        case InstructionSet::avx512: return &avx512::slice_kernels;
        case InstructionSet::avx2: return &avx2::slice_kernels;
#endif
#ifdef FIVEFOLD_NEON
        case InstructionSet::neon: return &neon::slice_kernels;
#endif
        default: return nullptr;
    }
}

template <class Sample>
constexpr float full_scale() {
    return std::is_same<Sample, float>::value
               ? 1.0f
               : static_cast<float>(std::numeric_limits<Sample>::max());
}

// A row of `columns` pixels in blocks of at most `most` that do not cross a column of cells.
std::vector<Block> divide(int columns, int cells, int most) {
    std::vector<Block> blocks;
    for (int x = 0; x < columns; ++x) {
        const int cell = tap_at<double>(x, columns, cells).cell;
        if (x == 0 || blocks.back().cell != cell || blocks.back().count == most)
            blocks.push_back({x, 0, cell});
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

// Rows of a strip; `render` gets a row's number and its tables.
template <class Number, class Sample, class MakeTables, class Render>
void for_each_row(const Strip<Sample>& strip, const Grid<float>& grid,
                  const Nodes& nodes, MakeTables make_tables, int threads,
                  const Render& render) {
    const std::size_t row_size = nodes.row_size();
    for_each_band(strip.rows, kRowsPerBand, threads, [&](int begin, int end) {
        AlignedArray<Number> row_nodes(row_size + Nodes::kCell + kDepths);
        AlignedArray<Number> tables(4 * row_size + kTablePadding);
        for (int y = begin; y < end; ++y) {
            const Tap<float> tap = tap_at<float>(strip.first_row + y, strip.full_height, grid.height);
            const float* above = nodes.at(tap.cell, 0, 0);
            make_tables(above, above + row_size, tap.fraction, grid.width, row_nodes.data(),
                        tables.data());
            render(y, tables.data());
        }
    });
}

void render_words(const Strip<std::uint8_t>& strip, const Grid<float>& grid, Nodes& nodes,
                  const FixedPoint& fixed, const SliceKernels& kernels, int threads) {
    const float unit = std::ldexp(1.0f, fixed.bits), code = std::ldexp(1.0f, fixed.bits - 8);
    nodes.scale(unit, 255.0f * code);
    const FloatGuide guide = make_float_guide(grid, 128.0 * 255.0, kDepthOne);
    const std::vector<Block> blocks = divide(strip.columns, grid.width, strip.columns);
    AlignedArray<std::int16_t> fractions(static_cast<std::size_t>(strip.columns) + kMostLanes);
    for (int x = 0; x < strip.columns; ++x) {
        const double part = tap_at<double>(x, strip.columns, grid.width).fraction;
        fractions.data()[x] = static_cast<std::int16_t>(
            std::min(32767, static_cast<int>(part * 32768.0 + 0.5)));
    }
    WordRow common{};
    common.columns = strip.columns;
    common.blocks = blocks.data();
    common.fractions = fractions.data();
    common.word_guide = fixed.has_word_guide ? &fixed.guide : nullptr;
    common.float_guide = &guide;
    common.output_shift = fixed.bits - 8;
    for_each_row<std::int16_t>(strip, grid, nodes, kernels.word_tables, threads,
                               [&](int y, const std::int16_t* tables) {
                                   WordRow row = common;
                                   row.input = strip.input + y * strip.input_stride;
                                   row.output = strip.output + y * strip.output_stride;
                                   row.tables = tables;
                                   kernels.word_row(row);
                               });
}

template <class Sample>
auto float_row_of(const SliceKernels& kernels) {
    if constexpr (std::is_same<Sample, std::uint8_t>::value) return kernels.float_row_8;
    else if constexpr (std::is_same<Sample, std::uint16_t>::value) return kernels.float_row_16;
    else return kernels.float_row_32;
}

template <class Sample>
void render_floats(const Strip<Sample>& strip, const Grid<float>& grid, Nodes& nodes, bool clip,
                   const SliceKernels& kernels, int threads) {
    const float white = full_scale<Sample>();
    nodes.scale(1.0f, white);
    const FloatGuide guide = make_float_guide(grid, white, 1.0);
    const std::vector<Block> blocks = divide(strip.columns, grid.width, kFloatBlock);
    std::vector<float> fractions;
    fractions.reserve(static_cast<std::size_t>(strip.columns));
    for (int x = 0; x < strip.columns; ++x)
        fractions.push_back(tap_at<float>(x, strip.columns, grid.width).fraction);
    for_each_row<float>(
        strip, grid, nodes, kernels.float_tables, threads, [&](int y, const float* tables) {
            float_row_of<Sample>(kernels)({strip.input + y * strip.input_stride,
                                           strip.output + y * strip.output_stride, blocks.data(),
                                           static_cast<int>(blocks.size()), fractions.data(),
                                           tables, &guide, white, clip});
        });
}

}  // namespace

Arithmetic choose_arithmetic(const Grid<float>& grid, int sample_bits) {
    if (slice_kernels() == nullptr || grid.depth > kDepths) return Arithmetic::none;
    const bool fixed =
        sample_bits == 8 && plan_fixed_point(grid, Nodes(grid), depth_error(grid)).suffices;
    return fixed ? Arithmetic::fixed_point : Arithmetic::floats;
}

template <class Sample>
Arithmetic render_vector(const Strip<Sample>& strip, const Grid<float>& grid, bool clip,
                         int threads) {
    const SliceKernels* kernels = slice_kernels();
    if (kernels == nullptr || grid.depth > kDepths) return Arithmetic::none;
    Nodes nodes(grid);
    if constexpr (std::is_same<Sample, std::uint8_t>::value) {
        const FixedPoint fixed = plan_fixed_point(grid, nodes, depth_error(grid));
        if (fixed.suffices) {
            render_words(strip, grid, nodes, fixed, *kernels, threads);
            return Arithmetic::fixed_point;
        }
    }
    render_floats(strip, grid, nodes, clip, *kernels, threads);
    return Arithmetic::floats;
}

template Arithmetic render_vector(const Strip<std::uint8_t>&, const Grid<float>&, bool, int);
template Arithmetic render_vector(const Strip<std::uint16_t>&, const Grid<float>&, bool, int);
template Arithmetic render_vector(const Strip<float>&, const Grid<float>&, bool, int);

}  // namespace fivefold
