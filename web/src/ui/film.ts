/** The row of photos on the page, when there are several. */

import type { Library } from "../library";
import type { Photo } from "../photo";
import { byId, make, setAttribute } from "./dom";

interface Frame {
  readonly item: HTMLLIElement;
  readonly button: HTMLButtonElement;
  readonly canvas: HTMLCanvasElement;
  painted: boolean;
}

const STATUS_WORDS = {
  waiting: "waiting",
  opening: "opening",
  thinking: "being enhanced",
  ready: "enhanced",
  failed: "did not open",
} as const;

export class Film {
  readonly #film = byId("film");
  readonly #list = this.#film.querySelector("ul")!;
  readonly #frames = new Map<Photo, Frame>();
  #current: Photo | null = null;

  constructor(private readonly library: Library) {}

  update(): void {
    const { photos, current } = this.library;
    document.body.classList.toggle("has-film", photos.length > 1);
    for (const [photo, { item }] of this.#frames) {
      if (photos.includes(photo)) continue;
      item.remove();
      this.#frames.delete(photo);
    }
    for (const photo of photos) {
      let frame = this.#frames.get(photo);
      if (!frame) {
        frame = this.#make(photo);
        this.#frames.set(photo, frame);
        this.#list.append(frame.item);
      }
      show(frame, photo, photo === current);
    }
    if (current !== this.#current) {
      this.#current = current;
      const item = current && this.#frames.get(current)?.item;
      item?.scrollIntoView({ block: "nearest", inline: "nearest" });
    }
  }

  #make(photo: Photo): Frame {
    const canvas = make("canvas", { "aria-hidden": "true" });
    const button = make("button", { type: "button", class: "frame-button" }, canvas);
    button.addEventListener("click", () => this.library.select(photo));
    return { item: make("li", {}, button), button, canvas, painted: false };
  }
}

function show(frame: Frame, photo: Photo, isCurrent: boolean): void {
  const { button, canvas } = frame;
  const words = photo.saving ? photo.saving.text.toLowerCase() : STATUS_WORDS[photo.status];
  setAttribute(button, "aria-label", `${photo.name}, ${words}`);
  setAttribute(button, "title", photo.name);
  setAttribute(button, "data-status", photo.saving ? "saving" : photo.status);
  if (isCurrent) setAttribute(button, "aria-current", "true");
  else button.removeAttribute("aria-current");
  button.style.setProperty("--share", String(photo.saving?.fraction ?? 0));
  if (photo.small && !frame.painted) {
    frame.painted = true;
    canvas.width = photo.small.width;
    canvas.height = photo.small.height;
    canvas.getContext("2d")!.putImageData(photo.small, 0, 0);
  }
}
