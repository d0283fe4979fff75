/** Draws the stage: the photo as it came on one side of a line, enhanced on the other. */

import type { Grid } from "../grid";
import type { Size, View } from "../view";

export interface Scene {
  readonly view: View;
  /** Where the line stands, in device pixels from the left; before is left of it. */
  readonly split: number;
  readonly strength: number;
}

export interface Renderer {
  /** What it draws with, for people who wonder why it is slow. */
  readonly name: "webgl2" | "canvas";

  /** Show another photo, or none. The bitmap stays the caller's. */
  setPhoto(bitmap: ImageBitmap | null): Promise<void>;

  /** Enhance by another grid; without one both sides show the photo as it came. */
  setGrid(grid: Grid | null): void;

  /** The drawing area, in device pixels. */
  resize(size: Size): void;

  draw(scene: Scene): void;
}
