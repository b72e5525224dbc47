import type { Series, Value } from "../../api/types";
import { type Axis, origin, xValues } from "../axes/axis";
import { lowerBound, nearestIndex } from "../axes/lookup";
import { type Position, positionInEpoch } from "../marks/epochs";
import type { DrawnRun, Line, LineKind, PaneView, YAxis } from "./pane";
import { type SampleReading, sampleAt } from "./samples";
import { isSkipped } from "./skipped";

/** All that is recorded at one step of one run, for the tooltip. */
export interface Reading {
  readonly run: string;
  readonly x: number;
  readonly step: number;
  readonly learning_rate: Value;
  readonly effective_learning_rate: Value;
  readonly loss: Value;
  readonly loss_smoothed: Value;
  readonly position: Position | null;
  readonly time: Value;
  /** Seconds since the run's first step. */
  readonly relative: Value;
  /** Of the epoch that holds the step; null where it has not ended or has no such metric. */
  readonly metrics: ReadonlyMap<string, Value>;
  /** The learning rate of each of several optimizers. */
  readonly lrs: readonly (readonly [optimizer: string, lr: Value])[];
  /** Of the optimizers that did not make one update in this step, how many they made. */
  readonly updates: readonly (readonly [optimizer: string, updates: number])[];
  /** The update was not made, the learning rate was not used. */
  readonly skipped: boolean;
  /** The nearest of the samples of what an update does to the weights. */
  readonly sample: SampleReading | null;
}

/** The step nearest to x, null where the run has none on this axis. Every number of it belongs to one step. */
export function readingAt(run: DrawnRun, axis: Axis, x: number): Reading | null {
  const { shown } = run;
  const zero = origin(shown);
  const xs = xValues(shown.columns, axis, zero);
  const row = nearestIndex(xs, x);
  return row === null ? null : readingOf(run, row, xs[row] as number);
}

function readingOf({ name, shown, overview }: DrawnRun, row: number, x: number): Reading {
  const { columns } = shown;
  const step = columns.step[row] as number;
  const position = positionInEpoch(shown, step);
  const time = columns.time[row] ?? null;
  return {
    run: name,
    x,
    step,
    learning_rate: columns.learning_rate[row] ?? null,
    effective_learning_rate: columns.effective_learning_rate[row] ?? null,
    loss: columns.loss[row] ?? null,
    loss_smoothed: columns.loss_smoothed[row] ?? null,
    position,
    time,
    relative: time === null ? null : time - origin(shown),
    metrics: position === null ? new Map() : epochMetrics(overview, position.epoch),
    lrs: [...shown.learning_rates].map(([name, lrs]) => [name, lrs[row] ?? null] as const),
    updates: [...shown.updates].flatMap(([name, made]) => {
      const count = made[row];
      return count == null || count === 1 ? [] : [[name, count] as const];
    }),
    skipped: isSkipped(shown, step),
    sample: sampleAt(shown.samples, step),
  };
}

function epochMetrics(series: Series, epoch: number): ReadonlyMap<string, Value> {
  const index = series.epochs.epoch.lastIndexOf(epoch);
  const entries = [...series.epochs.metrics].map(([name, values]) => [name, values[index] ?? null] as const);
  return new Map(index < 0 ? [] : entries);
}

/** The x of the row `by` rows after the one nearest to `x`; stops at the ends of what is shown. */
export function stepCursor(series: Series, axis: Axis, x: number, by: number): number | null {
  const xs = xValues(series.columns, axis, origin(series)).filter((value) => value !== null);
  const row = nearestIndex(xs, x);
  return row === null ? null : (xs[Math.min(Math.max(row + by, 0), xs.length - 1)] ?? null);
}

/** Where a line has a value at a reading, as a part of the pane's height from below. */
export interface Dot {
  readonly line: Line;
  readonly x: number;
  readonly y: number;
}

/** Lines that have a value at each row, or at each sample. */
const RECORDED: ReadonlySet<LineKind> = new Set<LineKind>([
  "learning_rate",
  "effective_learning_rate",
  "loss",
  "loss_smoothed",
  "step_size",
  "layer",
  "sweep_loss",
  "sweep_smoothed",
  "slope",
]);

const LEARNING_RATES: ReadonlySet<LineKind> = new Set<LineKind>(["learning_rate", "effective_learning_rate"]);

/** Where a cursor reads a run; at a step whose update was skipped no learning rate was used. */
export interface CursorReading {
  readonly run: string;
  readonly x: number;
  readonly skipped?: boolean;
}

/** The values of the pane's lines at the readings; epoch metrics have points of their own. */
export function dotsAt(pane: PaneView, readings: readonly CursorReading[]): readonly Dot[] {
  const dots: Dot[] = [];
  for (const { run, x, skipped } of readings) {
    for (const line of pane.lines) {
      if (line.run !== run || !RECORDED.has(line.kind)) continue;
      if (skipped === true && LEARNING_RATES.has(line.kind)) continue;
      // The pale layers are a background.
      if (line.kind === "layer" && line.alpha < 1) continue;
      const index = lowerBound(line.xs, x);
      const value = line.xs[index] === x ? (line.ys[index] ?? null) : null;
      if (value !== null)
        dots.push({ line, x, y: heightOf(value, line.side === "left" ? pane.left : pane.right) });
    }
  }
  return dots;
}

/** The height of a value on an axis as a part of the pane's height from below; not finite where it has none. */
export function heightOf(value: number, axis: YAxis | null): number {
  if (axis === null) return 0;
  const position = (v: number): number => (axis.kind === "log" ? Math.log10(v) : v);
  const [low, high] = [position(axis.range[0]), position(axis.range[1])];
  return (position(value) - low) / (high - low);
}

/** The dot nearest in height to the pointer, null where the keyboard moved the cursor. */
export function nearestDot(dots: readonly Dot[], y: number | null): Dot | null {
  if (y === null) return null;
  let nearest: Dot | null = null;
  for (const dot of dots) {
    if (nearest === null || Math.abs(dot.y - y) < Math.abs(nearest.y - y)) nearest = dot;
  }
  return nearest;
}
