import uPlot from "uplot";
import { lowerBound } from "../model/axes/lookup";
import type { Line } from "../model/panes/pane";
import type { Theme } from "../theme/tokens";

/** Rows that are at least this many pixels apart get a point each. */
const POINT_SPACE = 9;

const STEPPED = uPlot.paths.stepped?.({ align: 1 });
const LINEAR = uPlot.paths.linear?.();

/** A line as uPlot draws it. */
export function seriesOf(line: Line, theme: Theme): uPlot.Series {
  const base: uPlot.Series = {
    label: line.label,
    stroke: line.color,
    width: line.width,
    alpha: line.alpha,
    ...(line.dash === undefined ? {} : { dash: [...line.dash] }),
    facets: [
      { scale: "x", auto: false, sorted: 1 },
      { scale: line.side === "left" ? "y" : "right", auto: false },
    ],
  };
  const linear = { ...base, ...(LINEAR && { paths: LINEAR }) };
  switch (line.drawn) {
    case "steps":
      return {
        ...base,
        ...(STEPPED && { paths: STEPPED }),
        points: { filter: isolated, size: 5, fill: line.color },
      };
    case "line": {
      const filter = line.kind === "loss" ? roomy : isolated;
      return { ...linear, points: { filter, size: 5, fill: line.color } };
    }
    case "points":
      return {
        ...linear,
        points: { filter: roomy, size: 8, width: 1, fill: line.color, stroke: theme.card },
      };
    default:
      return line.drawn satisfies never;
  }
}

/** uPlot insists on a series; this one draws nothing. */
export function emptySeries(): uPlot.Series {
  return { show: true, paths: () => null, points: { show: false } };
}

/** The rows that are seen where they are far enough apart for points, else those that no line would show. */
function roomy(plot: uPlot, series: number): number[] | null {
  const [xs] = facetsOf(plot, series);
  const { min = 0, max = 1 } = plot.scales.x ?? {};
  const [first, after] = [lowerBound(xs, min), lowerBound(xs, max)];
  const space = plot.bbox.width / devicePixelRatio / Math.max(1, after - first);
  if (space < POINT_SPACE) return isolated(plot, series);
  const last = Math.min(after + 1, xs.length);
  return Array.from({ length: last - first }, (_none, index) => first + index);
}

/** Values that have no neighbor to be joined with: a line would not show them. */
function isolated(plot: uPlot, series: number): number[] | null {
  const [, values] = facetsOf(plot, series);
  const isolated = values.flatMap((value, index) => {
    const joined = (values[index - 1] ?? null) !== null || (values[index + 1] ?? null) !== null;
    return value === null || joined ? [] : [index];
  });
  return isolated.length === 0 ? null : isolated;
}

type Facets = readonly [xs: readonly number[], values: readonly (number | null)[]];

export function facetsOf(plot: uPlot, series: number): Facets {
  return plot.data[series] as unknown as Facets;
}
