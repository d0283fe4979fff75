/** Guide, slice and apply in plain arithmetic: small pictures, the fallback, and exact exports. */

import { COEFFICIENTS, KNOTS, type Grid, type Guide } from "./grid";

/** A piecewise linear curve: from `starts[i]` on it is `slopes[i]·u + offsets[i]`. */
interface Curve {
  readonly starts: Float64Array;
  readonly slopes: Float64Array;
  readonly offsets: Float64Array;
}

/** The two cells around each coordinate, and the weight of the second. */
interface Taps {
  readonly lower: Int32Array;
  readonly upper: Int32Array;
  readonly fraction: Float64Array;
}

/** Where the centres of `count` pixels lie in a photo of `size` pixels: 0…1. */
export function centres(count: number, first = 0, size = count): Float64Array {
  return Float64Array.from({ length: count }, (_, i) => (first + i + 0.5) / size);
}

/**
 * Enhance pixels as the float64 reference does; `target` may be `source`.
 *
 * @param source `rows.length × columns.length` RGBA pixels, sRGB; alpha is kept.
 * @param columns Where each column lies in the photo, 0…1.
 * @param rows Where each row lies in the photo, 0…1.
 * @param strength 0 leaves the photo as it is, 1 is the model.
 */
export function slicePixels(
  source: Uint8ClampedArray,
  target: Uint8ClampedArray,
  grid: Grid,
  columns: Float64Array,
  rows: Float64Array,
  strength: number,
): void {
  const { depth, height, width } = grid;
  const { matrix, matrixBias, bias } = grid.guide;
  const along = taps(columns, width);
  const down = taps(rows, height);
  const curves = curvesOf(grid.guide);
  const cells = blendWithIdentity(grid, strength);
  const row = new Float64Array(width * depth * COEFFICIENTS);
  const mixed = new Float64Array(COEFFICIENTS);
  const [m0, m1, m2, m3, m4, m5, m6, m7, m8] = matrix as unknown as number[] as NineNumbers;
  const [b0, b1, b2] = matrixBias as unknown as number[] as ThreeNumbers;

  for (let y = 0; y < rows.length; y++) {
    interpolateRow(cells, row, down.lower[y]!, down.upper[y]!, down.fraction[y]!);
    for (let x = 0; x < columns.length; x++) {
      const at = 4 * (y * columns.length + x);
      const red = source[at]! / 255;
      const green = source[at + 1]! / 255;
      const blue = source[at + 2]! / 255;
      const g =
        bias +
        (evaluate(curves[0], m0 * red + m1 * green + m2 * blue + b0) +
          evaluate(curves[1], m3 * red + m4 * green + m5 * blue + b1) +
          evaluate(curves[2], m6 * red + m7 * green + m8 * blue + b2)) /
          3;
      const z = Math.min(Math.max(g, 0), 1) * depth - 0.5;
      const below = Math.floor(z);
      const fz = z - below;
      const near = Math.max(below, 0);
      const far = Math.min(below + 1, depth - 1);
      const fx = along.fraction[x]!;
      const left = along.lower[x]! * depth;
      const right = along.upper[x]! * depth;
      const w00 = (1 - fx) * (1 - fz);
      const w01 = (1 - fx) * fz;
      const w10 = fx * (1 - fz);
      const w11 = fx * fz;
      const i00 = (left + near) * COEFFICIENTS;
      const i01 = (left + far) * COEFFICIENTS;
      const i10 = (right + near) * COEFFICIENTS;
      const i11 = (right + far) * COEFFICIENTS;
      for (let c = 0; c < COEFFICIENTS; c++) {
        mixed[c] =
          w00 * row[i00 + c]! + w01 * row[i01 + c]! + w10 * row[i10 + c]! + w11 * row[i11 + c]!;
      }
      for (let c = 0; c < 3; c++) {
        const k = 4 * c;
        const value =
          mixed[k]! * red + mixed[k + 1]! * green + mixed[k + 2]! * blue + mixed[k + 3]!;
        target[at + c] = 255 * value; // the array rounds to the nearest code and clips
      }
      target[at + 3] = source[at + 3]!;
    }
  }
}

type ThreeNumbers = [number, number, number];
type NineNumbers = [...ThreeNumbers, ...ThreeNumbers, ...ThreeNumbers];

/** The cells in the order `[row][column][depth][coefficient]`, blended with the identity. */
interface Cells {
  readonly numbers: Float64Array;
  readonly perRow: number;
}

function blendWithIdentity(grid: Grid, strength: number): Cells {
  const { depth, height, width, coefficients } = grid;
  const perRow = width * depth * COEFFICIENTS;
  const numbers = new Float64Array(height * perRow);
  const volume = depth * height * width;
  for (let c = 0; c < COEFFICIENTS; c++) {
    const identity = c % 5 === 0 ? 1 : 0; // coefficients 0, 5 and 10 are the diagonal
    for (let z = 0; z < depth; z++) {
      for (let j = 0; j < height; j++) {
        for (let i = 0; i < width; i++) {
          const value = coefficients[c * volume + (z * height + j) * width + i]!;
          numbers[j * perRow + (i * depth + z) * COEFFICIENTS + c] =
            identity + strength * (value - identity);
        }
      }
    }
  }
  return { numbers, perRow };
}

function interpolateRow(
  { numbers, perRow }: Cells,
  row: Float64Array,
  lower: number,
  upper: number,
  fraction: number,
): void {
  const [a, b] = [lower * perRow, upper * perRow];
  for (let i = 0; i < perRow; i++) {
    row[i] = (1 - fraction) * numbers[a + i]! + fraction * numbers[b + i]!;
  }
}

function taps(positions: Float64Array, cells: number): Taps {
  const lower = new Int32Array(positions.length);
  const upper = new Int32Array(positions.length);
  const fraction = new Float64Array(positions.length);
  positions.forEach((position, i) => {
    const coordinate = position * cells - 0.5;
    const below = Math.floor(coordinate);
    lower[i] = Math.min(Math.max(below, 0), cells - 1);
    upper[i] = Math.min(Math.max(below + 1, 0), cells - 1);
    fraction[i] = coordinate - below;
  });
  return { lower, upper, fraction };
}

/** ρ_c(u) = Σ_i a_i max(u − t_i, 0) as segments, so that a pixel finds its own instead of adding 16. */
function curvesOf({ slopes, thresholds }: Guide): [Curve, Curve, Curve] {
  const curve = (c: number): Curve => {
    const knots = Array.from({ length: KNOTS }, (_, i) => ({
      start: thresholds[c * KNOTS + i]!,
      slope: slopes[c * KNOTS + i]!,
    })).sort((a, b) => a.start - b.start);
    let [slope, offset] = [0, 0];
    const sums = knots.map((knot) => {
      slope += knot.slope;
      offset -= knot.slope * knot.start;
      return { slope, offset };
    });
    return {
      starts: Float64Array.from(knots, (knot) => knot.start),
      slopes: Float64Array.from(sums, (sum) => sum.slope),
      offsets: Float64Array.from(sums, (sum) => sum.offset),
    };
  };
  return [curve(0), curve(1), curve(2)];
}

function evaluate({ starts, slopes, offsets }: Curve, u: number): number {
  if (!(u > starts[0]!)) return 0;
  let low = 0;
  let high = KNOTS;
  while (high - low > 1) {
    const middle = (low + high) >> 1;
    if (u > starts[middle]!) low = middle;
    else high = middle;
  }
  return slopes[low]! * u + offsets[low]!;
}
