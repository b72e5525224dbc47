import type { Columns, Epochs, Range, Series, ServerAxis, Value } from "../../api/types";
import { interpolate } from "./lookup";

/** What the x axis counts. */
export type Axis = "step" | "epoch" | "relative" | "wall";

/** What a chart's x axis counts; of a range test the logarithm (base 10) of the learning rate. */
export type ChartAxis = Axis | "learning_rate";

export const AXES: readonly Axis[] = ["step", "epoch", "relative", "wall"];

export function serverAxis(axis: Axis): ServerAxis {
  switch (axis) {
    case "step":
    case "epoch":
      return axis;
    case "relative":
    case "wall":
      return "time";
    default:
      return axis satisfies never;
  }
}

/** The run's zero of relative time: when its first step was recorded. */
export function origin(series: Series): number {
  return series.extent.time?.[0] ?? 0;
}

/** The position of each step on the axis; null where it has none. */
export function xValues(columns: Columns, axis: Axis, zero: number): readonly Value[] {
  switch (axis) {
    case "step":
      return columns.step;
    case "epoch":
      return columns.epoch;
    case "wall":
      return columns.time;
    case "relative":
      return columns.time.map((time) => (time === null ? null : time - zero));
    default:
      return axis satisfies never;
  }
}

/** The position of each epoch's end: at its last step, on a time axis at the moment when it ended. */
export function epochEnds(series: Series, axis: Axis): readonly Value[] {
  const { epochs } = series;
  switch (axis) {
    case "step":
      return epochs.last_step;
    case "epoch":
      return epochs.position.map((position, index) => {
        const steps = epochSteps(epochs, index);
        return steps > 0 ? position + (steps - 1) / steps : position;
      });
    case "wall":
      return epochs.time;
    case "relative":
      return epochs.time.map((time) => (time === null ? null : time - origin(series)));
    default:
      return axis satisfies never;
  }
}

export function epochSteps(epochs: Epochs, index: number): number {
  return (epochs.last_step[index] ?? 0) - (epochs.first_step[index] ?? 0) + 1;
}

/** The part of the axis that the run covers, null where it has no position on it. A step lasts until the next. */
export function runRange(series: Series, axis: Axis): Range | null {
  const extent = series.extent[serverAxis(axis)];
  if (extent === null) return null;
  switch (axis) {
    case "step":
      return [extent[0], extent[1] + 1];
    case "epoch":
    case "wall":
      return extent;
    case "relative":
      return [0, extent[1] - extent[0]];
    default:
      return axis satisfies never;
  }
}

/** The part of the axis that shows all of the runs; never empty. */
export function fullRange(series: readonly Series[], axis: Axis): Range {
  const ranges = series.map((run) => runRange(run, axis)).filter((range) => range !== null);
  if (ranges.length === 0) return [0, 1];
  const start = Math.min(...ranges.map((range) => range[0]));
  const end = Math.max(...ranges.map((range) => range[1]));
  return end > start ? [start, end] : [start - 0.5, end + 0.5];
}

/** What the server is asked for when `range` of the axis is seen. Steps are whole. */
export function serverRange(range: Range, axis: Axis, zero: number): Range {
  switch (axis) {
    case "step":
      return [Math.floor(range[0]), Math.ceil(range[1])];
    case "epoch":
    case "wall":
      return range;
    case "relative":
      return [range[0] + zero, range[1] + zero];
    default:
      return axis satisfies never;
  }
}

/** The same stretch of a run on another axis; null where the run has no data for it. */
export function convertRange(range: Range, from: Axis, to: Axis, series: Series): Range | null {
  const zero = origin(series);
  const before = xValues(series.columns, from, zero);
  const after = xValues(series.columns, to, zero);
  const xs: number[] = [];
  const ys: number[] = [];
  for (const [index, x] of before.entries()) {
    const y = after[index] ?? null;
    if (x !== null && y !== null && x > (xs.at(-1) ?? Number.NEGATIVE_INFINITY)) {
      xs.push(x);
      ys.push(y);
    }
  }
  // The last step lasts until the run's end.
  const [lastX, lastY] = [runRange(series, from)?.[1] ?? null, runRange(series, to)?.[1] ?? null];
  if (lastX !== null && lastY !== null && lastX > (xs.at(-1) ?? lastX)) {
    xs.push(lastX);
    ys.push(lastY);
  }
  const start = interpolate(xs, ys, range[0]);
  const end = interpolate(xs, ys, range[1]);
  if (start === null || end === null || !(end > start)) return null;
  return to === "step" ? wholeSteps([start, end]) : [start, end];
}

/** The range in whole steps, so that what is seen is exactly what the server was asked for. */
export function wholeSteps(range: Range): Range {
  const start = Math.floor(range[0]);
  return [start, Math.max(Math.ceil(range[1]), start + 1)];
}
