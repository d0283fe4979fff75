/** What the network predicts for a photo: a guide and a bilateral grid of colour transforms. */

export const COEFFICIENTS = 12;
export const KNOTS = 16;

/** The media type of {@link parseGrid}'s input. */
export const GRID_TYPE = "application/vnd.fivefold.grid";

const MAGIC = 0x31474646; // "FFG1", read little-endian
const HEADER_BYTES = 16;

/** The map from a pixel's colour to its depth in the grid; rows of three and of sixteen numbers. */
export interface Guide {
  readonly matrix: Float32Array; // 3 × 3, row c feeds curve c
  readonly matrixBias: Float32Array; // 3
  readonly slopes: Float32Array; // 3 × 16
  readonly thresholds: Float32Array; // 3 × 16
  readonly bias: number;
}

/** Affine colour transforms, `12 × depth × height × width` numbers, and the guide that slices them. */
export interface Grid {
  readonly depth: number;
  readonly height: number;
  readonly width: number;
  readonly coefficients: Float32Array;
  readonly guide: Guide;
}

/**
 * Read the answer of `POST /grid`.
 *
 * Little-endian: the four letters `FFG1`; depth, height and width as uint32; then float32 numbers:
 * the guide's matrix (9), its bias (3), slopes (48), thresholds (48) and offset (1), and the
 * coefficients in the order `[coefficient][depth][row][column]`.
 */
export function parseGrid(buffer: ArrayBuffer): Grid {
  const view = new DataView(buffer);
  if (buffer.byteLength < HEADER_BYTES || view.getUint32(0, true) !== MAGIC) {
    throw new RangeError("the answer is not a grid");
  }
  const [depth, height, width] = [4, 8, 12].map((at) => view.getUint32(at, true)) as [
    number,
    number,
    number,
  ];
  let at = HEADER_BYTES;
  const take = (count: number): Float32Array => {
    if (at + 4 * count > buffer.byteLength) throw new RangeError("the grid is cut short");
    const numbers = new Float32Array(count);
    for (let i = 0; i < count; i++, at += 4) numbers[i] = view.getFloat32(at, true);
    return numbers;
  };
  const guide: Guide = {
    matrix: take(9),
    matrixBias: take(3),
    slopes: take(3 * KNOTS),
    thresholds: take(3 * KNOTS),
    bias: take(1)[0] ?? 0,
  };
  return { depth, height, width, guide, coefficients: take(COEFFICIENTS * depth * height * width) };
}
