#include "colour_module.h"

#include <nanobind/ndarray.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "colour_rows.h"
#include "instruction_set.h"
#include "parallel.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace fivefold {
namespace {

constexpr int kRowsPerBand = 16;

template <class Number>
using Pixels = nb::ndarray<Number, nb::shape<-1, -1, 3>, nb::c_contig, nb::device::cpu>;
template <nb::ssize_t... Shape>
using Floats = nb::ndarray<const float, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;
using Curve = Floats<kCurveNumbers>;
using Curves = Floats<3, kCurveNumbers>;

const ColourKernels& colour_kernels() {
    switch (instruction_set()) {
#ifdef FIVEFOLD_X86
        case InstructionSet::avx512: return avx512::colour_kernels;
        case InstructionSet::avx2: return avx2::colour_kernels;
#endif
        default: return portable::colour_kernels;
    }
}

template <class From, class To, class Way>
void for_each_row(const Pixels<From>& from, const Pixels<To>& to, const Way& way, int threads,
                  void (*row)(const Way&, std::remove_const_t<From> const*, int, To*)) {
    if (from.shape(0) != to.shape(0) || from.shape(1) != to.shape(1))
        throw std::invalid_argument("input and output must have the same shape");
    constexpr std::size_t kMost = 1u << 30;
    if (from.shape(0) > kMost || from.shape(1) > kMost)
        throw std::invalid_argument("pixels must have at most 2^30 rows and columns");
    const int columns = static_cast<int>(from.shape(1));
    const std::ptrdiff_t stride = 3 * static_cast<std::ptrdiff_t>(columns);
    nb::gil_scoped_release released;
    for_each_band(static_cast<int>(from.shape(0)), kRowsPerBand, threads, [&](int begin, int end) {
        for (int y = begin; y < end; ++y)
            row(way, from.data() + y * stride, columns, to.data() + y * stride);
    });
}

template <class Sample>
void to_model(const Pixels<const Sample>& pixels, const Pixels<float>& output,
              const Floats<3, -1>& light, const Floats<3, 3>& matrix, const Curve& coding,
              int threads) {
    const std::size_t codes = std::numeric_limits<Sample>::max() + 1u;
    if (light.shape(1) != codes)
        throw std::invalid_argument("there must be a number for every code of a sample");
    ToModel way{};
    for (int c = 0; c < kColourChannels; ++c) way.light[c] = light.data() + c * codes;
    std::copy_n(matrix.data(), 9, &way.matrix[0][0]);
    way.coding = coding.data();
    if constexpr (sizeof(Sample) == 1)
        for_each_row(pixels, output, way, threads, colour_kernels().to_model_8);
    else
        for_each_row(pixels, output, way, threads, colour_kernels().to_model_16);
}

template <class Sample>
void from_model(const Pixels<const float>& srgb, const Pixels<Sample>& output, const Curve& light,
                const Floats<3, 3>& matrix, const Curves& coding, int threads) {
    FromModel way{};
    way.light = light.data();
    std::copy_n(matrix.data(), 9, &way.matrix[0][0]);
    for (int c = 0; c < kColourChannels; ++c) way.coding[c] = coding.data() + c * kCurveNumbers;
    if constexpr (sizeof(Sample) == 1)
        for_each_row(srgb, output, way, threads, colour_kernels().from_model_8);
    else
        for_each_row(srgb, output, way, threads, colour_kernels().from_model_16);
}

template <class Sample>
void bind_sample(nb::module_& module) {
    module.def("to_model", &to_model<Sample>, "pixels"_a.noconvert(), "output"_a.noconvert(),
               "light"_a.noconvert(), "matrix"_a.noconvert(), "coding"_a.noconvert(), "threads"_a);
    module.def("from_model", &from_model<Sample>, "srgb"_a.noconvert(), "output"_a.noconvert(),
               "light"_a.noconvert(), "matrix"_a.noconvert(), "coding"_a.noconvert(), "threads"_a);
}

}  // namespace

void bind_colour(nb::module_& module) {
    bind_sample<std::uint8_t>(module);
    bind_sample<std::uint16_t>(module);
    module.attr("CURVE_SHIFT") = kCurveShift;
    module.attr("CURVE_STEPS_PER_OCTAVE") = 1 << kCurveStepBits;
    module.attr("CURVE_OCTAVES") = kCurveOctaves;
}

}  // namespace fivefold
