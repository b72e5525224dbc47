import type { Samples, Series, Value } from "../../api/types";
import type { Axis } from "../axes/axis";
import { finite, lowerBound } from "../axes/lookup";
import { positionsOf } from "../marks/positions";
import type { Area, Line } from "./pane";

/** What one update did to the weights, for a tooltip. */
export interface SampleReading {
  readonly step: number;
  /** Quantiles of the step sizes by their part: 0.5 is the median. */
  readonly sizes: ReadonlyMap<number, Value>;
  readonly layers: ReadonlyMap<string, Value>;
}

/** The sample nearest to the step, null where there is none. */
export function sampleAt(samples: Samples | null, step: number): SampleReading | null {
  if (samples === null || samples.step.length === 0) return null;
  const after = lowerBound(samples.step, step);
  const [before, behind] = [samples.step[after - 1], samples.step[after]];
  const index =
    behind === undefined || (before !== undefined && step - before < behind - step) ? after - 1 : after;
  return {
    step: samples.step[index] as number,
    sizes: new Map(
      samples.quantiles.map(
        (part, positionOf) => [part, samples.step_size?.[positionOf]?.[index] ?? null] as const,
      ),
    ),
    layers: new Map(
      [...samples.update_to_weight].map(([layer, values]) => [layer, values[index] ?? null] as const),
    ),
  };
}

/** Whether anything is known of the distribution of the step sizes. */
export function hasStepSizes(samples: Samples | null): boolean {
  return samples?.step_size?.some((column) => column.some(finite)) ?? false;
}

/** The step sizes of single weights: pale from the lowest to the highest quantile, stronger within, a median line. */
export function sampleBands(
  series: Series,
  axis: Axis,
  color: string,
): { areas: Area[]; median: Line | null } {
  const onAxis = samplesOnAxis(series, axis);
  const columns = onAxis?.samples.step_size ?? [];
  if (onAxis === null) return { areas: [], median: null };
  const { xs } = onAxis;
  const areas: Area[] = [];
  for (let low = 0, high = columns.length - 1; low < high; low += 1, high -= 1) {
    areas.push({
      color,
      alpha: low === 0 ? 0.13 : 0.2,
      xs,
      low: onAxis.column(columns[low] ?? []),
      high: onAxis.column(columns[high] ?? []),
    });
  }
  const middle = columns.length % 2 === 0 ? undefined : columns[columns.length >> 1];
  const median: Line | null =
    middle === undefined
      ? null
      : {
          run: series.run,
          kind: "step_size",
          label: "median step size",
          drawn: "line",
          side: "left",
          color,
          alpha: 0.9,
          width: 1.25,
          xs,
          ys: onAxis.column(middle),
        };
  return { areas, median };
}

/** The samples that have a position on the axis. */
export interface SamplesOnAxis {
  readonly samples: Samples;
  readonly xs: readonly number[];
  /** Their values of a column, what is not finite as a gap. */
  readonly column: (values: readonly Value[]) => readonly Value[];
}

export function samplesOnAxis(series: Series, axis: Axis): SamplesOnAxis | null {
  const { samples } = series;
  if (samples === null) return null;
  const positionOf = positionsOf(series, axis);
  const rows = samples.step.flatMap((step, row) => {
    const x = positionOf(step);
    return x === null ? [] : [{ x, row }];
  });
  return {
    samples,
    xs: rows.map(({ x }) => x),
    column: (values) => rows.map(({ row }) => finiteOrGap(values[row])),
  };
}

function finiteOrGap(value: Value | undefined): Value {
  return finite(value) ? value : null;
}
