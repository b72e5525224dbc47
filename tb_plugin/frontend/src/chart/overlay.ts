import type uPlot from "uplot";
import type { Range } from "../api/types";
import type { Box } from "./gestures";

export interface OverlayDot {
  readonly x: number;
  readonly y: number;
  readonly color: string;
}

/** What moves above a chart without drawing it anew: the cursor, its dots and the box that is dragged. */
export interface Overlay {
  /** `x` is a part of the plot's width, null hides the cursor; a dot's height is a part of the plot's. */
  showCursor(x: number | null, dots: readonly OverlayDot[]): void;
  showBox(box: Box | null): void;
}

const WHOLE: Range = [0, 1];

export function createOverlay(plot: uPlot): Overlay {
  const line = part(plot, "cursor-line");
  const box = part(plot, "zoom-box");
  const dots: HTMLElement[] = [];
  return {
    showCursor(x, wanted) {
      line.hidden = x === null;
      if (x !== null) line.style.left = `${x * 100}%`;
      const visible = wanted.filter((dot) => dot.x >= 0 && dot.x <= 1 && dot.y >= 0 && dot.y <= 1);
      while (dots.length < visible.length) dots.push(part(plot, "cursor-dot"));
      for (const [index, element] of dots.entries()) {
        const dot = visible[index];
        element.hidden = dot === undefined;
        if (dot === undefined) continue;
        element.style.left = `${dot.x * 100}%`;
        element.style.bottom = `${dot.y * 100}%`;
        element.style.background = dot.color;
      }
    },
    showBox(wanted) {
      box.hidden = wanted === null;
      if (wanted === null) return;
      const [x, y] = [wanted.x ?? WHOLE, wanted.y ?? WHOLE];
      box.style.left = `${x[0] * 100}%`;
      box.style.width = `${(x[1] - x[0]) * 100}%`;
      box.style.bottom = `${y[0] * 100}%`;
      box.style.height = `${(y[1] - y[0]) * 100}%`;
    },
  };
}

function part(plot: uPlot, name: string): HTMLElement {
  const element = document.createElement("div");
  element.className = name;
  element.hidden = true;
  plot.over.append(element);
  return element;
}
