// Compares the kernels of the processor that this runs on with the formulas in double precision, on
// random pictures and grids. For processors that the Python tests do not run on; test_cross.py
// builds it and runs it under emulation. Prints what ran; fails at the first result that is off.

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <random>
#include <vector>

#include "../../../csrc/instruction_set.h"
#include "../../../csrc/portable_pass.h"
#include "../../../csrc/vector_pass.h"

using namespace fivefold;

namespace {

std::mt19937 engine(20240601);

double draw(double low, double high) {
    return std::uniform_real_distribution<double>(low, high)(engine);
}

struct Case {
    int rows, columns, depth, height, width;
    double spread;
    bool uniform_knots;
    double guide_bias;
};

double guide_at(const Guide<float>& guide, const double (&colour)[3]) {
    double g = guide.bias;
    for (int c = 0; c < kChannels; ++c) {
        double u = guide.matrix_bias[c];
        for (int n = 0; n < kChannels; ++n) u += guide.matrix[c][n] * colour[n];
        for (int i = 0; i < kKnots; ++i)
            g += guide.slopes[c][i] * std::max(u - guide.thresholds[c][i], 0.0) / 3;
    }
    return std::min(std::max(g, 0.0), 1.0);
}

// Output channel c of a pixel at (x, y) of a picture of rows x columns.
double output_at(const Grid<float>& grid, const double (&colour)[3], int x, int y, int rows,
                 int columns, int c) {
    const Tap<double> at_x = tap_at<double>(x, columns, grid.width);
    const Tap<double> at_y = tap_at<double>(y, rows, grid.height);
    const double z = std::min(std::max(grid.depth * guide_at(grid.guide, colour) - 0.5, 0.0),
                              grid.depth - 1.0);
    const int k = static_cast<int>(z);
    double sum = 0.0;
    for (int n = 0; n < 4; ++n) {
        double a = 0.0;
        for (int corner = 0; corner < 8; ++corner) {
            const int dx = corner & 1, dy = corner >> 1 & 1, dz = corner >> 2;
            const double weight = (dx ? at_x.fraction : 1 - at_x.fraction) *
                                  (dy ? at_y.fraction : 1 - at_y.fraction) *
                                  (dz ? z - k : 1 - (z - k));
            a += weight * grid.at(4 * c + n, std::min(k + dz, grid.depth - 1),
                                  std::min(at_y.cell + dy, grid.height - 1),
                                  std::min(at_x.cell + dx, grid.width - 1));
        }
        sum += n < 3 ? a * colour[n] : a;
    }
    return sum;
}

template <class Sample>
bool check(const Case& with, const char* type, double white, double tolerance) {
    std::vector<float> numbers(static_cast<std::size_t>(kCoefficients) * with.depth * with.height *
                               with.width);
    const std::size_t cells = numbers.size() / kCoefficients;
    for (std::size_t i = 0; i < numbers.size(); ++i)
        numbers[i] = static_cast<float>((i / cells % 5 == 0) + draw(-with.spread, with.spread));
    Grid<float> grid{numbers.data(), with.depth, with.height, with.width, {}};
    for (int c = 0; c < kChannels; ++c) {
        for (int n = 0; n < kChannels; ++n)
            grid.guide.matrix[c][n] = static_cast<float>((c == n) + draw(-0.05, 0.05));
        grid.guide.matrix_bias[c] = static_cast<float>(draw(-0.02, 0.02));
        for (int i = 0; i < kKnots; ++i) {
            grid.guide.slopes[c][i] = static_cast<float>((i == 0) + draw(-0.05, 0.05));
            grid.guide.thresholds[c][i] =
                with.uniform_knots ? i / 16.0f : static_cast<float>(draw(-0.1, 1.1));
        }
    }
    grid.guide.bias = static_cast<float>(with.guide_bias);

    const std::size_t size = 3 * static_cast<std::size_t>(with.rows) * with.columns;
    std::vector<Sample> input(size), output(size);
    for (Sample& sample : input) {
        const double value = std::min(std::max(draw(-0.02, 1.02), 0.0), 1.0) * white;
        sample = static_cast<Sample>(white == 1.0 ? value : std::floor(value + 0.5));
    }
    const Strip<Sample> strip{input.data(), output.data(), 3 * with.columns, 3 * with.columns,
                              with.rows,    with.columns,  0,                with.rows};
    const Arithmetic ran = render_vector(strip, grid, true, 1);
    if (ran == Arithmetic::none) render_portable(strip, grid, true, 1);
    double worst = 0.0;
    for (int y = 0; y < with.rows; ++y)
        for (int x = 0; x < with.columns; ++x) {
            const Sample* pixel = input.data() + 3 * (static_cast<std::size_t>(y) * with.columns + x);
            const double colour[3] = {pixel[0] / white, pixel[1] / white, pixel[2] / white};
            for (int c = 0; c < kChannels; ++c) {
                double exact = white * std::min(std::max(output_at(grid, colour, x, y, with.rows,
                                                                   with.columns, c), 0.0), 1.0);
                if (white != 1.0) exact = std::nearbyint(exact);
                worst = std::max(worst, std::fabs(exact - output[pixel - input.data() + c]));
            }
        }
    const char* names[] = {"portable", "int16", "float64"};
    std::printf("%s %s %dx%d grid %dx%dx%d spread %.2f %s: off by %g\n", type,
                names[static_cast<int>(ran)], with.rows, with.columns, with.depth, with.height,
                with.width, with.spread, with.uniform_knots ? "uniform" : "free", worst);
    return worst <= tolerance;
}

}  // namespace

int main() {
    std::printf("%s\n", kInstructionSetNames[static_cast<int>(instruction_set())]);
    const Case cases[] = {
        {1, 1, 8, 16, 16, 0.1, true, 0.0},    {9, 131, 8, 16, 16, 0.1, true, 0.0},
        {3, 1031, 8, 16, 16, 0.2, true, 0.0}, {3, 1031, 8, 16, 16, 0.1, false, 0.0},
        {20, 7, 4, 3, 5, 0.3, true, 0.1},     {5, 90, 1, 1, 1, 0.3, true, 0.0},
        {5, 300, 8, 4, 4, 6.0, true, 0.0},    {5, 300, 12, 4, 4, 0.1, true, 0.0},
        {5, 300, 8, 4, 4, 0.2, true, 9.0},    {5, 300, 8, 4, 4, 0.2, false, -9.0},
    };
    bool good = true;
    for (const Case& with : cases) {
        good = check<std::uint8_t>(with, "uint8", 255.0, 1.0) && good;
        good = check<std::uint16_t>(with, "uint16", 65535.0, 0.0) && good;
        good = check<float>(with, "float", 1.0, 1e-6) && good;
    }
    return good ? 0 : 1;
}
