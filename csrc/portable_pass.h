// The full-resolution pass on any processor and for any grid.
#pragma once

#include "grid.h"

namespace fivefold {

// Writes O_c = A_{4c+3} + sum_c' A_{4c+c'} phi_c', A sliced from the grid at each pixel, for every
// pixel of the strip. Integer samples are clipped and rounded to nearest; float samples are
// clipped to 0...1 if `clip` says so. Defined for uint8_t, uint16_t and float.
template <class Sample>
void render_portable(const Strip<Sample>& strip, const Grid<float>& grid, bool clip, int threads);

}  // namespace fivefold
