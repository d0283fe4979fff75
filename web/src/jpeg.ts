/** EXIF, XMP and IPTC of a JPEG file, carried over to another one with upright pixels. */

const SOI = 0xffd8;
const SOS = 0xffda;
const APP1 = 0xffe1;
const APP13 = 0xffed;
const ORIENTATION = 0x0112;

/**
 * The metadata segments of a JPEG file, markers included; none for other files.
 *
 * The orientation becomes 1, because the browser turns the pixels, and the embedded thumbnail is
 * left out, because it shows the photo as it was. Other bytes stay what they are.
 */
export function metadataSegments(file: ArrayBuffer): Uint8Array<ArrayBuffer>[] {
  const view = new DataView(file);
  const segments: Uint8Array<ArrayBuffer>[] = [];
  if (file.byteLength < 4 || view.getUint16(0) !== SOI) return segments;
  let at = 2;
  while (at + 4 <= file.byteLength) {
    const marker = view.getUint16(at);
    const length = view.getUint16(at + 2);
    if (marker < 0xff01 || marker === SOS || length < 2) break;
    if (at + 2 + length > file.byteLength) break;
    if (marker === APP1 || marker === APP13) {
      const segment = new Uint8Array(file.slice(at, at + 2 + length));
      if (marker === APP1) makeUpright(segment);
      segments.push(segment);
    }
    at += 2 + length;
  }
  return segments;
}

/** The JPEG file with segments put in after its first marker and its JFIF header. */
export async function withSegments(jpeg: Blob, segments: Uint8Array<ArrayBuffer>[]): Promise<Blob> {
  const head = new DataView(await jpeg.slice(0, 6).arrayBuffer());
  const isJfif = head.getUint16(2) === 0xffe0;
  const at = isJfif ? 4 + head.getUint16(4) : 2;
  return new Blob([jpeg.slice(0, at), ...segments, jpeg.slice(at)], { type: jpeg.type });
}

function makeUpright(segment: Uint8Array<ArrayBuffer>): void {
  const start = 10; // marker, length, "Exif\0\0"
  const name = String.fromCharCode(...segment.subarray(4, 10));
  if (name !== "Exif\0\0" || segment.length < start + 8) return;
  const view = new DataView(segment.buffer, start);
  const isLittle = view.getUint16(0) === 0x4949;
  const directory = view.getUint32(4, isLittle);
  if (directory + 2 > view.byteLength) return;
  const count = view.getUint16(directory, isLittle);
  const end = directory + 2 + 12 * count;
  if (end + 4 > view.byteLength) return;
  for (let at = directory + 2; at < end; at += 12) {
    if (view.getUint16(at, isLittle) === ORIENTATION) view.setUint16(at + 8, 1, isLittle);
  }
  view.setUint32(end, 0, isLittle); // no second directory: that is the thumbnail's
}
