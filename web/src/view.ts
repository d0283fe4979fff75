/** What part of a photo is seen: zoom and pan, in device pixels. */

export interface Size {
  readonly width: number;
  readonly height: number;
}

export interface Box extends Size {
  readonly left: number;
  readonly top: number;
}

/** Device pixels per photo pixel, and the photo's pixel at the window's top left corner. */
export interface View {
  readonly scale: number;
  readonly x: number;
  readonly y: number;
}

const LARGEST_SCALE = 32;

/** The whole photo in the middle of `frame`, never larger than `pixelRatio` (its natural size). */
export function fitted(photo: Size, frame: Box, pixelRatio: number): View {
  const scale = Math.min(
    frame.width / photo.width,
    frame.height / photo.height,
    Math.max(pixelRatio, 1),
  );
  return onWholePixels({
    scale,
    x: (photo.width - frame.width / scale) / 2 - frame.left / scale,
    y: (photo.height - frame.height / scale) / 2 - frame.top / scale,
  });
}

/** Zoom so that what lies under a point of the window stays there. */
export function zoomedAt(view: View, scale: number, pointX: number, pointY: number): View {
  return {
    scale,
    x: view.x + pointX / view.scale - pointX / scale,
    y: view.y + pointY / view.scale - pointY / scale,
  };
}

/** The nearest view that shows something: not too small, not too large, not beside the photo. */
export function bounded(view: View, photo: Size, frame: Box, pixelRatio: number): View {
  const fit = fitted(photo, frame, pixelRatio);
  if (view.scale <= fit.scale) return fit;
  const scale = Math.min(view.scale, Math.max(LARGEST_SCALE, fit.scale));
  return onWholePixels({
    scale,
    x: along(view.x, scale, photo.width, frame.left, frame.width),
    y: along(view.y, scale, photo.height, frame.top, frame.height),
  });
}

/**
 * The view with the photo's corner on a whole device pixel: at its own size it is shown exactly,
 * its edges are sharp, and enlarged pixels are all of one size.
 */
function onWholePixels({ scale, x, y }: View): View {
  return { scale, x: Math.round(x * scale) / scale, y: Math.round(y * scale) / scale };
}

function along(position: number, scale: number, length: number, start: number, room: number) {
  const slack = length - room / scale;
  if (slack <= 0) return slack / 2 - start / scale;
  return Math.min(Math.max(position, -start / scale), slack - start / scale);
}

/** Where the photo lies in the window, in device pixels. */
export function placeOf(view: View, photo: Size): Box {
  return {
    left: -view.x * view.scale,
    top: -view.y * view.scale,
    width: photo.width * view.scale,
    height: photo.height * view.scale,
  };
}

/** A view between two others, for a short move from one to the next. */
export function between(from: View, to: View, fraction: number): View {
  const scale = from.scale * (to.scale / from.scale) ** fraction;
  // Interpolate the window's centre so that the path is straight on the screen.
  const share = from.scale === to.scale ? fraction : (1 / from.scale - 1 / scale) / (1 / from.scale - 1 / to.scale);
  return { scale, x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}
