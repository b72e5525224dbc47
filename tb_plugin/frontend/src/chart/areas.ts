import type uPlot from "uplot";
import type { Area } from "../model/panes/pane";
import { inPlot } from "./plotContext";
import type { ChartView } from "./view";

/** The area between two curves; on a log axis what is 0 or less reaches to its lower end. */
export function drawAreas(plot: uPlot, view: ChartView): void {
  if (view.areas.length === 0) return;
  const height = plot.bbox.height / devicePixelRatio;
  const log = view.left.kind === "log";
  const y = (value: number): number => (log && value <= 0 ? height + 1 : plot.valToPos(value, "y"));
  inPlot(plot, true, (ctx) => {
    for (const area of view.areas) {
      ctx.fillStyle = area.color;
      ctx.globalAlpha = area.alpha;
      for (const [first, after] of piecesOf(area)) {
        const rows = Array.from({ length: after - first }, (_none, index) => first + index);
        const x = (row: number): number => plot.valToPos(area.xs[row] as number, "x");
        ctx.beginPath();
        // A single sample is still to be seen.
        const pad = rows.length === 1 ? 2 : 0;
        for (const row of rows) ctx.lineTo(x(row) - pad, y(area.high[row] as number));
        if (pad > 0) ctx.lineTo(x(first) + pad, y(area.high[first] as number));
        for (const row of rows.reverse()) ctx.lineTo(x(row) + pad, y(area.low[row] as number));
        if (pad > 0) ctx.lineTo(x(first) - pad, y(area.low[first] as number));
        ctx.fill();
      }
    }
  });
}

/** Rows without a gap, from the first to the one after the last. */
function piecesOf({ low, high }: Area): readonly (readonly [first: number, after: number])[] {
  const pieces: [number, number][] = [];
  for (const row of low.keys()) {
    if (low[row] == null || high[row] == null) continue;
    const last = pieces.at(-1);
    if (last !== undefined && last[1] === row) last[1] = row + 1;
    else pieces.push([row, row + 1]);
  }
  return pieces;
}
