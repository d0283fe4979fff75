/** Versions to choose from, and how strong. */

import type { Library } from "../library";
import type { Photo } from "../photo";
import { centres, slicePixels } from "../slice";
import { byId, expertLabel, make, percent, setText } from "./dom";

/** What the strip offers while there is only one expert. */
const STEPS = [
  { strength: 0.5, label: "Gentle" },
  { strength: 0.75, label: "Soft" },
  { strength: 1, label: "Full" },
  { strength: 1.25, label: "Bold" },
] as const;

/** A strength from which the slider does not move when it is nearly there. */
const DETENT = 1;
const DETENT_REACH = 0.02;

interface Version {
  readonly key: string;
  readonly label: string;
  readonly isChosen: (photo: Photo) => boolean;
  readonly choose: () => void;
  readonly look: (photo: Photo) => { expert: string; strength: number };
  readonly input: HTMLInputElement;
  readonly canvas: HTMLCanvasElement;
  painted: string;
}

export class Dock {
  readonly #versions = byId("versions");
  readonly #slider = byId<HTMLInputElement>("strength");
  readonly #figure = byId("strength-figure");
  readonly #everywhere = byId("everywhere");
  #list: Version[] = [];
  #experts = "";

  constructor(private readonly library: Library) {
    this.#slider.addEventListener("input", () => {
      const strength = Number(this.#slider.value) / 100;
      const isNear = Math.abs(strength - DETENT) <= DETENT_REACH;
      library.setStrength(isNear ? DETENT : strength);
    });
    this.#slider.addEventListener("dblclick", () => library.setStrength(DETENT));
    this.#everywhere.addEventListener("click", () => library.useEverywhere());
  }

  /** Choose the version at a place in the strip, counted from 0. */
  choose(index: number): void {
    this.#list[index]?.choose();
  }

  update(): void {
    const { current, experts } = this.library;
    if (experts.join() !== this.#experts) this.#build(experts);
    if (!current) return;
    this.#slider.value = String(Math.round(100 * current.strength));
    this.#slider.style.setProperty("--share", String(current.strength / 1.5));
    this.#slider.setAttribute("aria-valuetext", percent(current.strength));
    setText(this.#figure, percent(current.strength));
    this.#everywhere.hidden = !this.library.photos.some(
      ({ expert, strength }) => expert !== current.expert || strength !== current.strength,
    );
    for (const version of this.#list) {
      version.input.checked = version.isChosen(current);
      paint(version, current);
    }
  }

  #build(experts: readonly string[]): void {
    this.#experts = experts.join();
    const { library } = this;
    const isAlone = experts.length === 1;
    const offers: Omit<Version, "input" | "canvas" | "painted">[] = isAlone
      ? STEPS.map(({ strength, label }) => ({
          key: String(strength),
          label: `${label} ${percent(strength)}`,
          isChosen: (photo) => photo.strength === strength,
          choose: () => library.setStrength(strength),
          look: ({ expert }) => ({ expert, strength }),
        }))
      : experts.map((expert) => ({
          key: expert,
          label: expertLabel(expert),
          isChosen: (photo) => photo.expert === expert,
          choose: () => library.setExpert(expert),
          look: ({ strength }) => ({ expert, strength }),
        }));
    const legend = this.#versions.firstElementChild!;
    setText(legend, isAlone ? "Version" : "Expert");
    this.#list = offers.map((offer) => {
      const input = make("input", { type: "radio", name: "version", value: offer.key });
      input.addEventListener("change", offer.choose);
      return { ...offer, input, canvas: make("canvas", { "aria-hidden": "true" }), painted: "" };
    });
    this.#versions.replaceChildren(
      legend,
      ...this.#list.map(({ input, canvas, label }) =>
        make("label", { class: "version" }, input, canvas, make("span", {}, label)),
      ),
    );
  }
}

/** Show a version in small, if it is not what is shown already. */
function paint(version: Version, photo: Photo): void {
  const { expert, strength } = version.look(photo);
  const grid = photo.grids.get(expert);
  const state = photo.small ? `${photo.id} ${grid ? strength : "plain"}` : "";
  if (state === version.painted) return;
  version.painted = state;
  version.canvas.classList.toggle("empty", !state);
  version.canvas.classList.toggle("pending", Boolean(state) && !grid);
  if (!photo.small) return;
  const { width, height, data } = photo.small;
  const image = new ImageData(new Uint8ClampedArray(data), width, height);
  if (grid) {
    slicePixels(image.data, image.data, grid, centres(width), centres(height), strength);
  }
  version.canvas.width = width;
  version.canvas.height = height;
  version.canvas.getContext("2d")!.putImageData(image, 0, 0);
}
