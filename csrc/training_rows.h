// One row of pixels, forward and backward, in planes: the inner loops of the training pass.
//
// training_rows.cpp is compiled once for each instruction set that is worth having, into a
// namespace of its own; training_pass.cpp picks one at run time. It contains plain loops only, in
// an order that is written out (sums go over 16 lanes first), so every instruction set gives the
// same bits. It must not use anything from the standard library that the linker could share with
// code for lesser processors.
#pragma once

#include <cstddef>

#include "guide.h"

namespace fivefold {

// What a row reads. `table` is Table's row; cell_x and fraction_x are the taps along x.
template <class Real>
struct TrainingRow {
    const Real* photo[kChannels];
    const Real* table;
    std::size_t column_size;
    const int* cell_x;
    const Real* fraction_x;
    int columns, depth;
    const Guide<Real>* guide;
};

// What its backward pass adds to: gradients of the row's table and of the guide, and, unless it is
// null, writes: the gradient of the photo.
template <class Real>
struct TrainingRowGradients {
    const Real* output[kChannels];
    Real* photo[kChannels];
    Real* table;
    Guide<double>* guide;
};

template <class Real>
struct TrainingRowKernels {
    void (*forward)(const TrainingRow<Real>& row, Real* const* output);
    void (*backward)(const TrainingRow<Real>& row, const TrainingRowGradients<Real>& gradients);
};

namespace portable {
template <class Real>
TrainingRowKernels<Real> training_row_kernels();
}
namespace avx2 {
template <class Real>
TrainingRowKernels<Real> training_row_kernels();
}
namespace avx512 {
template <class Real>
TrainingRowKernels<Real> training_row_kernels();
}

}  // namespace fivefold
