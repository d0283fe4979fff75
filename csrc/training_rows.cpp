#include "training_rows.h"

namespace fivefold {
namespace FIVEFOLD_ISA {
namespace {

constexpr int kEntry = 16;
constexpr int kLanes = 16;
constexpr int kRun = 256;  // pixels whose numbers stay in the first-level cache

// A run of pixels: its colours, u_c = M_c . phi + b'_c of the guide, and where it cuts the depth.
template <class Real>
struct Run {
    Real photo[kChannels][kRun];
    Real u[kChannels][kRun];
    Real depth[kRun];     // d g - 1/2, clamped to the centres of the first and last cell
    Real inside[kRun];    // 1 where it was not clamped: elsewhere the guide has no effect
    int count;
};

template <class Real>
void load_run(const TrainingRow<Real>& row, int start, Run<Real>& run) {
    const Guide<Real>& guide = *row.guide;
    run.count = row.columns - start < kRun ? row.columns - start : kRun;
    for (int c = 0; c < kChannels; ++c) {
        for (int x = 0; x < run.count; ++x) run.photo[c][x] = row.photo[c][start + x];
        for (int x = run.count; x < kRun; ++x) run.photo[c][x] = 0;
    }
    Real g[kRun];
    for (int x = 0; x < kRun; ++x) g[x] = 0;
    for (int c = 0; c < kChannels; ++c) {
        for (int x = 0; x < kRun; ++x)
            run.u[c][x] = guide.matrix[c][0] * run.photo[0][x] +
                          guide.matrix[c][1] * run.photo[1][x] +
                          guide.matrix[c][2] * run.photo[2][x] + guide.matrix_bias[c];
        for (int i = 0; i < kKnots; ++i) {
            const Real slope = guide.slopes[c][i], threshold = guide.thresholds[c][i];
            for (int x = 0; x < kRun; ++x) {
                const Real beyond = run.u[c][x] - threshold;
                g[x] += slope * (beyond > 0 ? beyond : 0);
            }
        }
    }
    const Real cells = static_cast<Real>(row.depth), last = cells - 1;
    for (int x = 0; x < kRun; ++x) {
        const Real depth = cells * (guide.bias + g[x] / 3) - Real(0.5);
        // Comparisons are false for NaN, which becomes 0: it must not index the table.
        const bool above = depth > 0, below = depth < last;
        run.depth[x] = above ? (below ? depth : last) : 0;
        run.inside[x] = above && below ? Real(1) : Real(0);
    }
}

template <class Real>
void forward(const TrainingRow<Real>& row, Real* const* output) {
    Run<Real> run;
    for (int start = 0; start < row.columns; start += kRun) {
        load_run(row, start, run);
        for (int x = 0; x < run.count; ++x) {
            const int k = static_cast<int>(run.depth[x]);
            const Real fz = run.depth[x] - static_cast<Real>(k), fx = row.fraction_x[start + x];
            const Real* left = row.table + row.cell_x[start + x] * row.column_size + k * kEntry;
            const Real* right = left + row.column_size;
            Real transform[kEntry];
            for (int n = 0; n < kEntry; ++n) {
                const Real near = left[n] + fx * (right[n] - left[n]);
                const Real far = left[kEntry + n] + fx * (right[kEntry + n] - left[kEntry + n]);
                transform[n] = near + fz * (far - near);
            }
            for (int c = 0; c < kChannels; ++c)
                output[c][start + x] =
                    transform[c] * run.photo[0][x] + transform[4 + c] * run.photo[1][x] +
                    transform[8 + c] * run.photo[2][x] + transform[12 + c];
        }
    }
}

template <class Real>
Real sum_lanes(const Real (&lanes)[kLanes]) {
    Real half[8], quarter[4];
    for (int l = 0; l < 8; ++l) half[l] = lanes[l] + lanes[l + 8];
    for (int l = 0; l < 4; ++l) quarter[l] = half[l] + half[l + 4];
    return (quarter[0] + quarter[2]) + (quarter[1] + quarter[3]);
}

// From dL/dg of a run's pixels to the guide's parameters and, through `photo`, to its colours.
template <class Real>
void guide_backward(const TrainingRow<Real>& row, const Run<Real>& run, const Real (&grad_g)[kRun],
                    Guide<double>& into, Real* const* photo) {
    const Guide<Real>& guide = *row.guide;
    Real lanes[kLanes] = {};
    for (int x = 0; x < kRun; x += kLanes)
        for (int l = 0; l < kLanes; ++l) lanes[l] += grad_g[x + l];
    into.bias += sum_lanes(lanes);

    for (int c = 0; c < kChannels; ++c) {
        Real curve_slope[kRun];  // rho_c'(u)
        for (int x = 0; x < kRun; ++x) curve_slope[x] = 0;
        for (int i = 0; i < kKnots; ++i) {
            const Real slope = guide.slopes[c][i], threshold = guide.thresholds[c][i];
            Real weighted[kLanes] = {}, beyond_sum[kLanes] = {};
            for (int x = 0; x < kRun; x += kLanes)
                for (int l = 0; l < kLanes; ++l) {
                    const Real beyond = run.u[c][x + l] - threshold;
                    const bool on = beyond > 0;
                    weighted[l] += grad_g[x + l] * (on ? beyond : 0);
                    beyond_sum[l] += on ? grad_g[x + l] : 0;
                    curve_slope[x + l] += on ? slope : 0;
                }
            into.slopes[c][i] += sum_lanes(weighted) / 3;
            into.thresholds[c][i] -= slope * sum_lanes(beyond_sum) / 3;
        }
        Real grad_u[kRun];
        for (int x = 0; x < kRun; ++x) grad_u[x] = grad_g[x] * curve_slope[x] / 3;
        Real bias[kLanes] = {}, weight[kChannels][kLanes] = {};
        for (int x = 0; x < kRun; x += kLanes)
            for (int l = 0; l < kLanes; ++l) {
                bias[l] += grad_u[x + l];
                for (int from = 0; from < kChannels; ++from)
                    weight[from][l] += grad_u[x + l] * run.photo[from][x + l];
            }
        into.matrix_bias[c] += sum_lanes(bias);
        for (int from = 0; from < kChannels; ++from) {
            into.matrix[c][from] += sum_lanes(weight[from]);
            if (photo[0] != nullptr)
                for (int x = 0; x < run.count; ++x)
                    photo[from][x] += guide.matrix[c][from] * grad_u[x];
        }
    }
}

template <class Real>
void backward(const TrainingRow<Real>& row, const TrainingRowGradients<Real>& gradients) {
    Run<Real> run;
    Real grad_g[kRun];
    for (int start = 0; start < row.columns; start += kRun) {
        load_run(row, start, run);
        for (int x = 0; x < run.count; ++x) {
            const int k = static_cast<int>(run.depth[x]);
            const Real fz = run.depth[x] - static_cast<Real>(k), fx = row.fraction_x[start + x];
            const std::size_t place = row.cell_x[start + x] * row.column_size + k * kEntry;
            const Real* left = row.table + place;
            const Real* right = left + row.column_size;
            const Real colour[4] = {run.photo[0][x], run.photo[1][x], run.photo[2][x], 1};
            const Real out[4] = {gradients.output[0][start + x], gradients.output[1][start + x],
                                 gradients.output[2][start + x], 0};
            // dL/dA of this pixel's transform, in the order of the table.
            Real outer[kEntry];
            for (int from = 0; from < 4; ++from)
                for (int c = 0; c < 4; ++c) outer[4 * from + c] = colour[from] * out[c];

            Real along_depth[kEntry], transform[kEntry];
            for (int n = 0; n < kEntry; ++n) {
                const Real near = left[n] + fx * (right[n] - left[n]);
                const Real far = left[kEntry + n] + fx * (right[kEntry + n] - left[kEntry + n]);
                along_depth[n] = (far - near) * outer[n];
                transform[n] = near + fz * (far - near);
            }
            grad_g[x] = sum_lanes(along_depth) * run.inside[x] * static_cast<Real>(row.depth);

            Real* to_left = gradients.table + place;
            Real* to_right = to_left + row.column_size;
            const Real right_far = fx * fz, right_near = fx - right_far, left_far = fz - right_far,
                       left_near = 1 - fx - left_far;
            for (int n = 0; n < kEntry; ++n) to_left[n] += left_near * outer[n];
            for (int n = 0; n < kEntry; ++n) to_left[kEntry + n] += left_far * outer[n];
            for (int n = 0; n < kEntry; ++n) to_right[n] += right_near * outer[n];
            for (int n = 0; n < kEntry; ++n) to_right[kEntry + n] += right_far * outer[n];

            if (gradients.photo[0] != nullptr)
                for (int from = 0; from < kChannels; ++from)
                    gradients.photo[from][start + x] = transform[4 * from] * out[0] +
                                                       transform[4 * from + 1] * out[1] +
                                                       transform[4 * from + 2] * out[2];
        }
        for (int x = run.count; x < kRun; ++x) grad_g[x] = 0;
        Real* photo[kChannels] = {};
        if (gradients.photo[0] != nullptr)
            for (int c = 0; c < kChannels; ++c) photo[c] = gradients.photo[c] + start;
        guide_backward(row, run, grad_g, *gradients.guide, photo);
    }
}

}  // namespace

template <class Real>
TrainingRowKernels<Real> training_row_kernels() {
    return {forward<Real>, backward<Real>};
}
template TrainingRowKernels<float> training_row_kernels();
template TrainingRowKernels<double> training_row_kernels();

}  // namespace FIVEFOLD_ISA
}  // namespace fivefold
