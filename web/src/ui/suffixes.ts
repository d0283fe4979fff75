/** Names of files that the server reads, whatever the browser can. */

/** As `fivefold.photo.formats.READABLE` has them; a test compares. */
export const SUFFIXES = [
  ".jpg", ".jpeg", ".jpe", ".jfif", ".mpo",
  ".png",
  ".3fr", ".arw", ".cr2", ".cr3", ".crw", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos",
  ".mrw", ".nef", ".nrw", ".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw",
  ".x3f",
  ".tif", ".tiff",
  ".webp",
  ".avif",
  ".heic", ".heif", ".hif",
  ".jxl",
  ".ppm", ".pgm", ".pbm", ".pnm",
] as const;

/** Whether a file is a photo by its name. */
export function isPhotoName(name: string): boolean {
  const lower = name.toLowerCase();
  return SUFFIXES.some((suffix) => lower.endsWith(suffix));
}
