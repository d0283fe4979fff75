// The reduction that the network sees: an area average.
#pragma once

#include <cstddef>

namespace fivefold {

// output[i][j] = the mean of the picture, taken as constant within each pixel, over the rectangle
// [i H/n, (i+1) H/n) x [j W/n, (j+1) W/n), in 0...1. output is (size, size, 3), contiguous; stride
// counts samples. Defined for uint8_t, uint16_t and float.
template <class Sample>
void thumbnail(const Sample* input, std::ptrdiff_t stride, int rows, int columns, int size,
               float* output, int threads);

}  // namespace fivefold
