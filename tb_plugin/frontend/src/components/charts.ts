import type uPlot from "uplot";
import { facetsOf } from "../chart/series";
import type { PaneId } from "../model/pane";

/** The living charts by their pane: the exported picture takes their canvases, tests read their data. */
const charts = new Map<PaneId, () => uPlot | null>();

export function registerChart(pane: PaneId, plot: () => uPlot | null): () => void {
  charts.set(pane, plot);
  return () => charts.delete(pane);
}

/** What a chart really holds, as uPlot has it: for tests and for whoever wants to check the picture. */
export interface Inspected {
  readonly scales: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly lines: readonly {
    readonly label: string;
    readonly xs: readonly number[];
    readonly ys: readonly unknown[];
  }[];
}

export function inspectCharts(): Partial<Record<PaneId, Inspected>> {
  const result: Partial<Record<PaneId, Inspected>> = {};
  for (const [pane, find] of charts) {
    const plot = find();
    if (plot === null) continue;
    const scales = Object.entries(plot.scales).map(
      ([name, { min, max }]) => [name, [min ?? 0, max ?? 0]] as const,
    );
    const lines = plot.series.slice(1).map((series, index) => {
      const [xs, ys] = facetsOf(plot, index + 1);
      return { label: String(series.label), xs, ys };
    });
    result[pane] = { scales: Object.fromEntries(scales), lines };
  }
  return result;
}

export function chartCanvases(): Partial<Record<PaneId, HTMLCanvasElement>> {
  const canvases: Partial<Record<PaneId, HTMLCanvasElement>> = {};
  for (const [pane, plot] of charts) {
    const canvas = plot()?.ctx.canvas;
    if (canvas !== undefined) canvases[pane] = canvas;
  }
  return canvases;
}
