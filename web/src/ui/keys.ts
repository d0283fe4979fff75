/** The keyboard. */

import type { Library } from "../library";
import type { Bar } from "./bar";
import type { Dock } from "./dock";
import { byId } from "./dom";
import { pickPhotos } from "./intake";
import type { Stage } from "./stage";

const KEYS_KEY = "fivefold-keys";
const LINE_STEP = 0.02;
const STRENGTH_STEP = 0.05;
const LARGEST_STRENGTH = 1.5;
const ZOOM_STEP = 1.5;

export function listenToKeys(library: Library, stage: Stage, dock: Dock, bar: Bar): void {
  const dialog = byId<HTMLDialogElement>("keys");
  const switchBox = byId<HTMLInputElement>("keys-on");
  switchBox.checked = localStorage.getItem(KEYS_KEY) !== "off";
  switchBox.addEventListener("change", () => {
    localStorage.setItem(KEYS_KEY, switchBox.checked ? "on" : "off");
  });
  byId("help").addEventListener("click", () => dialog.showModal());
  byId("keys-close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close(); // beside it, on the backdrop
  });

  const line = (by: number) => stage.setSplit(stage.split + by);
  const strength = (by: number) => {
    const now = library.current?.strength ?? 1;
    const next = Math.round(100 * (now + by)) / 100;
    library.setStrength(Math.min(Math.max(next, 0), LARGEST_STRENGTH));
  };
  const actions: Record<string, (event: KeyboardEvent) => void> = {
    ArrowLeft: (event) => line(event.shiftKey ? -5 * LINE_STEP : -LINE_STEP),
    ArrowRight: (event) => line(event.shiftKey ? 5 * LINE_STEP : LINE_STEP),
    ArrowUp: () => strength(STRENGTH_STEP),
    ArrowDown: () => strength(-STRENGTH_STEP),
    Home: () => stage.setSplit(0),
    End: () => stage.setSplit(1),
    PageUp: () => library.step(-1),
    PageDown: () => library.step(1),
    Delete: () => bar.remove(),
  };
  const letters: Record<string, () => void> = {
    "+": () => stage.zoomBy(ZOOM_STEP),
    "=": () => stage.zoomBy(ZOOM_STEP),
    "-": () => stage.zoomBy(1 / ZOOM_STEP),
    z: () => stage.toggle(),
    f: () => stage.fit(),
    b: () => stage.peek(true),
    o: () => pickPhotos(),
    s: () => bar.save(),
    "?": () => dialog.showModal(),
  };

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || dialog.open) return;
    const target = event.target as Element;
    const action = actions[event.key];
    if (action) {
      // A control that has its own use for the key keeps it; the line shares ours.
      const isTaken = target.closest("input, select, [popover]");
      if (isTaken || !library.current) return;
      action(event);
      event.preventDefault();
    } else if (switchBox.checked && !target.closest("input:not([type=range]):not([type=radio]), select")) {
      if (/^[1-9]$/.test(event.key)) dock.choose(Number(event.key) - 1);
      else letters[event.key.toLowerCase()]?.();
    }
  });
  document.addEventListener("keyup", (event) => {
    if (event.key.toLowerCase() === "b") stage.peek(false);
  });
  addEventListener("blur", () => stage.peek(false));
}
