import type uPlot from "uplot";
import {
  countLabel,
  type Dot,
  EMPTY_LAYOUT,
  type Frame,
  type Label,
  type Layout,
  layoutMarks,
} from "../model/marks/layout";
import type { FuseCell } from "../model/marks/marks";
import { layoutSweep } from "../model/rangeTest/sweepLayout";
import type { Theme } from "../theme/tokens";
import { SMALL_FONT } from "./font";
import { haloText, inPlot, line } from "./plotContext";
import type { ChartView } from "./view";

/** Room for the strip of the wait, below the labels of the x axis. */
export const FUSE_ROOM = 32;
const FUSE = { top: 32, height: 20 };

export function layoutOf(plot: uPlot, view: ChartView): Layout {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  const frame: Frame = {
    width: bbox.width / ratio,
    height: bbox.height / ratio,
    x: (value) => plot.valToPos(value, "x"),
    y: (value) => plot.valToPos(value, "y"),
    measure: (text) => Math.ceil(ctx.measureText(text).width),
  };
  ctx.save();
  ctx.font = SMALL_FONT;
  const layout =
    view.sweep !== null
      ? layoutSweep(view.sweep, view.id === "sweep", frame)
      : view.marks !== null
        ? layoutMarks(view.id, view.marks, view.range, frame)
        : EMPTY_LAYOUT;
  ctx.restore();
  return layout;
}

/** What is drawn behind the lines: plateaus, the corridor around the best value, the position of a finding. */
export function drawMarksBelow(plot: uPlot, view: ChartView, layout: Layout): void {
  const { marks, theme } = view;
  if (marks === null) return;
  const height = plot.bbox.height / devicePixelRatio;
  const x = (value: number): number => plot.valToPos(value, "x");
  inPlot(plot, true, (ctx) => {
    if (marks.highlight !== null) {
      const [start, end] = [x(marks.highlight[0]), x(marks.highlight[1])];
      ctx.fillStyle = theme.accent;
      ctx.globalAlpha = 0.12;
      ctx.fillRect(start, 0, Math.max(2, end - start), height);
      ctx.globalAlpha = 1;
    }
    for (const { left, right, band } of layout.bands) {
      ctx.fillStyle = theme.rule;
      ctx.globalAlpha = view.id === "loss" ? 0.16 : 0.08;
      ctx.fillRect(left, 0, right - left, height);
      if (!band.isSolid) hatch(ctx, left, right, height, theme);
      ctx.globalAlpha = 1;
    }
    if (view.id === "loss") {
      drawCorridor(ctx, plot, view);
      for (const dot of layout.dots) {
        // Where an epoch starts there is a line already.
        if (dot.count > 1 || dot.tone === "on") continue;
        ctx.strokeStyle = toneColor(dot.tone, theme);
        ctx.globalAlpha = 0.45;
        ctx.setLineDash([2, 4]);
        line(ctx, dot.x, 0, dot.x, height);
      }
    }
  });
}

/** Stripes distinguish a plateau that only the rule would have answered from one that was. */
function hatch(
  ctx: CanvasRenderingContext2D,
  left: number,
  right: number,
  height: number,
  theme: Theme,
): void {
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, 0, right - left, height);
  ctx.clip();
  ctx.strokeStyle = theme.card;
  ctx.globalAlpha = 0.45;
  ctx.lineWidth = 3;
  ctx.beginPath();
  for (let at = Math.floor((left - height) / 12) * 12; at < right; at += 12) {
    ctx.moveTo(at, height);
    ctx.lineTo(at + height, 0);
  }
  ctx.stroke();
  ctx.restore();
}

function drawCorridor(ctx: CanvasRenderingContext2D, plot: uPlot, view: ChartView): void {
  const corridor = view.marks?.corridor ?? null;
  if (corridor === null) return;
  const label = corridor.monitor === "batch/loss" ? "loss" : corridor.monitor;
  const drawn = view.lines.find((line) => line.label === label && line.run === view.marks?.run);
  if (drawn === undefined) return;
  const axis = drawn.side === "left" ? view.left : view.right;
  const scale = drawn.side === "left" ? "y" : "right";
  const y = (value: number): number =>
    axis?.kind === "log" && value <= 0 ? plot.bbox.height : plot.valToPos(value, scale);
  for (const piece of corridor.pieces) {
    const [left, right] = [plot.valToPos(piece.start, "x"), plot.valToPos(piece.end, "x")];
    const [top, bottom] = [y(piece.high), y(piece.low)];
    ctx.fillStyle = drawn.color;
    ctx.globalAlpha = 0.28;
    ctx.fillRect(left, Math.min(top, bottom - 1.5), right - left, Math.max(3, bottom - top));
  }
  ctx.globalAlpha = 1;
}

/** What is drawn above the lines: markers with their labels, the reductions, and the strip of the wait. */
export function drawMarks(plot: uPlot, view: ChartView, layout: Layout): void {
  const { marks, theme } = view;
  if (marks === null) return;
  const height = plot.bbox.height / devicePixelRatio;
  inPlot(plot, false, (ctx) => {
    ctx.strokeStyle = theme.rule;
    ctx.lineWidth = 1.5;
    for (const { at, band } of layout.bands) {
      if (at === null) continue;
      ctx.setLineDash(band.isSolid ? [] : [5, 4]);
      line(ctx, at, 0, at, height);
    }
    ctx.setLineDash([]);
    for (const dot of layout.dots) drawDot(ctx, dot, view);
    ctx.font = SMALL_FONT;
    ctx.textBaseline = "middle";
    ctx.textAlign = "left";
    for (const label of layout.labels) drawLabel(ctx, label, theme);
  });
  if (view.hasXLabels && marks.fuse.length > 0) drawFuse(plot, view, marks.fuse);
}

function toneColor(tone: Dot["tone"], theme: Theme): string {
  switch (tone) {
    case "on":
      return theme.good;
    case "off":
    case "late":
    case "mixed":
      return theme.warning;
    case null:
      return theme.muted;
    default:
      return tone satisfies never;
  }
}

function drawDot(ctx: CanvasRenderingContext2D, dot: Dot, { theme, id }: ChartView): void {
  const color = toneColor(dot.tone, theme);
  ctx.fillStyle = color;
  ctx.strokeStyle = theme.card;
  ctx.lineWidth = 1.5;
  if (dot.count > 1) {
    ctx.beginPath();
    ctx.roundRect(dot.x - dot.width / 2, dot.top, dot.width, dot.height, dot.height / 2);
    ctx.fill();
    ctx.stroke();
    ctx.fillStyle = dot.tone === "on" || dot.tone === null ? theme.card : theme.onWarning;
    ctx.font = SMALL_FONT;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillText(countLabel(dot.count), dot.x, dot.top + dot.height / 2 + 0.5);
    return;
  }
  ctx.beginPath();
  if (id === "loss") {
    ctx.moveTo(dot.x, dot.y - 4);
    ctx.lineTo(dot.x + 4.5, dot.y + 4);
    ctx.lineTo(dot.x - 4.5, dot.y + 4);
    ctx.closePath();
  } else if (dot.tone === "late") {
    // One step late is its own kind of off: a square on its corner.
    ctx.moveTo(dot.x, dot.y - 6);
    ctx.lineTo(dot.x + 6, dot.y);
    ctx.lineTo(dot.x, dot.y + 6);
    ctx.lineTo(dot.x - 6, dot.y);
    ctx.closePath();
  } else ctx.arc(dot.x, dot.y, 4.5, 0, 2 * Math.PI);
  ctx.fill();
  ctx.stroke();
}

function drawLabel(ctx: CanvasRenderingContext2D, label: Label, theme: Theme): void {
  const color = label.tone === "on" ? theme.good : label.tone === null ? theme.muted : theme.text;
  haloText(ctx, label, color, theme.card);
}

function drawFuse(plot: uPlot, view: ChartView, cells: readonly FuseCell[]): void {
  const { theme, range } = view;
  const plotHeight = plot.bbox.height / devicePixelRatio;
  const plotWidth = plot.bbox.width / devicePixelRatio;
  const top = plotHeight + FUSE.top;
  inPlot(plot, false, (ctx) => {
    ctx.font = SMALL_FONT;
    ctx.fillStyle = theme.muted;
    ctx.textAlign = "right";
    ctx.textBaseline = "middle";
    ctx.fillText("wait", -8, top + FUSE.height / 2);
    ctx.beginPath();
    ctx.rect(0, top, plotWidth, FUSE.height);
    ctx.clip();
    for (const cell of cells) {
      if (cell.end < range[0] || cell.start > range[1]) continue;
      const [left, right] = [plot.valToPos(cell.start, "x"), plot.valToPos(cell.end, "x")];
      const gap = right - left >= 5 ? 1 : 0;
      const [x0, x1] = [left + gap / 2, Math.max(right - gap / 2, left + 0.5)];
      ctx.fillStyle = theme.hover;
      ctx.fillRect(x0, top, x1 - x0, FUSE.height);
      ctx.fillStyle = cell.isCoolingDown ? theme.muted : theme.rule;
      ctx.globalAlpha = cell.isReduction ? 1 : 0.55;
      if (cell.isCoolingDown) ctx.fillRect(x0, top + FUSE.height - 3, x1 - x0, 3);
      else {
        const bottom = top + FUSE.height;
        ctx.beginPath();
        ctx.moveTo(x0, bottom);
        ctx.lineTo(x0, bottom - cell.from * FUSE.height);
        ctx.lineTo(x1, bottom - cell.to * FUSE.height);
        ctx.lineTo(x1, bottom);
        ctx.fill();
      }
      ctx.globalAlpha = 1;
    }
  });
}
