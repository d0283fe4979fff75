// The guide with uniform knots in 16-bit words.
//
// A trained guide's matrix stays near the identity, which leaves little to add to a colour:
// u_c = phi_c + m_c . phi + b'_c. A word holds 2^15 u, of which the sample's 128 phi is 255/256
// already; m is what is missing, M - 255/256 I. The small sum m . phi + b' is taken in units t bits
// finer, counted from its middle so that it cannot overflow with the greatest t >= 1, then rounded
// to 2^-15 and added; below zero u saturates, where curves are zero too. Four bits of u are its
// knot, those below them the way to the next, and a curve is a number for each knot plus that way
// times the rise to the next knot's number: depths d rho_c(u) / 3 in units of 2^-13, each counted
// from a zero of its own so that it and the sum of two fit in a word. Where a colour's u can pass
// 1, up to 1 1/2, what it passes it by is taken off first and adds its share of a straight line. Of
// the sum of three, depths d g - 1/2 less kMiddleDepth, the last addition saturates: below at depth
// 0, where the first cell's centre is, and above beyond the last one's, to which depths are
// clamped.
//
// How far the depth can be off: u by 2^-15 (1/2 + (3 (1/2 + 1/2) + 1/2) 2^-t), for rounding the sum,
// three stored weights, three products, and the bias; that times the curves' slopes, summed. And
// for each curve by 2^-13 (1/2 + 1/2), for its numbers and its product, and as much again for the
// straight line's.
#pragma once

#include "grid.h"
#include "slice_rows.h"

namespace fivefold {

// False if the guide has other knots or its numbers do not fit; `depth_error` is as above.
bool make_word_guide(const Grid<float>& grid, WordGuide& guide, double& depth_error);

}  // namespace fivefold
