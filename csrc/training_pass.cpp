// Training's pass is the float pass with a way back. Going back, each pixel adds to four entries of
// its row's table; rows between the same two rows of cells share what they add to. Such a group of
// rows (at most kMostRows of one sample) is the unit of work. Units keep their own sums, which are
// added up in a fixed order afterwards: threads never meet, and the result does not depend on how
// many there are.

#include "training_pass.h"

#include "instruction_set.h"
#include "parallel.h"
#include "training_rows.h"

namespace fivefold {
namespace {

constexpr int kMostRows = 32;

template <class Real>
TrainingRowKernels<Real> row_kernels() {
#ifdef FIVEFOLD_X86
    switch (instruction_set()) {
        case InstructionSet::avx512: return avx512::training_row_kernels<Real>();
        case InstructionSet::avx2: return avx2::training_row_kernels<Real>();
        default: break;
    }
#endif
    return portable::training_row_kernels<Real>();
}

// One sample of a batch with everything that its rows have in common.
template <class Real>
class Sample {
public:
    const Table<Real> table;

    Sample(const TrainingBatch<Real>& batch, int index)
        : table(Grid<Real>{batch.coefficients + index * grid_size(batch), batch.depth,
                           batch.height, batch.width, batch.guide}),
          batch_(batch), frame_(batch.frames[index]),
          cells_(static_cast<std::size_t>(batch.columns)),
          fractions_(static_cast<std::size_t>(batch.columns)),
          first_plane_(index * kChannels * plane_size(batch)) {
        for (int x = 0; x < batch.columns; ++x) {
            const Tap<Real> tap = tap_at<Real>(static_cast<int>(frame_.first_column) + x,
                                               static_cast<int>(frame_.full_width), batch.width);
            cells_[static_cast<std::size_t>(x)] = tap.cell;
            fractions_[static_cast<std::size_t>(x)] = tap.fraction;
        }
    }

    static std::ptrdiff_t grid_size(const TrainingBatch<Real>& batch) {
        return static_cast<std::ptrdiff_t>(kCoefficients) * batch.depth * batch.height *
               batch.width;
    }
    static std::ptrdiff_t plane_size(const TrainingBatch<Real>& batch) {
        return static_cast<std::ptrdiff_t>(batch.rows) * batch.columns;
    }

    Tap<Real> tap_y(int y) const {
        return tap_at<Real>(static_cast<int>(frame_.first_row) + y,
                            static_cast<int>(frame_.full_height), batch_.height);
    }

    // Where plane c of row y begins in an array like the photo.
    std::ptrdiff_t offset(int c, int y) const {
        return first_plane_ + c * plane_size(batch_) +
               static_cast<std::ptrdiff_t>(y) * batch_.columns;
    }

    // Row y, reading from `row_table`, which is filled.
    TrainingRow<Real> row(int y, std::vector<Real>& row_table) const {
        table.interpolate_row(tap_y(y), row_table.data());
        TrainingRow<Real> row{};
        for (int c = 0; c < kChannels; ++c) row.photo[c] = batch_.photo + offset(c, y);
        row.table = row_table.data();
        row.column_size = table.column_size();
        row.cell_x = cells_.data();
        row.fraction_x = fractions_.data();
        row.columns = batch_.columns;
        row.depth = batch_.depth;
        row.guide = &batch_.guide;
        return row;
    }

private:
    const TrainingBatch<Real>& batch_;
    Frame frame_;
    std::vector<int> cells_;
    std::vector<Real> fractions_;
    std::ptrdiff_t first_plane_;
};

template <class Real>
std::vector<Sample<Real>> make_samples(const TrainingBatch<Real>& batch) {
    std::vector<Sample<Real>> samples;
    samples.reserve(static_cast<std::size_t>(batch.samples));
    for (int n = 0; n < batch.samples; ++n) samples.emplace_back(batch, n);
    return samples;
}

// Rows begin ... end of one sample, all between rows `cell` and `cell + 1` of the grid, and the
// gradients that they add up to.
template <class Real>
struct Unit {
    int sample, begin, end, cell;
    std::vector<Real> above, below;
    Guide<double> guide;
};

template <class Real>
std::vector<Unit<Real>> divide(const TrainingBatch<Real>& batch,
                               const std::vector<Sample<Real>>& samples) {
    std::vector<Unit<Real>> units;
    for (int n = 0; n < batch.samples; ++n) {
        for (int y = 0; y < batch.rows; ++y) {
            const int cell = samples[static_cast<std::size_t>(n)].tap_y(y).cell;
            const bool joins = y > 0 && units.back().cell == cell &&
                               units.back().end - units.back().begin < kMostRows;
            if (!joins) units.push_back({n, y, y, cell, {}, {}, {}});
            ++units.back().end;
        }
    }
    return units;
}

void add(Guide<double>& total, const Guide<double>& part) {
    for (int c = 0; c < kChannels; ++c) {
        total.matrix_bias[c] += part.matrix_bias[c];
        for (int from = 0; from < kChannels; ++from)
            total.matrix[c][from] += part.matrix[c][from];
        for (int i = 0; i < kKnots; ++i) {
            total.slopes[c][i] += part.slopes[c][i];
            total.thresholds[c][i] += part.thresholds[c][i];
        }
    }
    total.bias += part.bias;
}

// The units' sums as a gradient of the coefficients of sample n.
template <class Real>
void gather(const TrainingBatch<Real>& batch, const Table<Real>& table, int n,
            const std::vector<Unit<Real>>& units, Real* grad_coefficients) {
    const std::size_t row_size = table.row_size();
    std::vector<Real> total(row_size * static_cast<std::size_t>(batch.height));
    const auto add_row = [&](int j, const std::vector<Real>& part) {
        Real* into = total.data() + static_cast<std::size_t>(j) * row_size;
        for (std::size_t i = 0; i < row_size; ++i) into[i] += part[i];
    };
    for (const Unit<Real>& unit : units) {
        if (unit.sample != n) continue;
        add_row(unit.cell, unit.above);
        add_row(std::min(unit.cell + 1, batch.height - 1), unit.below);
    }
    Real* gradient = grad_coefficients + n * Sample<Real>::grid_size(batch);
    std::fill_n(gradient, Sample<Real>::grid_size(batch), Real(0));
    const Real* entry = total.data();
    for (int j = 0; j < batch.height; ++j)
        for (int i = 0; i <= batch.width; ++i)
            for (int k = 0; k <= batch.depth; ++k, entry += Table<Real>::kEntry) {
                const int to_i = std::min(i, batch.width - 1), to_k = std::min(k, batch.depth - 1);
                for (int m = 0; m < kCoefficients; ++m)
                    gradient[((static_cast<std::ptrdiff_t>(m) * batch.depth + to_k) * batch.height +
                              j) * batch.width + to_i] += entry[Table<Real>::place(m)];
            }
}

}  // namespace

template <class Real>
void training_forward(const TrainingBatch<Real>& batch, Real* output, int threads) {
    const TrainingRowKernels<Real> kernels = row_kernels<Real>();
    const std::vector<Sample<Real>> samples = make_samples(batch);
    for_each_band(batch.samples * batch.rows, 8, threads, [&](int begin, int end) {
        std::vector<Real> row_table(samples[0].table.row_size());
        for (int index = begin; index < end; ++index) {
            const Sample<Real>& sample = samples[static_cast<std::size_t>(index / batch.rows)];
            const int y = index % batch.rows;
            Real* planes[kChannels];
            for (int c = 0; c < kChannels; ++c) planes[c] = output + sample.offset(c, y);
            kernels.forward(sample.row(y, row_table), planes);
        }
    });
}

template <class Real>
void training_backward(const TrainingBatch<Real>& batch, const Real* grad_output,
                       Real* grad_coefficients, Guide<double>& grad_guide, Real* grad_photo,
                       int threads) {
    const TrainingRowKernels<Real> kernels = row_kernels<Real>();
    const std::vector<Sample<Real>> samples = make_samples(batch);
    std::vector<Unit<Real>> units = divide(batch, samples);
    for_each_band(static_cast<int>(units.size()), 1, threads, [&](int index, int) {
        Unit<Real>& unit = units[static_cast<std::size_t>(index)];
        const Sample<Real>& sample = samples[static_cast<std::size_t>(unit.sample)];
        const std::size_t row_size = sample.table.row_size();
        unit.above.resize(row_size);
        unit.below.resize(row_size);
        std::vector<Real> row_table(row_size), row_gradient(row_size);
        TrainingRowGradients<Real> gradients{};
        gradients.table = row_gradient.data();
        gradients.guide = &unit.guide;
        for (int y = unit.begin; y < unit.end; ++y) {
            for (int c = 0; c < kChannels; ++c) {
                gradients.output[c] = grad_output + sample.offset(c, y);
                if (grad_photo != nullptr) gradients.photo[c] = grad_photo + sample.offset(c, y);
            }
            std::fill(row_gradient.begin(), row_gradient.end(), Real(0));
            kernels.backward(sample.row(y, row_table), gradients);
            const Real fraction = sample.tap_y(y).fraction;
            for (std::size_t i = 0; i < row_size; ++i) {
                const Real below = fraction * row_gradient[i];
                unit.below[i] += below;
                unit.above[i] += row_gradient[i] - below;
            }
        }
    });
    grad_guide = {};
    for (const Unit<Real>& unit : units) add(grad_guide, unit.guide);
    for_each_band(batch.samples, 1, threads, [&](int n, int) {
        gather(batch, samples[static_cast<std::size_t>(n)].table, n, units, grad_coefficients);
    });
}

template void training_forward(const TrainingBatch<float>&, float*, int);
template void training_forward(const TrainingBatch<double>&, double*, int);
template void training_backward(const TrainingBatch<float>&, const float*, float*, Guide<double>&,
                                float*, int);
template void training_backward(const TrainingBatch<double>&, const double*, double*,
                                Guide<double>&, double*, int);

}  // namespace fivefold
