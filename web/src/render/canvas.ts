/** The stage without a graphics processor: what is visible, computed on the canvas. */

import type { Grid } from "../grid";
import { slicePixels } from "../slice";
import { placeOf, type Size } from "../view";
import type { Renderer, Scene } from "./renderer";

/** While something moves, one pixel in this many along each side is computed. */
const COARSE = 3;
const SETTLED_MS = 140;

export class CanvasRenderer implements Renderer {
  readonly name = "canvas";
  readonly #context: CanvasRenderingContext2D;
  readonly #work = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true })!;
  #photo: ImageBitmap | null = null;
  #grid: Grid | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(canvas: HTMLCanvasElement) {
    this.#context = canvas.getContext("2d")!;
  }

  async setPhoto(bitmap: ImageBitmap | null): Promise<void> {
    this.#photo = bitmap;
    this.#grid = null;
  }

  setGrid(grid: Grid | null): void {
    this.#grid = grid;
  }

  resize({ width, height }: Size): void {
    this.#context.canvas.width = width;
    this.#context.canvas.height = height;
  }

  /** A coarse picture at once, the fine one as soon as nothing has moved for a moment. */
  draw(scene: Scene): void {
    clearTimeout(this.#timer);
    this.#paint(scene, COARSE);
    this.#timer = setTimeout(() => this.#paint(scene, 1), SETTLED_MS);
  }

  #paint({ view, split, strength }: Scene, coarse: number): void {
    const context = this.#context;
    const { width, height } = context.canvas;
    context.clearRect(0, 0, width, height);
    const photo = this.#photo;
    if (!photo) return;
    const place = placeOf(view, photo);
    context.imageSmoothingEnabled = view.scale < 2 && view.scale !== 1;
    context.imageSmoothingQuality = coarse === 1 ? "high" : "low";
    context.drawImage(photo, place.left, place.top, place.width, place.height);

    const left = Math.round(Math.max(0, place.left, split));
    const top = Math.round(Math.max(0, place.top));
    const right = Math.round(Math.min(width, place.left + place.width));
    const bottom = Math.round(Math.min(height, place.top + place.height));
    if (!this.#grid || right <= left || bottom <= top) return;
    const columns = Math.ceil((right - left) / coarse);
    const rows = Math.ceil((bottom - top) / coarse);
    const work = this.#work;
    work.canvas.width = columns;
    work.canvas.height = rows;
    work.drawImage(context.canvas, left, top, right - left, bottom - top, 0, 0, columns, rows);
    const image = work.getImageData(0, 0, columns, rows);
    const along = (count: number, start: number, step: number, origin: number, size: number) =>
      Float64Array.from(
        { length: count },
        (_, i) => (start + (i + 0.5) * step - origin) / size,
      );
    slicePixels(
      image.data,
      image.data,
      this.#grid,
      along(columns, left, (right - left) / columns, place.left, place.width),
      along(rows, top, (bottom - top) / rows, place.top, place.height),
      strength,
    );
    work.putImageData(image, 0, 0);
    context.imageSmoothingEnabled = true;
    context.clearRect(left, top, right - left, bottom - top);
    context.drawImage(work.canvas, left, top, right - left, bottom - top);
  }
}
