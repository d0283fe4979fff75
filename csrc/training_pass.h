// The full-resolution pass for training: a batch of pictures in planes, forward and backward.
#pragma once

#include <cstdint>

#include "grid.h"

namespace fivefold {

// A batch: photo (samples, 3, rows, columns) and coefficients (samples, 12, depth, height, width),
// contiguous. Sample n lies at frames[n] in a picture of which it may be a crop.
struct Frame {
    std::int64_t first_row, first_column, full_height, full_width;
};

template <class Real>
struct TrainingBatch {
    const Real* photo;
    const Real* coefficients;
    const Frame* frames;
    Guide<Real> guide;
    int samples, rows, columns;
    int depth, height, width;
};

// output, like the photo: O_c = A_{4c+3} + sum_c' A_{4c+c'} phi_c', not clipped.
template <class Real>
void training_forward(const TrainingBatch<Real>& batch, Real* output, int threads);

// From dL/dO to the gradients of the coefficients, of the guide, and, unless `grad_photo` is null,
// of the photo. All are overwritten. The result does not depend on the number of threads, nor on
// the processor.
template <class Real>
void training_backward(const TrainingBatch<Real>& batch, const Real* grad_output,
                       Real* grad_coefficients, Guide<double>& grad_guide, Real* grad_photo,
                       int threads);

}  // namespace fivefold
