// The network's layers on whatever the processor has, shared out among threads.
#pragma once

#include "network_layers.h"

namespace fivefold {

void convolve(const Convolution& layer, int rows, int threads);
void connect(const Connection& layer, int outputs);

// From the order in which models are stored, (outputs, inputs, kernel, kernel), to Convolution's.
void pack_weights(const float* stored, int outputs, int inputs, int kernel, float* packed);

}  // namespace fivefold
