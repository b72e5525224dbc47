import uPlot from "uplot";
import type { Range } from "../api/types";
import { formatNumber } from "../model/axes/format";
import { yTicks } from "../model/axes/scale";
import { numberLabels } from "../model/axes/ticks";
import { EMPTY_LAYOUT, type Layout } from "../model/marks/layout";
import type { Line, YAxis } from "../model/panes/pane";
import { drawAreas } from "./areas";
import { drawAbove, drawBelow } from "./decorations";
import { FONT } from "./font";
import { drawMarks, drawMarksBelow, FUSE_ROOM, layoutOf } from "./marks";
import { emptySeries, seriesOf } from "./series";
import { drawSweepAbove, drawSweepBelow } from "./sweep";
import { type ChartView, xTicksOf } from "./view";

/** Pixels beside and above the plot, the same in every pane: their x axes stand exactly below each other. */
const LEFT = 74;
const RIGHT = 18;
const RIGHT_AXIS = 56;
const RULER = 22;
const X_AXIS = 26;
const LEAST = { width: 120, height: 60 };

/** One pane: uPlot for scales, axes and paths; what is behind and above the lines is drawn by decorations.ts. */
export interface Chart {
  readonly plot: () => uPlot | null;
  /** Where markers, labels and bands were drawn, in pixels of the plot. */
  readonly layout: () => Layout;
  readonly lines: () => readonly Line[];
  update(view: ChartView): void;
  resize(width: number, height: number): void;
  destroy(): void;
}

type Data = uPlot.AlignedData;

/** What is drawn beside the lines. */
interface Hooks {
  below(plot: uPlot): void;
  above(plot: uPlot): void;
}

export function createChart(host: HTMLElement, onDraw: (plot: uPlot) => void): Chart {
  let plot: uPlot | null = null;
  let view: ChartView | null = null;
  let structure = "";
  let size = { width: 0, height: 0 };
  let layout = EMPTY_LAYOUT;

  const hooks: Hooks = {
    below(self) {
      const current = view as ChartView;
      layout = layoutOf(self, current);
      drawAreas(self, current);
      drawMarksBelow(self, current, layout);
      drawSweepBelow(self, current, layout);
      drawBelow(self, current);
    },
    above(self) {
      const current = view as ChartView;
      drawMarks(self, current, layout);
      drawSweepAbove(self, current, layout);
      drawAbove(self, current);
      onDraw(self);
    },
  };

  const build = (): void => {
    if (view === null || size.width === 0) return;
    const options = optionsOf(() => view as ChartView, size, hooks);
    const before = plot;
    plot = new uPlot(options, dataOf(view), host);
    before?.destroy();
  };

  return {
    plot: () => plot,
    layout: () => layout,
    lines: () => view?.lines ?? [],
    update(next) {
      view = next;
      const key = structureOf(next);
      if (plot === null || key !== structure) {
        structure = key;
        build();
        return;
      }
      const current = plot;
      current.batch(() => {
        current.setData(dataOf(next), false);
        // Setting the x scale, changed or not, makes uPlot draw all paths anew.
        for (const [scale, range] of scaleRanges(next))
          current.setScale(scale, { min: range[0], max: range[1] });
      });
    },
    resize(width, height) {
      // A hidden tab has no size: the chart waits for it to come back.
      const hidden = width < LEAST.width || height < LEAST.height;
      if (hidden || (width === size.width && height === size.height)) return;
      size = { width, height };
      if (plot === null) build();
      else plot.setSize(size);
    },
    destroy() {
      plot?.destroy();
      plot = null;
    },
  };
}

/** What cannot change in a living uPlot: the kinds of its scales and lines. */
function structureOf(view: ChartView): string {
  const lines = view.lines.map((line) => [
    line.run,
    line.kind,
    line.label,
    line.drawn,
    line.side,
    line.color,
    line.width,
    line.alpha,
    line.dash,
  ]);
  return JSON.stringify([
    view.axis,
    view.left.kind,
    view.right !== null,
    view.hasRightAxis,
    view.theme.name,
    hasFuse(view),
    lines,
  ]);
}

/** The strip of the wait is below the last pane. */
function hasFuse(view: ChartView): boolean {
  return view.hasXLabels && view.marks !== null && view.marks.fuse.length > 0;
}

function scaleRanges(view: ChartView): [scale: string, range: Range][] {
  const ranges: [string, Range][] = [
    ["x", view.range],
    ["y", view.left.range],
  ];
  if (view.right !== null) ranges.push(["right", view.right.range]);
  return ranges;
}

/** uPlot's second mode: each series has its own x and y. It insists on one series, so an empty one stands in. */
function dataOf(view: ChartView): Data {
  const facets = view.lines.length === 0 ? [[[], []]] : view.lines.map((line) => [line.xs, line.ys]);
  return [null, ...facets] as unknown as Data;
}

function optionsOf(
  view: () => ChartView,
  size: { width: number; height: number },
  hooks: Hooks,
): uPlot.Options {
  const { theme, lines, left, right, hasRightAxis } = view();
  const axisStyle = {
    stroke: theme.muted,
    font: FONT,
    ticks: { show: false },
    grid: { show: true, stroke: theme.grid, width: 1 },
  };
  const yAxis = (side: 1 | 3, scale: string, read: () => YAxis | null): uPlot.Axis => ({
    ...axisStyle,
    side,
    scale,
    size: side === 3 ? LEFT : RIGHT_AXIS,
    gap: 8,
    grid: side === 3 ? axisStyle.grid : { show: false },
    splits: (self) => {
      const axis = read();
      return axis === null
        ? []
        : yTicks(axis.range, axis.kind, self.bbox.height / devicePixelRatio, axis.values);
    },
    filter: (_self, splits) => splits,
    values: (_self, splits) => labelsOf(splits, read()?.kind ?? "linear"),
  });
  const axes: uPlot.Axis[] = [
    {
      ...axisStyle,
      side: 2,
      scale: "x",
      size: view().hasXLabels ? X_AXIS + (hasFuse(view()) ? FUSE_ROOM : 0) : 8,
      gap: 8,
      grid: { show: false },
      splits: (self) => xTicksOf(self, view()).map((tick) => tick.at),
      // Their labels are drawn with the decorations, which keep them inside of the picture.
      values: (_self, splits) => splits.map(() => ""),
    },
    yAxis(3, "y", () => view().left),
  ];
  if (right !== null) axes.push(yAxis(1, "right", () => view().right));
  return {
    ...size,
    mode: 2,
    pxAlign: 0,
    padding: [view().hasRuler ? RULER : 10, right !== null ? 0 : hasRightAxis ? RIGHT_AXIS : RIGHT, 0, 0],
    legend: { show: false },
    cursor: { show: false },
    scales: {
      x: { time: false, auto: false, range: () => [...view().range] as [number, number] },
      y: {
        distr: left.kind === "log" ? 3 : 1,
        auto: false,
        range: () => [...view().left.range] as [number, number],
      },
      ...(right === null
        ? {}
        : { right: { auto: false, range: () => [...(view().right?.range ?? [0, 1])] as [number, number] } }),
    },
    axes,
    series: [{}, ...(lines.length === 0 ? [emptySeries()] : lines.map((line) => seriesOf(line, theme)))],
    hooks: {
      drawClear: [hooks.below],
      draw: [hooks.above],
    },
  };
}

function labelsOf(splits: readonly number[], kind: YAxis["kind"]): string[] {
  // On a log axis the ticks differ by factors: each is as short as it can be by itself.
  return kind === "log" && splits.length > 1
    ? splits.map((value) => formatNumber(value, 4))
    : numberLabels(splits);
}
