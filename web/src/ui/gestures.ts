/** Fingers, mouse and wheel on the stage, told apart. */

export interface GestureTarget {
  /** Whether a drag that begins here moves the line (and not the photo). */
  startsOnLine(x: number, y: number, isTouch: boolean): boolean;
  moveLine(x: number): void;
  pan(dx: number, dy: number): void;
  zoom(factor: number, x: number, y: number): void;
  toggleZoom(x: number, y: number): void;
}

const DOUBLE_TAP_MS = 300;
const DOUBLE_TAP_PX = 30;
const STILL_PX = 6;
const WHEEL_PER_DOUBLING = 360;
const PIXELS_PER_LINE = 16;

interface Finger {
  x: number;
  y: number;
}

/** Listen on `element`; coordinates are CSS pixels from its top left corner. */
export function listen(element: HTMLElement, target: GestureTarget): void {
  const fingers = new Map<number, Finger>();
  let isOnLine = false;
  let hasMoved = false;
  let start: Finger = { x: 0, y: 0 };
  let lastTap = { x: 0, y: 0, time: -Infinity };

  const at = (event: { clientX: number; clientY: number }): Finger => {
    const box = element.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    element.setPointerCapture(event.pointerId);
    const finger = at(event);
    fingers.set(event.pointerId, finger);
    if (fingers.size > 1) return;
    start = finger;
    hasMoved = false;
    isOnLine = target.startsOnLine(finger.x, finger.y, event.pointerType === "touch");
    element.classList.toggle("moving-line", isOnLine);
    element.classList.toggle("moving-photo", !isOnLine);
  });

  element.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    fingers.set(event.pointerId, now);
    if (Math.hypot(now.x - start.x, now.y - start.y) > STILL_PX) hasMoved = true;
    const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      hasMoved = true;
      const spread = Math.hypot(now.x - other.x, now.y - other.y);
      const spreadBefore = Math.hypot(before.x - other.x, before.y - other.y);
      target.pan((now.x - before.x) / 2, (now.y - before.y) / 2);
      if (spreadBefore > 0) {
        target.zoom(spread / spreadBefore, (now.x + other.x) / 2, (now.y + other.y) / 2);
      }
    } else if (isOnLine) {
      if (hasMoved) target.moveLine(now.x);
    } else {
      target.pan(now.x - before.x, now.y - before.y);
    }
  });

  const lift = (event: PointerEvent) => {
    if (!fingers.delete(event.pointerId) || fingers.size) return;
    element.classList.remove("moving-line", "moving-photo");
    if (hasMoved || event.type === "pointercancel") return;
    const { x, y } = at(event);
    const isDouble =
      event.timeStamp - lastTap.time < DOUBLE_TAP_MS &&
      Math.hypot(x - lastTap.x, y - lastTap.y) < DOUBLE_TAP_PX;
    lastTap = { x, y, time: isDouble ? -Infinity : event.timeStamp };
    if (isDouble) target.toggleZoom(x, y);
  };
  element.addEventListener("pointerup", lift);
  element.addEventListener("pointercancel", lift);

  element.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const { x, y } = at(event);
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : PIXELS_PER_LINE;
      // A pinch on a touchpad arrives as a wheel with Ctrl, in much smaller steps.
      const step = event.deltaY * unit * (event.ctrlKey ? 4 : 1);
      target.zoom(2 ** (-step / WHEEL_PER_DOUBLING), x, y);
    },
    { passive: false },
  );
}
