/** The photo at full window, and the line between before and after. */

import type { Grid } from "../grid";
import type { Library } from "../library";
import type { Photo } from "../photo";
import { CanvasRenderer } from "../render/canvas";
import { GlRenderer } from "../render/gl";
import type { Renderer } from "../render/renderer";
import { between, bounded, fitted, placeOf, zoomedAt, type Box, type View } from "../view";
import { beforeNextPaint, byId, percent, prefersCalm, setAttribute } from "./dom";
import { listen, type GestureTarget } from "./gestures";

const MOVE_MS = 180;
const REVEAL_MS = 800;
const LINE_REACH_PX = 26;
const LINE_REACH_TOUCH_PX = 40;
/** How near the line comes to a corner before the word in it makes room. */
const TAG_ROOM_PX = 88;
const TAG_INSET_PX = 12;

export class Stage implements GestureTarget {
  readonly renderer: Renderer;
  readonly #stage = byId("stage");
  readonly #canvas = byId<HTMLCanvasElement>("picture");
  readonly #frame = byId("frame");
  readonly #line = byId("split");
  readonly #before = byId("tag-before");
  readonly #after = byId("tag-after");
  readonly #schedule = beforeNextPaint(() => this.#draw());
  #photo: Photo | null = null;
  #bitmap: ImageBitmap | null = null;
  #grid: Grid | null = null;
  #view: View = { scale: 1, x: 0, y: 0 };
  #isFitted = true;
  /** Where the line stands between the left and right edge of what is seen of the photo. */
  #split = 0.5;
  #isPeeking = false;
  #movement = 0;

  constructor(
    private readonly library: Library,
    /** Called when the zoom has changed. */
    private readonly onZoom: () => void,
  ) {
    this.renderer = GlRenderer.on(this.#canvas) ?? new CanvasRenderer(this.#canvas);
    listen(this.#stage, this);
    const observer = new ResizeObserver(() => this.#resize());
    observer.observe(this.#stage);
    observer.observe(this.#frame);
  }

  /** Show what the library says is current. */
  update(): void {
    const photo = this.library.current;
    const bitmap = photo && this.library.bitmapOf(photo);
    this.#photo = photo;
    if (bitmap !== this.#bitmap) {
      void this.#show(bitmap);
      return;
    }
    const grid = (bitmap && photo?.grid) ?? null;
    if (grid !== this.#grid) {
      const isFirst = !this.#grid;
      this.#setGrid(grid);
      if (isFirst && grid) this.#reveal();
    }
    this.#schedule();
  }

  /** Device pixels per pixel of the photo. */
  get scale(): number {
    return this.#view.scale;
  }

  get isFitted(): boolean {
    return this.#isFitted;
  }

  get split(): number {
    return this.#split;
  }

  setSplit(split: number): void {
    this.#stopMovement();
    this.#split = Math.min(Math.max(split, 0), 1);
    this.#schedule();
  }

  /** Show the photo as it came, as long as somebody asks for it. */
  peek(isPeeking: boolean): void {
    this.#isPeeking = isPeeking;
    this.#schedule();
  }

  fit(): void {
    if (this.#bitmap) this.#glide(fitted(this.#bitmap, this.#box(), devicePixelRatio));
  }

  /** Zoom about the middle of the window. */
  zoomBy(factor: number): void {
    const { left, top, width, height } = this.#box();
    const scale = this.#view.scale * factor;
    this.#glide(zoomedAt(this.#view, scale, left + width / 2, top + height / 2));
  }

  /** From the whole photo to its pixels, or back. */
  toggle(): void {
    const { left, top, width, height } = this.#box();
    this.toggleZoom((left + width / 2) / devicePixelRatio, (top + height / 2) / devicePixelRatio);
  }

  startsOnLine(x: number, _y: number, isTouch: boolean): boolean {
    if (this.#isFitted) return true;
    const distance = Math.abs(x - this.#lineAt() / devicePixelRatio);
    return distance < (isTouch ? LINE_REACH_TOUCH_PX : LINE_REACH_PX);
  }

  moveLine(x: number): void {
    const [left, right] = this.#seen();
    this.setSplit((x * devicePixelRatio - left) / Math.max(right - left, 1));
  }

  pan(dx: number, dy: number): void {
    if (this.#isFitted) return;
    const { scale, x, y } = this.#view;
    const step = devicePixelRatio / scale;
    this.#setView({ scale, x: x - dx * step, y: y - dy * step });
  }

  zoom(factor: number, x: number, y: number): void {
    const ratio = devicePixelRatio;
    this.#setView(zoomedAt(this.#view, this.#view.scale * factor, x * ratio, y * ratio));
  }

  toggleZoom(x: number, y: number): void {
    if (!this.#isFitted) return this.fit();
    const ratio = devicePixelRatio;
    const scale = this.#view.scale < 1 ? 1 : 2 * this.#view.scale;
    this.#glide(zoomedAt(this.#view, scale, x * ratio, y * ratio));
  }

  async #show(bitmap: ImageBitmap | null): Promise<void> {
    this.#stopMovement();
    this.#bitmap = bitmap;
    this.#setGrid(null);
    if (bitmap) this.#setView(fitted(bitmap, this.#box(), devicePixelRatio));
    try {
      await this.renderer.setPhoto(bitmap);
    } catch (error) {
      if (this.#bitmap === bitmap) throw error; // else it was closed because it is gone
    }
    if (this.#bitmap !== bitmap) return;
    this.#setGrid((bitmap && this.#photo?.grid) ?? null);
    this.#schedule();
  }

  #setGrid(grid: Grid | null): void {
    this.#grid = grid;
    this.renderer.setGrid(grid);
  }

  #setView(view: View): void {
    if (!this.#bitmap) return;
    this.#stopMovement();
    this.#place(view);
  }

  #place(view: View): void {
    const bitmap = this.#bitmap!;
    const box = this.#box();
    this.#view = bounded(view, bitmap, box, devicePixelRatio);
    this.#isFitted = this.#view.scale === fitted(bitmap, box, devicePixelRatio).scale;
    this.#schedule();
    this.onZoom();
  }

  /** Move to another view, so that the eye can follow. */
  #glide(target: View): void {
    if (!this.#bitmap) return;
    const from = this.#view;
    const to = bounded(target, this.#bitmap, this.#box(), devicePixelRatio);
    this.#animate(MOVE_MS, (fraction) => {
      this.#place(fraction < 1 ? between(from, to, fraction) : to);
    });
  }

  /** Draw the line over the photo once, when its enhanced version has come. */
  #reveal(): void {
    const target = this.#split;
    this.#animate(REVEAL_MS, (fraction) => {
      this.#split = 1 + (target - 1) * fraction;
      this.#schedule();
    });
  }

  #animate(duration: number, step: (fraction: number) => void): void {
    this.#stopMovement();
    if (prefersCalm()) return step(1);
    const start = performance.now();
    const tick = (now: number) => {
      const time = Math.min(Math.max((now - start) / duration, 0), 1);
      const isLast = time === 1;
      if (!isLast) this.#movement = requestAnimationFrame(tick);
      step(1 - (1 - time) ** 3);
    };
    step(0);
    this.#movement = requestAnimationFrame(tick);
  }

  #stopMovement(): void {
    cancelAnimationFrame(this.#movement);
  }

  #resize(): void {
    const width = Math.max(1, Math.round(this.#stage.clientWidth * devicePixelRatio));
    const height = Math.max(1, Math.round(this.#stage.clientHeight * devicePixelRatio));
    if (width !== this.#canvas.width || height !== this.#canvas.height) {
      this.renderer.resize({ width, height });
      this.#canvas.style.width = `${width / devicePixelRatio}px`;
      this.#canvas.style.height = `${height / devicePixelRatio}px`;
    }
    if (this.#bitmap) {
      const fit = fitted(this.#bitmap, this.#box(), devicePixelRatio);
      this.#setView(this.#isFitted ? fit : this.#view);
    }
    this.#draw(); // a canvas that changed its size is empty
  }

  /** The part of the window that nothing lies over, in device pixels. */
  #box(): Box {
    const stage = this.#stage.getBoundingClientRect();
    const frame = this.#frame.getBoundingClientRect();
    const ratio = devicePixelRatio;
    return {
      left: Math.round((frame.left - stage.left) * ratio),
      top: Math.round((frame.top - stage.top) * ratio),
      width: Math.max(1, Math.round(frame.width * ratio)),
      height: Math.max(1, Math.round(frame.height * ratio)),
    };
  }

  /** Left, right, top and bottom of what is seen of the photo, in device pixels. */
  #seen(): [number, number, number, number] {
    const { left, top, width, height } = placeOf(this.#view, this.#bitmap!);
    return [
      Math.max(0, left),
      Math.min(this.#canvas.width, left + width),
      Math.max(0, top),
      Math.min(this.#canvas.height, top + height),
    ];
  }

  #lineAt(): number {
    const [left, right] = this.#seen();
    return Math.round(left + this.#split * (right - left));
  }

  #draw(): void {
    const strength = this.#photo?.strength ?? 1;
    if (!this.#bitmap) {
      this.renderer.draw({ view: this.#view, split: 0, strength });
      return;
    }
    const line = this.#lineAt();
    const split = this.#isPeeking ? this.#canvas.width : line;
    this.renderer.draw({ view: this.#view, split, strength });
    this.#placeLine(line);
  }

  #placeLine(line: number): void {
    const [left, right, top, bottom] = this.#seen();
    const css = (pixels: number) => `${pixels / devicePixelRatio}px`;
    const box = this.#box();
    const shownTop = Math.max(top, box.top);
    this.#line.style.left = css(line);
    this.#line.style.top = css(top);
    this.#line.style.height = css(bottom - top);
    // The grip stays in the middle of what is not covered.
    const middle = (shownTop + Math.min(bottom, box.top + box.height)) / 2;
    this.#line.style.setProperty("--grip", css(middle - top));
    const inset = TAG_INSET_PX * devicePixelRatio;
    const room = TAG_ROOM_PX * devicePixelRatio;
    this.#before.style.translate = `${css(left + inset)} ${css(shownTop + inset)}`;
    this.#after.style.translate = `calc(${css(right - inset)} - 100%) ${css(shownTop + inset)}`;
    this.#before.classList.toggle("hidden", line - left < room && !this.#isPeeking);
    this.#after.classList.toggle("hidden", right - line < room || this.#isPeeking);
    const shown = Math.round(100 * this.#split);
    setAttribute(this.#line, "aria-valuenow", String(shown));
    setAttribute(this.#line, "aria-valuetext", `${percent(this.#split)} before`);
  }
}
