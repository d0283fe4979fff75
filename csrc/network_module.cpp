// The layers of the network as Python sees them; fivefold/runtime/network_compiler.py strings them
// together.

#include "network_module.h"

#include <nanobind/ndarray.h>

#include <cstdint>
#include <stdexcept>

#include "network.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace fivefold {
namespace {

template <class Real, nb::ssize_t... Shape>
using Array = nb::ndarray<Real, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;

// Rows, columns and channels; rows may lie apart.
template <class Real> using Picture = nb::ndarray<Real, nb::shape<-1, -1, -1>, nb::device::cpu>;

constexpr std::size_t kMost = 1u << 20;  // of any side: products of three still fit

template <class A>
void check_sides(const A& array) {
    for (std::size_t i = 0; i < array.ndim(); ++i)
        if (array.shape(i) == 0 || array.shape(i) > kMost)
            throw std::invalid_argument("sides must be 1 to 2^20");
}

template <class P>
void check_picture(const P& picture) {
    check_sides(picture);
    const auto channels = static_cast<std::int64_t>(picture.shape(2));
    if ((channels > 1 && picture.stride(2) != 1) ||
        (picture.shape(1) > 1 && picture.stride(1) != channels))
        throw std::invalid_argument("the pixels of a row must be adjacent");
}

void convolve_array(const Picture<const float>& input,
                    const Array<const float, -1, -1, -1, -1, kBlock>& weights,
                    const Array<const float, -1>& bias, const Picture<float>& output, int stride,
                    bool rectifies, int threads) {
    check_picture(input);
    check_sides(weights);
    check_picture(output);
    const std::size_t kernel = weights.shape(1), outputs = output.shape(2);
    if (stride < 1 || static_cast<std::size_t>(stride) > kMost)
        throw std::invalid_argument("the stride must be 1 to 2^20");
    if (weights.shape(2) != kernel || weights.shape(3) != input.shape(2))
        throw std::invalid_argument("the weights do not fit the input");
    if (bias.shape(0) != outputs || weights.shape(0) != (outputs + kBlock - 1) / kBlock)
        throw std::invalid_argument("weights, bias and output have other channels");
    for (int side = 0; side < 2; ++side)
        if ((output.shape(side) - 1) * stride + kernel > input.shape(side))
            throw std::invalid_argument("the output reaches beyond the input");
    const Convolution layer{input.data(),
                            weights.data(),
                            bias.data(),
                            output.data(),
                            input.stride(0),
                            output.stride(0),
                            static_cast<int>(input.shape(2)),
                            static_cast<int>(kernel),
                            stride,
                            static_cast<int>(output.shape(1)),
                            static_cast<int>(outputs),
                            rectifies};
    nb::gil_scoped_release released;
    convolve(layer, static_cast<int>(output.shape(0)), threads);
}

void connect_array(const Array<const float, -1>& input, const Array<const float, -1, -1>& weights,
                   const Array<const float, -1>& bias, const Array<float, -1>& output,
                   bool rectifies) {
    if (input.shape(0) > kMost || output.shape(0) > kMost)
        throw std::invalid_argument("sides must be 1 to 2^20");
    if (weights.shape(0) != output.shape(0) || weights.shape(1) != input.shape(0) ||
        bias.shape(0) != output.shape(0))
        throw std::invalid_argument("weights, bias, input and output do not fit each other");
    const Connection layer{input.data(), weights.data(), bias.data(), output.data(),
                           static_cast<int>(input.shape(0)), rectifies};
    nb::gil_scoped_release released;
    connect(layer, static_cast<int>(output.shape(0)));
}

void pack_array(const Array<const float, -1, -1, -1, -1>& stored,
                const Array<float, -1, -1, -1, -1, kBlock>& packed) {
    check_sides(stored);
    if (stored.shape(2) != stored.shape(3) || packed.shape(1) != stored.shape(2) ||
        packed.shape(2) != stored.shape(2) || packed.shape(3) != stored.shape(1) ||
        packed.shape(0) != (stored.shape(0) + kBlock - 1) / kBlock)
        throw std::invalid_argument("the packed weights have another shape");
    nb::gil_scoped_release released;
    pack_weights(stored.data(), static_cast<int>(stored.shape(0)),
                 static_cast<int>(stored.shape(1)), static_cast<int>(stored.shape(2)),
                 packed.data());
}

}  // namespace

void bind_network(nb::module_& module) {
    module.def("convolve", &convolve_array, "input"_a.noconvert(), "weights"_a.noconvert(),
               "bias"_a.noconvert(), "output"_a.noconvert(), "stride"_a, "rectifies"_a, "threads"_a);
    module.def("connect", &connect_array, "input"_a.noconvert(), "weights"_a.noconvert(),
               "bias"_a.noconvert(), "output"_a.noconvert(), "rectifies"_a);
    module.def("pack_weights", &pack_array, "stored"_a.noconvert(), "packed"_a.noconvert());
}

}  // namespace fivefold
