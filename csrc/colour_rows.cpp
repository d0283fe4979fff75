// Loops are plain, over arrays that stay in the first-level cache, for compilers to vectorise.

#include "colour_rows.h"

#include <cstddef>
#include <cstring>

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

constexpr int kRun = 256;
using Channel = float[kRun];

// Numbers that are not finite, and those beyond the table, go on along its last step.
void apply(const float* __restrict curve, Channel& __restrict numbers, int count) {
    constexpr int kFractionBits = 23 - kCurveStepBits;
    constexpr std::uint32_t kFractions = (1u << kFractionBits) - 1;
    std::uint32_t first;
    std::memcpy(&first, &kCurveShift, sizeof first);
    for (int x = 0; x < count; ++x) {
        std::uint32_t number, place;
        std::memcpy(&number, &numbers[x], sizeof number);
        const std::uint32_t sign = number & 0x80000000u;
        number ^= sign;
        float shifted;
        std::memcpy(&shifted, &number, sizeof shifted);
        shifted += kCurveShift;
        std::memcpy(&place, &shifted, sizeof place);
        place -= first;
        const std::uint32_t found = place >> kFractionBits;
        const std::int32_t step = static_cast<std::int32_t>(
            found < kCurveSteps - 1u ? found : kCurveSteps - 1u);
        const float rest =
            static_cast<float>(static_cast<std::int32_t>(place & kFractions)) *
            (1.0f / (1 << kFractionBits));
        const float value = curve[step] + rest * (curve[step + 1] - curve[step]);
        std::uint32_t bits;
        std::memcpy(&bits, &value, sizeof bits);
        bits ^= sign;
        std::memcpy(&numbers[x], &bits, sizeof bits);
    }
}

void multiply(const float (&matrix)[kColourChannels][kColourChannels],
              Channel (&__restrict colour)[kColourChannels], int count) {
    for (int x = 0; x < count; ++x) {
        const float red = colour[0][x], green = colour[1][x], blue = colour[2][x];
        for (int c = 0; c < kColourChannels; ++c)
            colour[c][x] = matrix[c][0] * red + matrix[c][1] * green + matrix[c][2] * blue;
    }
}

template <class Sample>
void to_model(const ToModel& way, const Sample* from, int pixels, float* to) {
    Channel colour[kColourChannels];
    for (int start = 0; start < pixels; start += kRun) {
        const int count = pixels - start < kRun ? pixels - start : kRun;
        const Sample* input = from + 3 * static_cast<std::ptrdiff_t>(start);
        float* output = to + 3 * static_cast<std::ptrdiff_t>(start);
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kColourChannels; ++c) colour[c][x] = way.light[c][input[3 * x + c]];
        multiply(way.matrix, colour, count);
        for (Channel& channel : colour) apply(way.coding, channel, count);
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kColourChannels; ++c) output[3 * x + c] = colour[c][x];
    }
}

// Comparisons that are false for NaN make it the lower bound.
inline float held(float value, float high) {
    value = value > 0.0f ? value : 0.0f;
    return value < high ? value : high;
}

template <class Sample>
void from_model(const FromModel& way, const float* from, int pixels, Sample* to) {
    constexpr float kWhite = static_cast<float>(static_cast<Sample>(-1));
    Channel colour[kColourChannels];
    for (int start = 0; start < pixels; start += kRun) {
        const int count = pixels - start < kRun ? pixels - start : kRun;
        const float* input = from + 3 * static_cast<std::ptrdiff_t>(start);
        Sample* output = to + 3 * static_cast<std::ptrdiff_t>(start);
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kColourChannels; ++c) colour[c][x] = input[3 * x + c];
        for (Channel& channel : colour) apply(way.light, channel, count);
        multiply(way.matrix, colour, count);
        for (int c = 0; c < kColourChannels; ++c) {
            for (int x = 0; x < count; ++x) colour[c][x] = held(colour[c][x], 1.0f);
            apply(way.coding[c], colour[c], count);
        }
        Sample rounded[kColourChannels][kRun];
        for (int c = 0; c < kColourChannels; ++c)
            for (int x = 0; x < count; ++x)
                rounded[c][x] = static_cast<Sample>(
                    static_cast<int>(held(colour[c][x] * kWhite, kWhite) + 0.5f));
        for (int x = 0; x < count; ++x)
            for (int c = 0; c < kColourChannels; ++c) output[3 * x + c] = rounded[c][x];
    }
}

}  // namespace

const ColourKernels colour_kernels = {
    to_model<std::uint8_t>,
    to_model<std::uint16_t>,
    from_model<std::uint8_t>,
    from_model<std::uint16_t>,
};

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
