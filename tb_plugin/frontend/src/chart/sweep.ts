import type uPlot from "uplot";
import type { Label, Layout, Upright } from "../model/marks/layout";
import type { TrainedBand } from "../model/rangeTest/sweepMarks";
import type { Theme } from "../theme/tokens";
import { SMALL_FONT } from "./font";
import { haloText, inPlot, line } from "./plotContext";
import type { ChartView } from "./view";

/** What is drawn behind the curves of a range test: the LRs of a training, the spread of suggestions, the zero line. */
export function drawSweepBelow(plot: uPlot, view: ChartView, layout: Layout): void {
  if (view.sweep === null) return;
  const { theme } = view;
  const height = plot.bbox.height / devicePixelRatio;
  const { trained } = view.sweep;
  inPlot(plot, true, (ctx) => {
    if (trained !== null) drawTrained(ctx, plot, trained, theme, height);
    for (const { spread, line: mark } of layout.uprights) {
      if (spread === null) continue;
      ctx.fillStyle = colorOf(mark, theme);
      ctx.globalAlpha = mark.tone === "recommended" ? 0.14 : 0.08;
      ctx.fillRect(spread[0], 0, Math.max(1, spread[1] - spread[0]), height);
      ctx.globalAlpha = 1;
    }
    if (view.id === "slope") {
      ctx.strokeStyle = theme.cursor;
      ctx.globalAlpha = 0.5;
      ctx.lineWidth = 1;
      const zero = Math.round(plot.valToPos(0, "y")) + 0.5;
      line(ctx, 0, zero, plot.bbox.width / devicePixelRatio, zero);
      ctx.globalAlpha = 1;
    }
  });
}

function drawTrained(
  ctx: CanvasRenderingContext2D,
  plot: uPlot,
  { range, median }: TrainedBand,
  theme: Theme,
  height: number,
): void {
  const [left, right] = range.map((value) => plot.valToPos(value, "x")) as [number, number];
  const width = Math.max(3, right - left);
  ctx.fillStyle = theme.learningRate;
  ctx.globalAlpha = 0.13;
  ctx.fillRect(left, 0, width, height);
  ctx.globalAlpha = 1;
  ctx.fillRect(left, height - 4, width, 4);
  if (median === null) return;
  ctx.strokeStyle = theme.learningRate;
  ctx.lineWidth = 1.25;
  ctx.setLineDash([2, 3]);
  const at = plot.valToPos(median, "x");
  line(ctx, at, 0, at, height);
  ctx.setLineDash([]);
}

/** What is drawn above them: the suggested LRs with their labels. */
export function drawSweepAbove(plot: uPlot, view: ChartView, layout: Layout): void {
  if (view.sweep === null) return;
  const { theme } = view;
  const height = plot.bbox.height / devicePixelRatio;
  inPlot(plot, true, (ctx) => {
    for (const upright of layout.uprights) drawUpright(ctx, upright, theme, height);
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (const label of layout.labels) drawLabel(ctx, label, theme);
  });
}

function drawUpright(
  ctx: CanvasRenderingContext2D,
  { at, top, line: mark }: Upright,
  theme: Theme,
  height: number,
): void {
  ctx.strokeStyle = colorOf(mark, theme);
  ctx.lineWidth = mark.tone === "recommended" ? 2 : 1.25;
  ctx.setLineDash(mark.tone === "recommended" ? [] : mark.tone === "stopped" ? [1, 3] : [5, 4]);
  line(ctx, at, top, at, height);
  ctx.setLineDash([]);
}

function colorOf({ tone, color }: Upright["line"], theme: Theme): string {
  if (color !== null) return color;
  switch (tone) {
    case "recommended":
      return theme.good;
    case "method":
    case "stopped":
      return theme.muted;
    case "divergence":
      return theme.danger;
    default:
      return tone satisfies never;
  }
}

function drawLabel(ctx: CanvasRenderingContext2D, label: Label, theme: Theme): void {
  const strong = label.tone === "strong";
  ctx.font = strong ? `600 ${SMALL_FONT}` : SMALL_FONT;
  haloText(ctx, label, strong ? theme.good : theme.text, theme.card);
}
