/** Writes a photo enhanced at full resolution, away from the page so that it keeps moving. */

import type { Grid } from "../grid";
import { metadataSegments, withSegments } from "../jpeg";
import { centres, slicePixels } from "../slice";

const STRIP_PIXELS = 1 << 20;
const QUALITY = 0.95;

export interface ExportTask {
  readonly file: File;
  readonly grid: Grid;
  readonly strength: number;
  /** The media type to write. */
  readonly type: string;
}

export type ExportAnswer = { fraction: number } | { content: Blob } | { problem: string };

self.onmessage = async ({ data }: MessageEvent<ExportTask>) => {
  try {
    answer({ content: await write(data) });
  } catch (error) {
    answer({ problem: `The photo could not be written: ${String(error)}` });
  }
};

function answer(message: ExportAnswer): void {
  self.postMessage(message);
}

async function write({ file, grid, strength, type }: ExportTask): Promise<Blob> {
  const bitmap = await createImageBitmap(file, { premultiplyAlpha: "none" });
  const { width, height } = bitmap;
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true })!;
  if (type === "image/jpeg") {
    context.fillStyle = "white"; // JPEG has no transparency
    context.fillRect(0, 0, width, height);
  }
  context.drawImage(bitmap, 0, 0);
  bitmap.close();
  const columns = centres(width);
  const stripRows = Math.max(1, Math.floor(STRIP_PIXELS / width));
  for (let top = 0; top < height; top += stripRows) {
    const rows = Math.min(stripRows, height - top);
    const strip = context.getImageData(0, top, width, rows);
    slicePixels(strip.data, strip.data, grid, columns, centres(rows, top, height), strength);
    context.putImageData(strip, 0, top);
    answer({ fraction: (top + rows) / height });
  }
  const content = await canvas.convertToBlob({ type, quality: QUALITY });
  if (content.type !== "image/jpeg") return content;
  const segments = metadataSegments(await file.arrayBuffer());
  return segments.length ? withSegments(content, segments) : content;
}
