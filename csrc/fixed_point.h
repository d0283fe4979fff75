// The numbers of the 8-bit pass in fixed point, and the proof that they suffice.
//
// Coefficients are held in 16 bits as multiples of 2^-q, q = 14, 13 or 12, whichever is the
// greatest that the grid fits; a sample phi as 128 phi. The product of both, of which the processor
// keeps the rounded upper half, is then A phi in units of 2^-s codes, s = q - 8; the offset
// A_{4c+3} is stored as 255 A_{4c+3} in those units. Multiplying a sum by 2^(15-s) rounds it to codes.
//
// No overflow. A sum starts from the offset and saturates at 2^15 2^-s codes. With
// P = A_{4c+3} + sum_c' max(A_{4c+c'}, 0) and -N the same with min, every
// partial sum lies in 255 (-N ... P) codes; P and N are convex in A, so their greatest values over
// the nodes of the grid hold everywhere between them. The table's numbers and differences must fit
// in 16 bits too.
//
// At most one code of error. Let v be the exact output in codes, w the kernel's before rounding. If
// |w - v| < 1 then the rounded numbers differ by less than 2, so by at most 1. Per output channel,
// in units of 2^-s codes, with multiply-and-round wrong by at most 1/2:
//   - a node is rounded to 1/2 (and float interpolation along y adds less than kSlack);
//     interpolation between nodes is convex and keeps that error;
//   - f_x is wrong by at most 2^-15, which costs (|X| + |XZ|) 2^-15, X and XZ the greatest
//     differences in stored units; f_z is exact for the depth that was found;
//   - three products round: X f_x, XZ f_x (scaled down by f_z <= 1), and the slope times f_z.
// So a coefficient is wrong by e_A = 1/2 + kSlack + (|X| + |XZ|) 2^-15 + 3/2, and the sum of four,
// phi <= 1, with three more products, by 4 e_A + 3/2. The depth is wrong by e_z (below). Moving
// along z by e_z moves the output by at most e_z D, D the greatest
// |dA_{4c+3} + sum_c' dA_{4c+c'} phi_c'| between neighbouring depths over nodes and over colours.
// Clamping depths brings them no farther apart. Together
//
//   |w - v| <= (4 e_A + 3/2) 2^-s + 255 D e_z.
//
// plan_fixed_point computes the right-hand side for the grid at hand; where it is not below 1, the
// caller falls back to double precision.
//
// Where a channel changes little from one column of cells to the next, as most do, X and XZ suffice in
// bytes, multiples of 2^-u, u = kByteBits, and are multiplied by bytes of colours. A word takes the
// products of red and green, another those of blue and the offset, then one both sums: of the four
// bytes neither |red| + |green|, |blue| + |offset|, P nor N may exceed 128. Sums are then at most
// 2^(15-u) codes, and f_x is stored as so much smaller a fraction that its products with them have
// units of 2^-s codes. Colours are multiplied before interpolating. In units of 2^-s codes:
//
//   - V + Z f_z: four nodes, 1/2 + kSlack each; three products of V, three of Z, and Z f_z, 1/2 each;
//   - X f_x and XZ f_x: the products, 1/2 each, and f_x, wrong by half of its units: 1/2 each, too;
//   - four bytes of X and four of XZ, (1/2 + kSlack) 255 2^-u codes each.
//
//   |w - v| <= (4 (1/2 + kSlack) + 11/2) 2^-s + 8 (1/2 + kSlack) 255 2^-u + 255 D e_z
//
// Words are kept where that, with D of the nodes around, is not below 1 too, or 255 2^s D and the sum of
// XZ may not fit in 16 bits.
#pragma once

#include <vector>

#include "grid.h"
#include "nodes.h"
#include "slice_rows.h"

namespace fivefold {

struct FixedPoint {
    bool suffices;           // neither overflows nor errs by a code or more
    bool has_word_guide;     // whether `guide` is good enough; otherwise the guide runs in floats
    int bits;                // q
    double error_codes;      // the right-hand side above
    WordGuide guide;
    // By row and column of cells, a bit for each output channel for which bytes suffice as far as the
    // next row and column.
    std::vector<std::uint8_t> bytes;
};

// `nodes` are those of the grid, as they are; float_depth_error is how far a depth found in floats
// can be off.
FixedPoint plan_fixed_point(const Grid<float>& grid, const Nodes& nodes,
                            double float_depth_error);

}  // namespace fivefold
