import type { Chart } from "../chart/chart";
import type { PicturePart } from "../chart/picture";
import { facetsOf } from "../chart/series";
import { chartSvg } from "../chart/svg";
import type { Layout } from "../model/marks/layout";
import type { PaneId } from "../model/panes/pane";

/** The living charts by their pane: the exported picture draws them once more, tests read their data. */
const charts = new Map<PaneId, Drawn>();

type Drawn = Pick<Chart, "plot" | "layout" | "lines">;

export function registerChart(pane: PaneId, chart: Drawn): () => void {
  charts.set(pane, chart);
  return () => charts.delete(pane);
}

/** What a chart really holds, as uPlot has it: for tests and for whoever wants to check the picture. */
export interface Inspected {
  readonly scales: Readonly<Record<string, readonly [min: number, max: number]>>;
  readonly lines: readonly {
    /** Its kind, and its name where there are several of it: `learning_rate/body`. */
    readonly key: string;
    readonly xs: readonly number[];
    readonly ys: readonly unknown[];
  }[];
  /** Where markers, labels and bands lie, in pixels of the plot. */
  readonly layout: Layout;
}

export function inspectCharts(): Partial<Record<PaneId, Inspected>> {
  const result: Partial<Record<PaneId, Inspected>> = {};
  for (const [pane, chart] of charts) {
    const plot = chart.plot();
    if (plot === null) continue;
    const scales = Object.entries(plot.scales).map(
      ([name, { min, max }]) => [name, [min ?? 0, max ?? 0]] as const,
    );
    const keys = chart.lines().map(({ kind, name }) => (name === undefined ? kind : `${kind}/${name}`));
    const lines = keys.map((key, index) => {
      const [xs, ys] = facetsOf(plot, index + 1);
      return { key, xs, ys };
    });
    result[pane] = { scales: Object.fromEntries(scales), lines, layout: chart.layout() };
  }
  return result;
}

/** A chart as the content of an SVG element; null where it is not drawn. */
export function drawnChart(pane: PaneId): Omit<PicturePart, "legend"> | null {
  const plot = charts.get(pane)?.plot() ?? null;
  if (plot === null) return null;
  return { svg: chartSvg(plot, pane), width: plot.width, height: plot.height };
}
