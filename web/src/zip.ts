/** A ZIP archive of files that are compressed already. */

const LOCAL = 0x04034b50;
const CENTRAL = 0x02014b50;
const END = 0x06054b50;
const VERSION = 20;
const UTF8 = 1 << 11;
const STORED = 0;
const DOS_DATE_1980 = 0x21;

/** What one archive may hold without the 64-bit extension. */
export const ZIP_LIMIT_BYTES = 0xffff_0000;
export const ZIP_LIMIT_FILES = 65_000;

export interface ZipEntry {
  readonly name: string;
  readonly content: Blob;
}

/** The archive; entries of the same name get a number. */
export async function zip(entries: readonly ZipEntry[]): Promise<Blob> {
  const parts: BlobPart[] = [];
  const directory: BlobPart[] = [];
  const taken = new Set<string>();
  let offset = 0;
  let directoryBytes = 0;
  for (const { name, content } of entries) {
    const path = new TextEncoder().encode(unusedName(name, taken));
    const facts = [VERSION, UTF8, STORED, 0, DOS_DATE_1980] as const;
    const checksum = await crc32(content);
    const sizes = [checksum, content.size, content.size] as const;
    const local = record(LOCAL, [...facts], [...sizes], [path.length, 0]);
    const entry = record(CENTRAL, [VERSION, ...facts], [...sizes], [path.length, 0, 0, 0, 0], [0, offset]);
    parts.push(local, path, content);
    directory.push(entry, path);
    offset += local.byteLength + path.length + content.size;
    directoryBytes += entry.byteLength + path.length;
  }
  const count = entries.length;
  const end = record(END, [0, 0, count, count], [directoryBytes, offset], [0]);
  return new Blob([...parts, ...directory, end], { type: "application/zip" });
}

/** A signature, then groups of 16-bit and 32-bit numbers in turn, little-endian. */
function record(signature: number, ...groups: number[][]): ArrayBuffer {
  const bytes = groups.reduce((sum, group, i) => sum + group.length * (i % 2 ? 4 : 2), 4);
  const view = new DataView(new ArrayBuffer(bytes));
  view.setUint32(0, signature, true);
  let at = 4;
  groups.forEach((group, i) => {
    for (const number of group) {
      if (i % 2) view.setUint32(at, number, true);
      else view.setUint16(at, number, true);
      at += i % 2 ? 4 : 2;
    }
  });
  return view.buffer;
}

function unusedName(name: string, taken: Set<string>): string {
  const dot = name.lastIndexOf(".");
  const [stem, suffix] = dot > 0 ? [name.slice(0, dot), name.slice(dot)] : [name, ""];
  let unused = name;
  for (let i = 2; taken.has(unused.toLowerCase()); i++) unused = `${stem} ${i}${suffix}`;
  taken.add(unused.toLowerCase());
  return unused;
}

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

async function crc32(content: Blob): Promise<number> {
  let sum = 0xffffffff;
  const reader = content.stream().getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read()) {
    for (const byte of part.value) sum = TABLE[(sum ^ byte) & 0xff]! ^ (sum >>> 8);
  }
  return ~sum >>> 0;
}
