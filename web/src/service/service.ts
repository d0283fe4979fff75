/** What the page needs from whoever runs the network: a server, or the page itself. */

import type { Grid } from "../grid";
import type { Thumbnail } from "../reduce";

/** How far a long task is: what is being done, and a fraction of it where one is known. */
export type Progress = (
  stage: "sending" | "waiting" | "enhancing" | "receiving",
  fraction?: number,
) => void;

/** A file format to save in; `null` keeps the photo's own. */
export type Format = "jpeg" | "png" | "tiff" | "webp" | "avif" | "jxl" | null;

export interface SaveRequest {
  readonly file: File;
  readonly expert: string;
  readonly strength: number;
  readonly format: Format;
}

export interface Saved {
  readonly name: string;
  readonly content: Blob;
}

export interface Service {
  /** Whether photos are sent to a server, or stay in the page. */
  readonly isRemote: boolean;
  readonly formats: readonly Exclude<Format, null>[];

  /** The looks on offer, the default one first. */
  experts(signal?: AbortSignal): Promise<string[]>;

  /** The grid of a photo; `thumbnail` is absent where the browser cannot decode the file. */
  predict(
    file: File,
    thumbnail: Thumbnail | null,
    expert: string,
    signal: AbortSignal,
  ): Promise<Grid>;

  /** A picture that this browser can decode, of a file that it cannot. */
  preview(file: File, longSide: number, signal: AbortSignal): Promise<Blob>;

  /** Fail if a file that the browser shows cannot be enhanced, as far as its beginning tells. */
  check(file: File, signal: AbortSignal): Promise<void>;

  /** The photo enhanced at full resolution. */
  save(request: SaveRequest, progress: Progress, signal: AbortSignal): Promise<Saved>;

  /** Use another password. */
  setToken(token: string): void;
}

/** Why a service did not do what it was asked for; the message is meant for people. */
export class ServiceError extends Error {
  constructor(
    message: string,
    readonly kind: "offline" | "busy" | "token" | "refused",
  ) {
    super(message);
  }
}

/** Wait, unless the signal says that nobody is interested any more. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      signal?.removeEventListener("abort", leave);
      resolve();
    }
    function leave() {
      clearTimeout(timer);
      reject(signal?.reason);
    }
    if (signal?.aborted) leave();
    else signal?.addEventListener("abort", leave, { once: true });
  });
}
