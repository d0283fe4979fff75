/** The bar at the top: zoom, theme, saving. */

import { service } from "#service";
import type { Library } from "../library";
import type { Saver } from "../saving";
import type { Format } from "../service/service";
import { byId, percent, setAttribute, setText } from "./dom";
import { pickPhotos } from "./intake";
import type { Stage } from "./stage";

const THEME_KEY = "fivefold-theme";
const FORMAT_NAMES = {
  jpeg: "JPEG",
  png: "PNG",
  tiff: "TIFF",
  webp: "WebP",
  avif: "AVIF",
  jxl: "JPEG XL",
} as const;
const ZOOM_STEP = 1.5;

export class Bar {
  readonly #name = byId("name");
  readonly #size = byId("size");
  readonly #zoom = byId("zoom-figure");
  readonly #save = byId<HTMLButtonElement>("save");
  readonly #saveLabel = byId("save-label");
  readonly #saveAll = byId<HTMLButtonElement>("save-all");
  readonly #saveAllLabel = byId("save-all-label");
  readonly #progress = byId("progress");

  constructor(
    private readonly library: Library,
    private readonly saver: Saver,
    private readonly stage: Stage,
  ) {
    byId("add").addEventListener("click", () => pickPhotos());
    byId("remove").addEventListener("click", () => this.remove());
    byId("zoom-in").addEventListener("click", () => stage.zoomBy(ZOOM_STEP));
    byId("zoom-out").addEventListener("click", () => stage.zoomBy(1 / ZOOM_STEP));
    byId("zoom-toggle").addEventListener("click", () => stage.toggle());
    byId("theme").addEventListener("click", switchTheme);
    this.#save.addEventListener("click", () => this.save());
    this.#saveAll.addEventListener("click", () => {
      byId("save-menu").hidePopover();
      void saver.saveAll();
    });
    this.#offerFormats();
    applyTheme(localStorage.getItem(THEME_KEY));
  }

  /** Save the current photo, or stop saving. */
  save(): void {
    if (this.saver.isBusy) this.saver.stop();
    else if (this.library.current?.grid) void this.saver.saveOne(this.library.current);
  }

  remove(): void {
    if (this.library.current) this.library.remove(this.library.current);
  }

  update(): void {
    const { current, photos } = this.library;
    const { state } = this.saver;
    setText(this.#name, current?.name ?? "");
    document.title = current ? `${current.name} · fivefold` : "fivefold";
    setText(
      this.#size,
      current?.width && current.hasOwnSize ? `${current.width} × ${current.height}` : "",
    );
    this.#save.disabled = !state && !current?.grid;
    setText(this.#saveLabel, state ? "Stop" : "Save");
    this.#save.classList.toggle("busy", state !== null);
    this.#saveAll.disabled = state !== null || photos.length < 2;
    setText(
      this.#saveAllLabel,
      photos.length > 1 ? `Save all ${photos.length} as ZIP` : "Save all as ZIP",
    );
    this.#progress.hidden = state === null;
    if (state) {
      const { text, fraction } = state;
      this.#progress.style.setProperty("--share", String(fraction ?? 0));
      this.#progress.classList.toggle("unknown", fraction === undefined);
      setAttribute(this.#progress, "aria-valuetext", text);
      if (fraction === undefined) this.#progress.removeAttribute("aria-valuenow");
      else setAttribute(this.#progress, "aria-valuenow", String(Math.round(100 * fraction)));
      setText(this.#size, fraction === undefined ? text : `${text} · ${percent(fraction)}`);
    }
  }

  updateZoom(): void {
    setText(this.#zoom, percent(this.stage.scale));
  }

  #offerFormats(): void {
    const select = byId<HTMLSelectElement>("format");
    select.append(new Option("As each photo", ""));
    for (const format of service.formats) select.append(new Option(FORMAT_NAMES[format], format));
    select.addEventListener("change", () => {
      this.saver.format = (select.value || null) as Format;
    });
    setText(
      byId("format-note"),
      service.isRemote
        ? "Full resolution; colour profile, EXIF and GPS are kept."
        : "Full resolution, sRGB; JPEG keeps EXIF and GPS.",
    );
  }
}

function applyTheme(theme: string | null): void {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
}

function switchTheme(): void {
  const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
  const now = document.documentElement.dataset.theme ?? (isDark ? "dark" : "light");
  const next = now === "dark" ? "light" : "dark";
  // What the system says anyway need not be remembered, and goes on following it.
  const isSystems = (next === "dark") === isDark;
  if (isSystems) localStorage.removeItem(THEME_KEY);
  else localStorage.setItem(THEME_KEY, next);
  applyTheme(isSystems ? null : next);
}
