/** One photo on the page. */

import type { Grid } from "./grid";
import type { Thumbnail } from "./reduce";

export type Status =
  | "waiting" // for its turn, or for the server
  | "opening" // is being decoded
  | "thinking" // is shown; the network has not answered
  | "ready"
  | "failed";

/** How far the saving of a photo is; the fraction is unknown while the server computes. */
export interface Saving {
  readonly text: string;
  readonly fraction: number | undefined;
}

let lastId = 0;

export class Photo {
  readonly id = ++lastId;
  status: Status = "waiting";
  /** Why it failed, for people. */
  problem = "";
  /** Requests for it that lost their connection, in a row. */
  losses = 0;
  width = 0;
  height = 0;
  /** Whether the width and height are the file's own, and not those of a preview. */
  hasOwnSize = true;
  /** The photo in small, for the strips. */
  small: ImageData | null = null;
  thumbnail: Thumbnail | null = null;
  readonly grids = new Map<string, Grid>();
  saving: Saving | null = null;

  constructor(
    readonly file: File,
    public expert: string,
    public strength: number,
  ) {}

  get name(): string {
    return this.file.name;
  }

  /** What the photo looks like by its chosen expert, once the network has said so. */
  get grid(): Grid | null {
    return this.grids.get(this.expert) ?? null;
  }
}
