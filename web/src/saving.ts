/** Full-resolution files: one, or all of them in a ZIP archive. */

import { service } from "#service";
import type { Library } from "./library";
import type { Photo, Saving } from "./photo";
import { ServiceError, type Format, type Progress, type Saved } from "./service/service";
import { reasonAlone, stopped } from "./words";
import { zip, ZIP_LIMIT_BYTES, ZIP_LIMIT_FILES, type ZipEntry } from "./zip";

const TEXTS = {
  sending: "Sending",
  waiting: "Waiting for the server",
  enhancing: "Enhancing",
  receiving: "Receiving",
} as const;

export class Saver {
  format: Format = null;
  /** What is going on, for the bar at the top; `null` when nothing is. */
  state: Saving | null = null;
  #stop: AbortController | null = null;

  constructor(
    private readonly library: Library,
    /** Tell what went wrong, or that it went well. */
    private readonly tell: (message: string, isTrouble: boolean) => void,
  ) {}

  get isBusy(): boolean {
    return this.#stop !== null;
  }

  /** Stop what is going on. */
  stop(): void {
    this.#stop?.abort(new DOMException("stopped", "AbortError"));
  }

  async saveOne(photo: Photo): Promise<void> {
    await this.#exclusively(async (signal) => {
      const { name, content } = await this.#fetch(photo, signal, (saving) => {
        this.state = saving;
      });
      offer(name, content);
      this.tell(`Saved ${name}`, false);
    });
  }

  async saveAll(): Promise<void> {
    const photos = this.library.photos.filter((photo) => photo.status !== "failed");
    await this.#exclusively(async (signal) => {
      let entries: ZipEntry[] = [];
      let bytes = 0;
      let archives = 0;
      const troubles: string[] = [];
      const flush = async () => {
        archives += 1;
        offer(`fivefold-photos${archives > 1 ? `-${archives}` : ""}.zip`, await zip(entries));
        [entries, bytes] = [[], 0];
      };
      for (const [i, photo] of photos.entries()) {
        const prefix = `${i + 1} of ${photos.length}`;
        try {
          const saved = await this.#fetch(photo, signal, ({ text, fraction }) => {
            const share = (i + (fraction ?? 0.5)) / photos.length;
            this.state = { text: `${prefix} · ${text}`, fraction: share };
          });
          const size = saved.content.size + 2 * saved.name.length + 512;
          if (bytes + size > ZIP_LIMIT_BYTES || entries.length >= ZIP_LIMIT_FILES) await flush();
          entries.push(saved);
          bytes += size;
        } catch (error) {
          if (!(error instanceof ServiceError) || error.kind !== "refused") throw error;
          const reason = reasonAlone(error.message, photo.name);
          troubles.push(stopped(`${photo.name}: ${reason}`));
        }
      }
      if (entries.length) await flush();
      if (troubles.length) {
        this.tell(`${troubles.length} of ${photos.length} not saved. ${troubles.join(" ")}`, true);
      } else {
        this.tell(`Saved ${photos.length} photos`, false);
      }
    });
  }

  async #exclusively(task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (this.#stop) return;
    const stop = new AbortController();
    this.#stop = stop;
    this.state = { text: "Preparing", fraction: undefined };
    this.library.changed();
    try {
      await task(stop.signal);
    } catch (error) {
      if (stop.signal.aborted) this.tell("Stopped", false);
      else {
        this.library.report(error);
        this.tell(error instanceof Error ? error.message : String(error), true);
      }
    } finally {
      this.#stop = null;
      this.state = null;
      this.library.changed();
    }
  }

  async #fetch(
    photo: Photo,
    signal: AbortSignal,
    show: (saving: Saving) => void,
  ): Promise<Saved> {
    const progress: Progress = (stage, fraction) => {
      photo.saving = { text: TEXTS[stage], fraction };
      show(photo.saving);
      this.library.changed();
    };
    const { file, expert, strength } = photo;
    try {
      return await service.save({ file, expert, strength, format: this.format }, progress, signal);
    } finally {
      photo.saving = null;
    }
  }
}

/** Let the browser save a file as it saves any download. */
function offer(name: string, content: Blob): void {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may still be writing
}
