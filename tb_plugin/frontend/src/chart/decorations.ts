import type uPlot from "uplot";
import { epochRuler } from "../model/marks/epochs";
import { FONT } from "./font";
import { type ChartView, xTicksOf } from "./view";

/** What is drawn behind the lines: the hairlines where epochs start. */
export function drawBelow(plot: uPlot, view: ChartView): void {
  const { ctx, bbox } = plot;
  const ruler = rulerOf(plot, view);
  ctx.save();
  ctx.strokeStyle = view.theme.epoch;
  ctx.lineWidth = Math.max(1, Math.round(devicePixelRatio));
  ctx.beginPath();
  for (const at of ruler.lines) {
    const x = Math.round(plot.valToPos(at, "x", true)) + (ctx.lineWidth % 2) / 2;
    ctx.moveTo(x, bbox.top);
    ctx.lineTo(x, bbox.top + bbox.height);
  }
  ctx.stroke();
  ctx.restore();
}

/** What is drawn above the lines: epoch numbers, the name of the x axis, and where a value is not finite. */
export function drawAbove(plot: uPlot, view: ChartView): void {
  const { ctx } = plot;
  ctx.save();
  ctx.font = FONT.replace(/^[\d.]+/, (size) => String(Number(size) * devicePixelRatio));
  if (view.hasRuler) drawRuler(plot, view);
  if (view.hasXLabels) drawXLabels(plot, view);
  drawStretches(plot, view);
  drawSkipped(plot, view);
  ctx.restore();
}

function rulerOf(plot: uPlot, view: ChartView): ReturnType<typeof epochRuler> {
  return epochRuler(view.epochs, view.range, plot.bbox.width / devicePixelRatio);
}

function drawRuler(plot: uPlot, view: ChartView): void {
  const { ctx, bbox } = plot;
  const { labels } = rulerOf(plot, view);
  if (labels.length === 0) return;
  const y = bbox.top - 7 * devicePixelRatio;
  ctx.fillStyle = view.theme.muted;
  ctx.textBaseline = "alphabetic";
  ctx.textAlign = "center";
  for (const { at, text } of labels) {
    const x = plot.valToPos(at, "x", true);
    // The first epoch may be cut: its number would touch the word beside the ruler.
    if (x - ctx.measureText(text).width / 2 >= bbox.left - 2 * devicePixelRatio) ctx.fillText(text, x, y);
  }
  ctx.textAlign = "right";
  ctx.fillText("epoch", bbox.left - 8 * devicePixelRatio, y);
}

const AXIS_NAMES = {
  step: "step",
  epoch: "epoch",
  relative: "time",
  wall: "clock",
  learning_rate: "LR",
} as const;

function drawXLabels(plot: uPlot, view: ChartView): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const y = bbox.top + bbox.height + 8 * ratio;
  const name = AXIS_NAMES[view.axis];
  ctx.fillStyle = view.theme.muted;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  ctx.fillText(name, 10 * ratio, y);
  ctx.textAlign = "center";
  const gap = 10 * ratio;
  let free = 10 * ratio + ctx.measureText(name).width + gap;
  for (const { at, label } of xTicksOf(plot, view)) {
    const half = ctx.measureText(label).width / 2;
    // A label at the end of the axis moves inside instead of being cut off.
    const x = Math.min(plot.valToPos(at, "x", true), ctx.canvas.width - half - 6 * ratio);
    if (x - half < free) continue;
    ctx.fillText(label, x, y);
    free = x + half + gap;
  }
}

function drawStretches(plot: uPlot, view: ChartView): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  let free = bbox.left;
  ctx.textBaseline = "top";
  ctx.textAlign = "left";
  for (const stretch of view.stretches) {
    const start = Math.max(bbox.left, plot.valToPos(stretch.start, "x", true) - 1.5 * ratio);
    const end = Math.min(bbox.left + bbox.width, plot.valToPos(stretch.end, "x", true) + 1.5 * ratio);
    if (end < bbox.left || start > bbox.left + bbox.width) continue;
    ctx.fillStyle = view.theme.danger;
    ctx.globalAlpha = 0.12;
    ctx.fillRect(start, bbox.top, end - start, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillRect(start, bbox.top, end - start, 3 * ratio);
    const width = ctx.measureText(stretch.what).width;
    const left = Math.min(start, bbox.left + bbox.width - width);
    if (left < free) continue;
    ctx.fillText(stretch.what, left, bbox.top + 6 * ratio);
    free = left + width + 8 * ratio;
  }
}

/** Steps without an update: marks below the plot, on the axis. */
function drawSkipped(plot: uPlot, view: ChartView): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.fillStyle = view.theme.danger;
  const [width, height] = [2 * ratio, 6 * ratio];
  let last = Number.NEGATIVE_INFINITY;
  for (const at of view.skipped) {
    const x = Math.round(plot.valToPos(at, "x", true));
    if (x === last || x < bbox.left || x > bbox.left + bbox.width) continue;
    ctx.fillRect(x - width / 2, bbox.top + bbox.height + ratio, width, height);
    last = x;
  }
}
