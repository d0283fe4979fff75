/** What the page shows when it does not show a photo, and what it says. */

import { service } from "#service";
import type { Library } from "../library";
import { reasonAlone, sentence } from "../words";
import { byId, setText } from "./dom";
import { pickPhotos } from "./intake";

type Scene = "start" | "opening" | "thinking" | "ready" | "failed" | "token";

const NOTICE_MS = 6000;
const SOON_MS = 250;

export class Scenes {
  readonly #offline = byId("offline");
  readonly #notice = byId("notice");
  readonly #spoken = byId("spoken");
  #scene: Scene = "start";
  #noticeTimer: ReturnType<typeof setTimeout> | undefined;
  #patience: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly library: Library) {
    byId("pick").addEventListener("click", () => pickPhotos());
    const camera = byId("camera");
    camera.hidden = !matchMedia("(pointer: coarse)").matches;
    camera.addEventListener("click", () => pickPhotos(true));
    byId("paste-hint").hidden = !camera.hidden;
    if (/Mac|iPhone|iPad/.test(navigator.userAgent)) setText(byId("paste-key"), "⌘");
    byId("retry").addEventListener("click", () => {
      if (library.current) library.retry(library.current);
    });
    byId("dismiss").addEventListener("click", () => {
      if (library.current) library.remove(library.current);
    });
    byId("token").addEventListener("submit", (event) => {
      event.preventDefault();
      library.setToken(byId<HTMLInputElement>("token-text").value.trim());
    });
    byId("notice-close").addEventListener("click", () => this.#closeNotice());
    setText(byId("promise"), promise());
    this.update();
  }

  /** Say something: what went well is only spoken, trouble stays until it is closed. */
  tell(message: string, isTrouble: boolean): void {
    clearTimeout(this.#noticeTimer);
    setText(this.#spoken, isTrouble ? "" : message);
    if (isTrouble) this.#notice.setAttribute("role", "alert");
    else this.#notice.removeAttribute("role");
    setText(byId("notice-text"), message);
    this.#notice.classList.toggle("trouble", isTrouble);
    this.#notice.hidden = false;
    if (!isTrouble) this.#noticeTimer = setTimeout(() => this.#closeNotice(), NOTICE_MS);
  }

  update(): void {
    const { current, isOnline } = this.library;
    const scene = this.#sceneNow();
    if (scene !== this.#scene) {
      this.#scene = scene;
      document.body.dataset.scene = scene;
      if (scene === "ready" && current) setText(this.#spoken, `${current.name} is enhanced`);
      // What takes no time needs no picture of waiting.
      clearTimeout(this.#patience);
      document.body.classList.remove("slow");
      this.#patience = setTimeout(() => document.body.classList.add("slow"), SOON_MS);
    }
    if (scene === "failed" && current) {
      setText(byId("failure-title"), `${current.name} did not open`);
      setText(byId("failure-text"), sentence(reasonAlone(current.problem, current.name)));
    }
    setText(byId("loading-text"), current ? `Opening ${current.name}…` : "");
    this.#offline.hidden = isOnline;
    if (!isOnline) {
      setText(byId("offline-title"), service.isRemote ? "fivefold has stopped." : "Not loaded.");
      setText(
        byId("offline-text"),
        service.isRemote
          ? "Start it again with “fivefold serve”: your photos are still here, and the page goes on by itself."
          : "A file of this page did not arrive. It tries again by itself.",
      );
    }
  }

  #sceneNow(): Scene {
    const { current, needsToken } = this.library;
    if (needsToken) return "token";
    if (!current) return "start";
    if (current.status === "failed") return "failed";
    if (!this.library.bitmapOf(current)) return "opening";
    return current.grid ? "ready" : "thinking";
  }

  #closeNotice(): void {
    this.#notice.hidden = true;
  }
}

function promise(): string {
  if (!service.isRemote) return "Your photos never leave this device.";
  const isHere = ["localhost", "127.0.0.1", "[::1]"].includes(location.hostname);
  return isHere
    ? "Your photos stay on this computer; nothing is kept."
    : `Photos go to ${location.hostname} and are forgotten after the answer.`;
}
