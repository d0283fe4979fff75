/** The square that the network sees: an area average of all pixels, as the server computes it. */

export const THUMBNAIL_PX = 256;

const STRIP_PIXELS = 1 << 20;

/** A photo reduced to 256 × 256, and what the reduction learned on the way. */
export interface Thumbnail {
  readonly rgb: Float32Array; // [row][column][channel], 0…1
  readonly isOpaque: boolean;
  readonly isNeutral: boolean; // red, green and blue are equal everywhere
}

interface Cell {
  readonly first: number;
  readonly last: number;
  readonly firstWeight: number;
  readonly lastWeight: number;
}

/**
 * Reduce a photo: cell (i, j) is the mean over the rectangle [i·H/n, (i+1)·H/n) × [j·W/n, (j+1)·W/n).
 *
 * Works in strips and lets the page breathe between them.
 */
export async function reduce(bitmap: ImageBitmap): Promise<Thumbnail> {
  const { width, height } = bitmap;
  const n = THUMBNAIL_PX;
  const columns = cellsOf(width);
  const sums = new Float64Array(n * n * 3);
  const line = new Float64Array(n * 3);
  const stripRows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  const canvas = new OffscreenCanvas(width, Math.min(stripRows, height));
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  let isOpaque = true;
  let isNeutral = true;

  for (let top = 0; top < height; top += stripRows) {
    const rows = Math.min(stripRows, height - top);
    context.clearRect(0, 0, width, rows);
    context.drawImage(bitmap, 0, top, width, rows, 0, 0, width, rows);
    const { data } = context.getImageData(0, 0, width, rows);
    for (let at = 0; at < data.length; at += 4) {
      if (data[at + 3] !== 255) isOpaque = false;
      if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) isNeutral = false;
    }
    for (let y = 0; y < rows; y++) {
      averageLine(data, 4 * y * width, columns, line);
      addLine(sums, line, top + y, height);
    }
    await new Promise((resolve) => setTimeout(resolve));
  }
  const area = (width / n) * (height / n) * 255;
  return { rgb: Float32Array.from(sums, (sum) => sum / area), isOpaque, isNeutral };
}

/** The thumbnail as a small PNG file, which `POST /grid` takes like any photo. */
export async function toPng({ rgb }: Thumbnail): Promise<Blob> {
  const n = THUMBNAIL_PX;
  const image = new ImageData(n, n);
  for (let i = 0; i < n * n; i++) {
    for (let c = 0; c < 3; c++) image.data[4 * i + c] = 255 * rgb[3 * i + c]!;
    image.data[4 * i + 3] = 255;
  }
  const canvas = new OffscreenCanvas(n, n);
  canvas.getContext("2d")!.putImageData(image, 0, 0);
  return canvas.convertToBlob({ type: "image/png" });
}

function cellsOf(length: number): Cell[] {
  return Array.from({ length: THUMBNAIL_PX }, (_, i) => {
    const start = (i * length) / THUMBNAIL_PX;
    const stop = ((i + 1) * length) / THUMBNAIL_PX;
    const first = Math.floor(start);
    const last = Math.ceil(stop) - 1;
    const isWithin = first === last;
    return {
      first,
      last,
      firstWeight: isWithin ? stop - start : first + 1 - start,
      lastWeight: isWithin ? 0 : stop - last,
    };
  });
}

function averageLine(
  data: Uint8ClampedArray,
  offset: number,
  columns: readonly Cell[],
  line: Float64Array,
): void {
  columns.forEach(({ first, last, firstWeight, lastWeight }, j) => {
    const [a, b] = [offset + 4 * first, offset + 4 * last];
    let red = 0;
    let green = 0;
    let blue = 0;
    for (let at = a + 4; at < b; at += 4) {
      red += data[at]!;
      green += data[at + 1]!;
      blue += data[at + 2]!;
    }
    line[3 * j] = red + firstWeight * data[a]! + lastWeight * data[b]!;
    line[3 * j + 1] = green + firstWeight * data[a + 1]! + lastWeight * data[b + 1]!;
    line[3 * j + 2] = blue + firstWeight * data[a + 2]! + lastWeight * data[b + 2]!;
  });
}

/** Add a line to every row of cells that it overlaps, by how much it overlaps. */
function addLine(sums: Float64Array, line: Float64Array, y: number, height: number): void {
  const n = THUMBNAIL_PX;
  const last = Math.min(Math.ceil(((y + 1) * n) / height) - 1, n - 1);
  for (let i = Math.floor((y * n) / height); i <= last; i++) {
    const overlap =
      Math.min(y + 1, ((i + 1) * height) / n) - Math.max(y, (i * height) / n);
    for (let k = 0; k < line.length; k++) sums[i * line.length + k]! += overlap * line[k]!;
  }
}
