import type { Range } from "../../api/types";
import { finite } from "../axes/lookup";
import { visible } from "./lines";
import type { PaneView } from "./pane";
import { heightOf } from "./readout";

/** What a drag shows is never empty. */

/** Whether a line of the pane is seen in this stretch of x, at these parts of the height. */
export function hasLineIn(pane: PaneView, range: Range, [low, high]: Range): boolean {
  return pane.lines.some((line) => {
    const axis = line.side === "left" ? pane.left : pane.right;
    const heights = visible(line, range)
      .filter(finite)
      .map((value) => heightOf(value, axis))
      .filter(Number.isFinite);
    return heights.length > 0 && Math.max(...heights) >= low && Math.min(...heights) <= high;
  });
}

/** The stretch of x, widened to what is drawn on both of its sides where nothing is drawn in it. */
export function withDrawnPoints(panes: readonly PaneView[], [start, end]: Range): Range {
  let [before, behind] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  for (const { lines } of panes) {
    for (const { xs, ys } of lines) {
      for (const [index, x] of xs.entries()) {
        if (!finite(ys[index])) continue;
        if (x >= start && x <= end) return [start, end];
        if (x < start) before = Math.max(before, x);
        else behind = Math.min(behind, x);
      }
    }
  }
  return [Number.isFinite(before) ? before : start, Number.isFinite(behind) ? behind : end];
}
