import type { Range } from "../api/types";

/** A rectangle that was dragged, as parts of the plot from its lower left corner; null means: all of it. */
export interface Box {
  readonly x: Range | null;
  readonly y: Range | null;
}

export interface GestureListener {
  /** The pointer is at this part of the plot; null when it left. */
  hover(at: { readonly x: number; readonly y: number } | null): void;
  /** The box that is being dragged, for drawing it; null when there is none any more. */
  drag(box: Box | null): void;
  zoom(box: Box): void;
  /** The button was released where it was pressed. */
  click(at: { readonly x: number; readonly y: number }): void;
  /** Moves what is seen by these parts of the plot. */
  pan(x: number, y: number): void;
  /** Zooms about this part of the plot; a factor above 1 shows more. */
  wheel(x: number, factor: number): void;
  /** The user turned the wheel without Alt: the page scrolls, and may say how to zoom. */
  plainWheel(): void;
  reset(): void;
}

/** Movements shorter than this are clicks. */
const CLICK = 4;
/** A drag zooms the x axis alone unless it is at least so high, in pixels and as a part of the plot: then it is a box. */
const BOX = { pixels: 40, part: 0.3 };
/** A box that is no wider than this many pixels is meant along the y axis alone. */
const NARROW = 14;

interface Point {
  readonly x: number;
  readonly y: number;
}

/** What is dragged from one point of a plot to another, in pixels from its left upper corner; null while it is nothing. */
export function boxOf(
  from: Point,
  to: Point & { readonly width: number; readonly height: number },
): Box | null {
  const [dx, dy] = [Math.abs(to.x - from.x), Math.abs(to.y - from.y)];
  const isBox = dy >= Math.max(BOX.pixels, BOX.part * to.height);
  if (!isBox && (dx < CLICK || dy > 2 * dx)) return null;
  const x: Range = [Math.min(from.x, to.x) / to.width, Math.max(from.x, to.x) / to.width];
  const y: Range = [1 - Math.max(from.y, to.y) / to.height, 1 - Math.min(from.y, to.y) / to.height];
  return { x: isBox && dx < NARROW ? null : x, y: isBox ? y : null };
}

/** Listens to drags, wheel and double clicks on the plot; returns what ends it. */
export function listenGestures(target: HTMLElement, listener: GestureListener): () => void {
  let start: { x: number; y: number; pan: boolean; moved: boolean } | null = null;
  const ending = new AbortController();
  const options = { signal: ending.signal };

  const pointOf = (event: MouseEvent): { x: number; y: number; width: number; height: number } => {
    const bounds = target.getBoundingClientRect();
    return {
      x: Math.min(Math.max(event.clientX - bounds.left, 0), bounds.width),
      y: Math.min(Math.max(event.clientY - bounds.top, 0), bounds.height),
      width: bounds.width,
      height: bounds.height,
    };
  };

  target.addEventListener(
    "pointerdown",
    (event) => {
      if (event.button !== 0) return;
      const { x, y } = pointOf(event);
      start = { x, y, pan: event.shiftKey, moved: false };
      target.setPointerCapture(event.pointerId);
    },
    options,
  );
  target.addEventListener(
    "pointermove",
    (event) => {
      const at = pointOf(event);
      listener.hover({ x: at.x / at.width, y: 1 - at.y / at.height });
      if (start === null) return;
      if (start.pan) {
        listener.pan((start.x - at.x) / at.width, (at.y - start.y) / at.height);
        start = { ...start, x: at.x, y: at.y, moved: true };
      } else {
        listener.drag(boxOf(start, at));
      }
    },
    options,
  );
  const finish = (event: PointerEvent, kept: boolean): void => {
    if (start === null) return;
    const from = start;
    start = null;
    listener.drag(null);
    if (!kept || from.pan) return;
    const at = pointOf(event);
    const box = boxOf(from, at);
    if (box !== null) listener.zoom(box);
    else if (Math.max(Math.abs(at.x - from.x), Math.abs(at.y - from.y)) < CLICK)
      listener.click({ x: at.x / at.width, y: 1 - at.y / at.height });
  };
  target.addEventListener("pointerup", (event) => finish(event, true), options);
  target.addEventListener("pointercancel", (event) => finish(event, false), options);
  target.addEventListener("pointerleave", () => start === null && listener.hover(null), options);
  target.addEventListener("dblclick", () => listener.reset(), options);
  target.addEventListener(
    "wheel",
    (event) => {
      if (!event.altKey) {
        listener.plainWheel();
        return;
      }
      event.preventDefault();
      const at = pointOf(event);
      listener.wheel(
        at.x / at.width,
        Math.exp(Math.sign(event.deltaY) * Math.min(0.5, Math.abs(event.deltaY) / 400)),
      );
    },
    { ...options, passive: false },
  );
  return () => ending.abort();
}
