// The training pass as Python sees it: torch tensors or NumPy arrays, float32 or float64.

#include "training_module.h"

#include <stdexcept>

#include "training_pass.h"

namespace nb = nanobind;
using namespace nb::literals;

namespace fivefold {
namespace {

template <class Real, nb::ssize_t... Shape>
using Array = nb::ndarray<Real, nb::shape<Shape...>, nb::c_contig, nb::device::cpu>;
template <class Real>
using Planes = Array<Real, -1, 3, -1, -1>;
template <class Real>
using Coefficients = Array<Real, -1, kCoefficients, -1, -1, -1>;
using Frames = Array<const std::int64_t, -1, 4>;

// The guide's numbers in one array, in the order of Guide's members.
constexpr int kGuideSize = 9 + 3 + 2 * kChannels * kKnots + 1;
template <class Real>
using GuideArray = Array<Real, kGuideSize>;
static_assert(sizeof(Guide<double>) == kGuideSize * sizeof(double), "Guide has no padding");

template <class Real>
TrainingBatch<Real> make_batch(const Planes<const Real>& photo,
                               const Coefficients<const Real>& coefficients,
                               const GuideArray<const Real>& guide, const Frames& frames) {
    if (photo.shape(0) != coefficients.shape(0) || photo.shape(0) != frames.shape(0))
        throw std::invalid_argument("photo, coefficients and frames must have as many samples");
    if (photo.size() == 0 || coefficients.size() == 0 || photo.size() > (std::size_t{1} << 40) ||
        photo.shape(0) * photo.shape(2) > (1u << 30) || photo.shape(3) > (1u << 30))
        throw std::invalid_argument("the batch must not be empty, nor immense");
    static_assert(sizeof(Frame) == 4 * sizeof(std::int64_t));
    TrainingBatch<Real> batch{};
    batch.photo = photo.data();
    batch.coefficients = coefficients.data();
    batch.frames = reinterpret_cast<const Frame*>(frames.data());
    std::copy_n(guide.data(), kGuideSize, &batch.guide.matrix[0][0]);
    batch.samples = static_cast<int>(photo.shape(0));
    batch.rows = static_cast<int>(photo.shape(2));
    batch.columns = static_cast<int>(photo.shape(3));
    batch.depth = static_cast<int>(coefficients.shape(2));
    batch.height = static_cast<int>(coefficients.shape(3));
    batch.width = static_cast<int>(coefficients.shape(4));
    for (int n = 0; n < batch.samples; ++n) {
        const Frame& frame = batch.frames[n];
        if (frame.first_row < 0 || frame.first_column < 0 || frame.full_height > (1 << 30) ||
            frame.full_width > (1 << 30) || frame.first_row > frame.full_height - batch.rows ||
            frame.first_column > frame.full_width - batch.columns)
            throw std::invalid_argument("a crop must lie inside its picture");
    }
    return batch;
}

template <class A, class B>
void check_same_shape(const A& a, const B& b) {
    for (std::size_t i = 0; i < a.ndim(); ++i)
        if (a.shape(i) != b.shape(i)) throw std::invalid_argument("shapes must be equal");
}

template <class Real>
void forward(const Planes<const Real>& photo, const Coefficients<const Real>& coefficients,
             const GuideArray<const Real>& guide, const Frames& frames, const Planes<Real>& output,
             int threads) {
    const TrainingBatch<Real> batch = make_batch<Real>(photo, coefficients, guide, frames);
    check_same_shape(photo, output);
    nb::gil_scoped_release released;
    training_forward(batch, output.data(), threads);
}

template <class Real>
void backward(const Planes<const Real>& photo, const Coefficients<const Real>& coefficients,
              const GuideArray<const Real>& guide, const Frames& frames,
              const Planes<const Real>& grad_output, const Coefficients<Real>& grad_coefficients,
              const GuideArray<Real>& grad_guide, const std::optional<Planes<Real>>& grad_photo,
              int threads) {
    const TrainingBatch<Real> batch = make_batch<Real>(photo, coefficients, guide, frames);
    check_same_shape(photo, grad_output);
    check_same_shape(coefficients, grad_coefficients);
    if (grad_photo) check_same_shape(photo, *grad_photo);
    nb::gil_scoped_release released;
    Guide<double> gradient;
    training_backward(batch, grad_output.data(), grad_coefficients.data(), gradient,
                      grad_photo ? grad_photo->data() : nullptr, threads);
    const double* numbers = &gradient.matrix[0][0];
    for (int i = 0; i < kGuideSize; ++i) grad_guide.data()[i] = static_cast<Real>(numbers[i]);
}

template <class Real>
void bind(nb::module_& module) {
    module.def("training_forward", &forward<Real>, "photo"_a.noconvert(),
               "coefficients"_a.noconvert(), "guide"_a.noconvert(), "frames"_a.noconvert(),
               "output"_a.noconvert(), "threads"_a);
    module.def("training_backward", &backward<Real>, "photo"_a.noconvert(),
               "coefficients"_a.noconvert(), "guide"_a.noconvert(), "frames"_a.noconvert(),
               "grad_output"_a.noconvert(), "grad_coefficients"_a.noconvert(),
               "grad_guide"_a.noconvert(), "grad_photo"_a.noconvert().none(), "threads"_a);
}

}  // namespace

void bind_training(nb::module_& module) {
    bind<float>(module);
    bind<double>(module);
}

}  // namespace fivefold
