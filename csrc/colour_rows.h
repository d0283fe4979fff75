// The inner loops between a photo's own colours and the model's, compiled like training_rows.cpp for
// each instruction set.
#pragma once

#include <cstdint>

namespace fivefold {

constexpr int kColourChannels = 3;

// A function of numbers of either sign, mirrored about 0, as a table over the bits of |x| + 2^-11:
// 2^11 equal steps to each power of two, up to 2^6, between which it is a straight line. So steps
// are small where numbers are, and near zero no smaller than 2^-22.
constexpr int kCurveStepBits = 11;
constexpr float kCurveShift = 1.0f / 2048.0f;
constexpr int kCurveOctaves = 17;
constexpr int kCurveSteps = kCurveOctaves << kCurveStepBits;
constexpr int kCurveNumbers = kCurveSteps + 1;

// Integer samples in light by table, times the matrix, coded by a curve.
struct ToModel {
    const float* light[kColourChannels];  // of every code of a channel
    float matrix[kColourChannels][kColourChannels];
    const float* coding;  // kCurveNumbers
};

// And back: in light by a curve, times the matrix, held in 0 ... 1 and coded by each channel's curve.
struct FromModel {
    const float* light;
    float matrix[kColourChannels][kColourChannels];
    const float* coding[kColourChannels];
};

struct ColourKernels {
    void (*to_model_8)(const ToModel& way, const std::uint8_t* from, int pixels, float* to);
    void (*to_model_16)(const ToModel& way, const std::uint16_t* from, int pixels, float* to);
    void (*from_model_8)(const FromModel& way, const float* from, int pixels, std::uint8_t* to);
    void (*from_model_16)(const FromModel& way, const float* from, int pixels, std::uint16_t* to);
};

namespace portable {
extern const ColourKernels colour_kernels;
}
namespace avx2 {
extern const ColourKernels colour_kernels;
}
namespace avx512 {
extern const ColourKernels colour_kernels;
}

}  // namespace fivefold
