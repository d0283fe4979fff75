/** The photos on the page, and what is being done for them. */

import { service } from "#service";
import { decode, shrink } from "./decode";
import { Photo } from "./photo";
import { reduce } from "./reduce";
import { pause, ServiceError } from "./service/service";

const SMALL_PX = 256;
/** Decoded photos that are kept: the one that is shown, and those a keystroke away. */
const BITMAPS_KEPT = 3;
const RETRY_MS = 2000;
/** How often a photo may lose its connection before the photo itself is taken for the reason. */
const LOSSES_BORNE = 3;

export class Library {
  readonly photos: Photo[] = [];
  experts: string[] = [];
  isOnline = true;
  needsToken = false;
  #current: Photo | null = null;
  /** The look of photos that are added. */
  #expert = "";
  #strength = 1;
  #isWorking = false;
  #isAsking = false;
  readonly #bitmaps = new Map<Photo, ImageBitmap>();
  readonly #stops = new Map<Photo, AbortController>();
  readonly #listeners: (() => void)[] = [];

  /** Call `listener` whenever something here has changed. */
  onChange(listener: () => void): void {
    this.#listeners.push(listener);
  }

  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  get current(): Photo | null {
    return this.#current;
  }

  /** The decoded photo; it may be closed once another photo is chosen. */
  bitmapOf(photo: Photo): ImageBitmap | null {
    return this.#bitmaps.get(photo) ?? null;
  }

  /** Learn which looks there are; goes on asking until there is an answer. */
  async connect(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    while (!this.experts.length || !this.isOnline) {
      try {
        this.experts = await service.experts();
        this.isOnline = true;
        if (!this.experts.includes(this.#expert)) this.#expert = this.experts[0] ?? "";
        for (const photo of this.photos) photo.expert ||= this.#expert;
        this.changed();
      } catch (error) {
        this.#noteTrouble(error);
        await pause(RETRY_MS);
      }
    }
    this.#isAsking = false;
    void this.#work();
  }

  add(files: readonly File[]): void {
    const added = files.map((file) => new Photo(file, this.#expert, this.#strength));
    this.photos.push(...added);
    if (added[0]) this.select(added[0]);
  }

  select(photo: Photo): void {
    this.#current = photo;
    this.changed();
    void this.#work();
  }

  /** Go to the next photo, or `-1` for the one before; stays within the row. */
  step(by: number): void {
    const at = this.#current ? this.photos.indexOf(this.#current) + by : 0;
    const next = this.photos[at];
    if (next) this.select(next);
  }

  remove(photo: Photo): void {
    const at = this.photos.indexOf(photo);
    if (at < 0) return;
    this.photos.splice(at, 1);
    this.#stops.get(photo)?.abort(new DOMException("removed", "AbortError"));
    this.#bitmaps.get(photo)?.close();
    this.#bitmaps.delete(photo);
    if (this.#current === photo) {
      this.#current = this.photos[Math.min(at, this.photos.length - 1)] ?? null;
    }
    this.changed();
    void this.#work();
  }

  setStrength(strength: number): void {
    if (this.#current) this.#current.strength = strength;
    this.changed();
  }

  setExpert(expert: string): void {
    if (this.#current) this.#current.expert = expert;
    this.changed();
    void this.#work();
  }

  /** Give every photo the look of the current one, also those that are added later. */
  useEverywhere(): void {
    if (!this.#current) return;
    const { expert, strength } = this.#current;
    [this.#expert, this.#strength] = [expert, strength];
    for (const photo of this.photos) Object.assign(photo, { expert, strength });
    this.changed();
    void this.#work();
  }

  retry(photo: Photo): void {
    photo.status = "waiting";
    photo.problem = "";
    photo.losses = 0;
    this.changed();
    void this.#work();
  }

  setToken(token: string): void {
    service.setToken(token);
    this.needsToken = false;
    this.changed();
    void this.#work();
  }

  /** What an error means for the page as a whole; returns whether it was that kind of error. */
  #noteTrouble(error: unknown): boolean {
    if (!(error instanceof ServiceError)) return false;
    if (error.kind === "offline") {
      this.isOnline = false;
      this.changed();
      void this.connect();
      return true;
    }
    if (error.kind === "token") {
      this.needsToken = true;
      this.changed();
      return true;
    }
    return false;
  }

  /** Tell the library that a request of somebody else met this error. */
  report(error: unknown): boolean {
    return this.#noteTrouble(error);
  }

  /** Do what is missing, the current photo first, one thing at a time. */
  async #work(): Promise<void> {
    if (this.#isWorking) return;
    this.#isWorking = true;
    try {
      for (let next = this.#nextTask(); next; next = this.#nextTask()) await next();
    } finally {
      this.#isWorking = false;
    }
  }

  #nextTask(): (() => Promise<void>) | null {
    if (!this.experts.length || !this.isOnline || this.needsToken) return null;
    const current = this.#current;
    const inOrder = current ? [current, ...this.photos.filter((p) => p !== current)] : this.photos;
    for (const photo of inOrder) {
      if (photo.status === "failed") continue;
      const isShown = photo === current;
      if (photo.status === "waiting" || (isShown && !this.#bitmaps.has(photo))) {
        return () => this.#attempt(photo, (signal) => this.#open(photo, signal));
      }
      if (!photo.grid) {
        return () => this.#attempt(photo, (signal) => this.#predict(photo, photo.expert, signal));
      }
      const other = isShown && this.experts.find((expert) => !photo.grids.has(expert));
      if (other) {
        return () => this.#attempt(photo, (signal) => this.#predict(photo, other, signal));
      }
    }
    return null;
  }

  async #attempt(photo: Photo, task: (signal: AbortSignal) => Promise<void>): Promise<void> {
    const stop = new AbortController();
    this.#stops.set(photo, stop);
    const before = photo.status;
    try {
      await task(stop.signal);
      photo.losses = 0;
    } catch (error) {
      if (stop.signal.aborted) return;
      const isLost = error instanceof ServiceError && error.kind === "offline";
      photo.losses = isLost ? photo.losses + 1 : 0;
      if (this.#noteTrouble(error) && photo.losses < LOSSES_BORNE) {
        photo.status = before;
      } else {
        photo.status = "failed";
        photo.problem = error instanceof Error ? error.message : String(error);
      }
    } finally {
      this.#stops.delete(photo);
      this.changed();
    }
  }

  async #open(photo: Photo, signal: AbortSignal): Promise<void> {
    const isFirst = photo.status === "waiting";
    if (isFirst) photo.status = "opening";
    this.changed();
    const { bitmap, isOwn } = await decode(photo.file, signal);
    if (signal.aborted) return bitmap.close();
    this.#keep(photo, bitmap);
    photo.width = bitmap.width;
    photo.height = bitmap.height;
    photo.hasOwnSize = isOwn;
    if (isFirst) photo.status = photo.grid ? "ready" : "thinking";
    this.changed();
    // What was shown by a preview has been read by the server.
    const check = isFirst && isOwn ? service.check(photo.file, signal) : null;
    await Promise.all([check, this.#reduce(photo, bitmap)]);
  }

  async #reduce(photo: Photo, bitmap: ImageBitmap): Promise<void> {
    photo.small ??= await shrink(bitmap, SMALL_PX);
    if (photo.hasOwnSize) photo.thumbnail ??= await reduce(bitmap);
  }

  async #predict(photo: Photo, expert: string, signal: AbortSignal): Promise<void> {
    const grid = await service.predict(photo.file, photo.thumbnail, expert, signal);
    photo.grids.set(expert, grid);
    photo.status = "ready";
  }

  #keep(photo: Photo, bitmap: ImageBitmap): void {
    this.#bitmaps.get(photo)?.close();
    this.#bitmaps.delete(photo);
    this.#bitmaps.set(photo, bitmap); // a map remembers the order of arrival
    for (const [old, oldBitmap] of this.#bitmaps) {
      if (this.#bitmaps.size <= BITMAPS_KEPT) break;
      if (old === photo || old === this.#current) continue;
      oldBitmap.close();
      this.#bitmaps.delete(old);
    }
  }
}
