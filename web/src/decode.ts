/** Photos from files, as the browser shows them: upright, sRGB, straight alpha. */

import { service } from "#service";
import { ServiceError } from "./service/service";

/** The longest side that is asked of the server where the browser cannot decode a file itself. */
const PREVIEW_PX = 8192;

/** A decoded photo. */
export interface Picture {
  readonly bitmap: ImageBitmap;
  /** Whether it came from the file itself, and not from a preview of it. */
  readonly isOwn: boolean;
}

/** Decode a file; what the browser does not know (HEIC, TIFF) is asked of the service. */
export async function decode(file: File, signal: AbortSignal): Promise<Picture> {
  if (file.size === 0) throw new ServiceError("The file is empty.", "refused");
  const own = await tryDecode(file);
  if (own) return { bitmap: own, isOwn: true };
  const preview = await service.preview(file, PREVIEW_PX, signal);
  const bitmap = await tryDecode(preview);
  if (!bitmap) throw new ServiceError("This browser cannot show the photo.", "refused");
  return { bitmap, isOwn: false };
}

async function tryDecode(content: Blob): Promise<ImageBitmap | null> {
  try {
    return await createImageBitmap(content, { premultiplyAlpha: "none" });
  } catch {
    return null; // whatever the reason, the file is not for this browser
  }
}

/** A photo reduced so that its long side is `longSide` at most, for strips and thumbnails. */
export async function shrink(bitmap: ImageBitmap, longSide: number): Promise<ImageData> {
  const ratio = Math.min(1, longSide / Math.max(bitmap.width, bitmap.height));
  const width = Math.max(1, Math.round(bitmap.width * ratio));
  const height = Math.max(1, Math.round(bitmap.height * ratio));
  const small = await createImageBitmap(bitmap, {
    resizeWidth: width,
    resizeHeight: height,
    resizeQuality: "medium",
    premultiplyAlpha: "none",
  });
  const context = new OffscreenCanvas(width, height).getContext("2d")!;
  context.drawImage(small, 0, 0);
  small.close();
  return context.getImageData(0, 0, width, height);
}
