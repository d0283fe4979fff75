/** Puts the page together. */

import "./style.css";

import { Library } from "./library";
import { Saver } from "./saving";
import { Bar } from "./ui/bar";
import { Dock } from "./ui/dock";
import { beforeNextPaint, byId, setText } from "./ui/dom";
import { Film } from "./ui/film";
import { acceptPhotos } from "./ui/intake";
import { listenToKeys } from "./ui/keys";
import { Scenes } from "./ui/scenes";
import { Stage } from "./ui/stage";

const library = new Library();
const scenes = new Scenes(library);
const saver = new Saver(library, (message, isTrouble) => scenes.tell(message, isTrouble));
const stage: Stage = new Stage(library, () => bar.updateZoom());
const bar = new Bar(library, saver, stage);
const dock = new Dock(library);
const film = new Film(library);

library.onChange(
  beforeNextPaint(() => {
    for (const part of [scenes, stage, bar, dock, film]) part.update();
  }),
);
listenToKeys(library, stage, dock, bar);
acceptPhotos((files) => library.add(files));
setText(
  byId("engine"),
  stage.renderer.name === "webgl2"
    ? "Drawn by the graphics processor."
    : "Drawn without a graphics processor, because this browser offers none: it is slower.",
);
void library.connect();
