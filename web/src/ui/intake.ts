/** How photos come in: dropped, pasted, picked, or taken with the camera. */

import { service } from "#service";
import { byId } from "./dom";
import { isPhotoName, SUFFIXES } from "./suffixes";

/** Give every photo that a person hands over to `take`. */
export function acceptPhotos(take: (files: File[]) => void): void {
  const accept = (files: Iterable<File> | null | undefined) => {
    const photos = [...(files ?? [])];
    if (photos.length) take(photos);
  };
  // Systems do not know all of these for pictures; the server does, and shows what no browser can.
  if (service.isRemote) byId<HTMLInputElement>("files").accept = ["image/*", ...SUFFIXES].join();
  for (const id of ["files", "shot"]) {
    const input = byId<HTMLInputElement>(id);
    input.addEventListener("change", () => {
      accept(input.files);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  document.addEventListener("paste", (event) => {
    const target = event.target as Element;
    if (!target.closest("input:not([type=range]):not([type=radio])")) {
      accept(event.clipboardData?.files);
    }
  });

  const shade = byId("catch");
  let depth = 0; // every element under the pointer is entered and left in turn
  const show = (by: number) => {
    depth = Math.max(0, depth + by);
    shade.classList.toggle("shown", depth > 0);
  };
  const isFiles = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
  addEventListener("dragenter", (event) => isFiles(event) && show(1));
  addEventListener("dragleave", (event) => isFiles(event) && show(-1));
  addEventListener("dragover", (event) => event.preventDefault());
  addEventListener("drop", (event) => {
    event.preventDefault();
    show(-Infinity);
    if (event.dataTransfer) void filesIn(event.dataTransfer).then(accept);
  });
}

/** Open the system's own dialog; `camera` asks for the camera where there is one. */
export function pickPhotos(camera = false): void {
  byId<HTMLInputElement>(camera ? "shot" : "files").click();
}

/** Dropped files, and the photos in dropped folders. */
async function filesIn(transfer: DataTransfer): Promise<File[]> {
  // The entries are only there during the event, so they are all taken before anything is awaited.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry());
  const loose = [...transfer.files];
  if (!entries.some((entry) => entry?.isDirectory)) return loose;
  const nested = await Promise.all(entries.map((entry) => (entry ? filesUnder(entry, false) : [])));
  return nested.flat();
}

async function filesUnder(entry: FileSystemEntry, isNested: boolean): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) => {
      (entry as FileSystemFileEntry).file(resolve, reject);
    });
    return !isNested || file.type.startsWith("image/") || isPhotoName(file.name) ? [file] : [];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const found: File[] = [];
  for (;;) {
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) => {
      reader.readEntries(resolve, reject); // a hundred at a time, then none
    });
    if (!some.length) return found;
    const nested = await Promise.all(some.map((child) => filesUnder(child, true)));
    found.push(...nested.flat());
  }
}
