// The full-resolution pass by the kernels of slice_rows.h.
#pragma once

#include "grid.h"

namespace fivefold {

enum class Arithmetic { none, fixed_point, doubles };

// Whether, and in which arithmetic, the kernels of this processor can render samples of
// `sample_bits` with this grid: in fixed point where 8-bit results are then never off by more than
// a code, in double precision otherwise. `none` means that the processor has no such kernels.
Arithmetic choose_arithmetic(const Grid<float>& grid, int sample_bits);

// As render_portable. Returns what it did; `none` if nothing, which is then left to render_portable.
template <class Sample>
Arithmetic render_vector(const Strip<Sample>& strip, const Grid<float>& grid, bool clip,
                         int threads);

}  // namespace fivefold
