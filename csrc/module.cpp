// fivefold._native: what Python sees of the compiled kernels. Arrays are checked here for
// everything that would make the kernels read or write outside them; the friendlier checks, and
// the documentation, are in fivefold/kernels/native.py.

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>

#include "colour_module.h"
#include "instruction_set.h"
#include "jpeg_module.h"
#include "network_module.h"
#include "portable_pass.h"
#include "thumbnail.h"
#include "training_module.h"
#include "vector_pass.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace fivefold {
namespace {

template <class Sample>
using Pixels = nb::ndarray<Sample, nb::shape<-1, -1, 3>, nb::device::cpu>;
template <nb::ssize_t... Shape>
using Floats = nb::ndarray<const float, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;
using Coefficients = Floats<kCoefficients, -1, -1, -1>;

template <class Array>
void check_pixels(const Array& pixels) {
    constexpr std::size_t kMost = 1u << 30;
    if (pixels.stride(2) != 1 || (pixels.shape(1) > 1 && pixels.stride(1) != 3))
        throw std::invalid_argument("the samples of a row must be adjacent");
    if (pixels.shape(0) == 0 || pixels.shape(1) == 0 || pixels.shape(0) > kMost ||
        pixels.shape(1) > kMost)
        throw std::invalid_argument("pixels must have between 1 and 2^30 rows and columns");
}

Grid<float> make_grid(const Coefficients& coefficients, const Floats<3, 3>& matrix,
               const Floats<3>& matrix_bias, const Floats<3, kKnots>& slopes,
               const Floats<3, kKnots>& thresholds, float bias) {
    Grid<float> grid{};
    grid.coefficients = coefficients.data();
    grid.depth = static_cast<int>(coefficients.shape(1));
    grid.height = static_cast<int>(coefficients.shape(2));
    grid.width = static_cast<int>(coefficients.shape(3));
    if (coefficients.size() == 0) throw std::invalid_argument("the grid must not be empty");
    std::copy_n(matrix.data(), 9, &grid.guide.matrix[0][0]);
    std::copy_n(matrix_bias.data(), 3, grid.guide.matrix_bias);
    std::copy_n(slopes.data(), 3 * kKnots, &grid.guide.slopes[0][0]);
    std::copy_n(thresholds.data(), 3 * kKnots, &grid.guide.thresholds[0][0]);
    grid.guide.bias = bias;
    return grid;
}

// The names of Arithmetic, in its order.
constexpr const char* kArithmeticNames[] = {"portable", "int16", "float64"};

template <class Sample>
void render(const Pixels<const Sample>& input, const Pixels<Sample>& output,
            const Coefficients& coefficients, const Floats<3, 3>& matrix,
            const Floats<3>& matrix_bias, const Floats<3, kKnots>& slopes,
            const Floats<3, kKnots>& thresholds, float bias, int first_row, int full_height,
            bool clip, int threads) {
    check_pixels(input);
    check_pixels(output);
    if (input.shape(0) != output.shape(0) || input.shape(1) != output.shape(1))
        throw std::invalid_argument("input and output must have the same shape");
    const int rows = static_cast<int>(input.shape(0));
    if (first_row < 0 || full_height < 1 || first_row > full_height - rows)
        throw std::invalid_argument("the strip must lie inside the picture");
    const Grid<float> grid = make_grid(coefficients, matrix, matrix_bias, slopes, thresholds, bias);
    const Strip<Sample> strip{input.data(),     output.data(),
                              input.stride(0),  output.stride(0),
                              rows,             static_cast<int>(input.shape(1)),
                              first_row,        full_height};
    nb::gil_scoped_release released;
    if (render_vector(strip, grid, clip, threads) == Arithmetic::none)
        render_portable(strip, grid, clip, threads);
}

template <class Sample>
void reduce(const Pixels<const Sample>& input,
            const nb::ndarray<float, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>& output,
            int threads) {
    check_pixels(input);
    if (output.shape(0) != output.shape(1) || output.shape(0) == 0 || output.shape(0) > 65536)
        throw std::invalid_argument("the thumbnail must be square");
    nb::gil_scoped_release released;
    thumbnail(input.data(), input.stride(0), static_cast<int>(input.shape(0)),
              static_cast<int>(input.shape(1)), static_cast<int>(output.shape(0)), output.data(),
              threads);
}

const char* arithmetic(const Coefficients& coefficients, const Floats<3, 3>& matrix,
                       const Floats<3>& matrix_bias, const Floats<3, kKnots>& slopes,
                       const Floats<3, kKnots>& thresholds, float bias, int sample_bits) {
    const Grid<float> grid = make_grid(coefficients, matrix, matrix_bias, slopes, thresholds, bias);
    return kArithmeticNames[static_cast<int>(choose_arithmetic(grid, sample_bits))];
}

template <class Sample>
void bind_sample(nb::module_& module) {
    module.def("render", &render<Sample>, "pixels"_a.noconvert(), "output"_a.noconvert(),
               "coefficients"_a.noconvert(), "matrix"_a, "matrix_bias"_a, "slopes"_a,
               "thresholds"_a, "bias"_a, "first_row"_a, "full_height"_a, "clip"_a, "threads"_a);
    module.def("thumbnail", &reduce<Sample>, "pixels"_a.noconvert(), "output"_a.noconvert(),
               "threads"_a);
}

}  // namespace
}  // namespace fivefold

NB_MODULE(_native, module) {
    module.doc() = "Compiled kernels of fivefold; use fivefold.kernels.";
    fivefold::bind_sample<std::uint8_t>(module);
    fivefold::bind_sample<std::uint16_t>(module);
    fivefold::bind_sample<float>(module);
    module.def("arithmetic", &fivefold::arithmetic, "coefficients"_a.noconvert(), "matrix"_a,
               "matrix_bias"_a, "slopes"_a, "thresholds"_a, "bias"_a, "sample_bits"_a);
    fivefold::bind_network(module);
    fivefold::bind_training(module);
    fivefold::bind_colour(module);
    fivefold::bind_jpeg(module);
    module.def("instruction_set", [] {
        return fivefold::kInstructionSetNames[static_cast<int>(fivefold::instruction_set())];
    });
    module.def(
        "limit_instruction_set",
        [](const std::string& most) {
            for (int i = 0; i < 4; ++i)
                if (most == fivefold::kInstructionSetNames[i])
                    return fivefold::limit_instruction_set(
                        static_cast<fivefold::InstructionSet>(i));
            throw std::invalid_argument("expected portable, neon, avx2 or avx512, received " + most);
        },
        "most"_a);
}
