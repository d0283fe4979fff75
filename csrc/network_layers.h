// The two layers of the network that cost time, over a few rows or outputs of each.
//
// network_layers.cpp is compiled once for each instruction set that is worth having, into a
// namespace of its own; network.cpp picks one at run time. Every output is a sum in an order that
// is written out and does not depend on the width of a register, so every instruction set gives
// the same bits. It must not use anything from the standard library that the linker could share
// with code for lesser processors.
#pragma once

#include <cstddef>

namespace fivefold {

// Weights of output channels come in blocks of this many, the last filled up with zeros.
constexpr int kBlock = 16;

// output[y][x][o] = bias[o] + sum over j, i, c of
//                   weights[o / kBlock][j][i][c][o % kBlock] * input[s y + j][s x + i][c]
//
// or 0 where that is less and the layer rectifies. Rows lie input_row and output_row floats apart,
// so that the output can be the inside of what, with its border of zeros, is the next one's input.
struct Convolution {
    const float* input;    // (..., columns and border, inputs)
    const float* weights;  // (blocks, kernel, kernel, inputs, kBlock)
    const float* bias;     // (outputs)
    float* output;         // (..., columns, outputs)
    std::ptrdiff_t input_row, output_row;
    int inputs, kernel, stride, columns, outputs;
    bool rectifies;
};

// output[o] = bias[o] + sum over c of weights[o][c] * input[c], or 0 likewise
struct Connection {
    const float* input;    // (inputs)
    const float* weights;  // (outputs, inputs)
    const float* bias;     // (outputs)
    float* output;         // (outputs)
    int inputs;
    bool rectifies;
};

struct LayerKernels {
    void (*convolve_rows)(const Convolution& layer, int begin, int end);
    void (*connect_outputs)(const Connection& layer, int begin, int end);
};

namespace portable {
LayerKernels layer_kernels();
}
namespace neon {
LayerKernels layer_kernels();
}
namespace avx2 {
LayerKernels layer_kernels();
}
namespace avx512 {
LayerKernels layer_kernels();
}

}  // namespace fivefold
