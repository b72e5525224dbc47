import type { Fit, Range, Series, Value } from "../../api/types";
import { type Axis, epochSteps, origin, xValues } from "../axes/axis";
import { formatCount } from "../axes/format";
import { interpolate, lowerBound } from "../axes/lookup";

/** One epoch on the x axis. The last of a running fit has not ended: its end is where the run stands. */
export interface EpochSpan {
  readonly epoch: number;
  readonly start: number;
  readonly end: number;
}

/** The position of a step in its epoch; `steps` is null where the epoch has not ended and no length was planned. */
export interface Position {
  readonly epoch: number;
  readonly offset: number;
  readonly steps: number | null;
}

/** The epoch that holds the step and the step's offset in it, null where nothing is known of it. */
export function positionInEpoch(series: Series, step: number): Position | null {
  const { epochs } = series;
  const index = lowerBound(epochs.last_step, step);
  if (index < epochs.epoch.length) {
    const first = epochs.first_step[index] as number;
    if (step < first) return null;
    return { epoch: epochs.epoch[index] as number, offset: step - first, steps: epochSteps(epochs, index) };
  }
  const last = series.extent.step?.[1] ?? -1;
  if (step > last || series.extent.epoch === null) return null;
  const ended = epochs.epoch.length - 1;
  if (ended < 0) {
    const fit = fitAt(series.about.fits, step);
    if (fit === null) return null;
    const first = fit.first_step ?? 0;
    return { epoch: fit.initial_epoch ?? 0, offset: step - first, steps: fit.steps_per_epoch ?? null };
  }
  const start = (epochs.last_step[ended] as number) + 1;
  const planned = fitAt(series.about.fits, step)?.steps_per_epoch ?? epochSteps(epochs, ended);
  return { epoch: (epochs.epoch[ended] as number) + 1, offset: step - start, steps: planned };
}

/** For example "epoch 7 + 41/76". */
export function formatPosition(position: Position): string {
  const steps = position.steps === null ? "?" : formatCount(position.steps);
  return `epoch ${formatCount(position.epoch)} + ${formatCount(position.offset)}/${steps}`;
}

/** The fit of the step: the last one that started at or before it. */
export function fitAt(fits: readonly Fit[], step: number): Fit | null {
  return fits.findLast((fit) => (fit.first_step ?? 0) <= step) ?? fits[0] ?? null;
}

/** The run's epochs as stretches of the axis. */
export function epochSpans(series: Series, axis: Axis): readonly EpochSpan[] {
  const { epochs, extent } = series;
  if (extent.step === null) return [];
  const bounds = epochs.epoch.map((epoch, index) => ({
    epoch,
    first: epochs.first_step[index] as number,
    after: (epochs.last_step[index] as number) + 1,
  }));
  const visible = extent.step[1] + 1;
  const next = bounds.at(-1);
  if (next !== undefined && next.after < visible)
    bounds.push({ epoch: next.epoch + 1, first: next.after, after: visible });
  const position = stepPositions(series, axis);
  const spans: EpochSpan[] = [];
  for (const [index, { epoch, first, after }] of bounds.entries()) {
    const [start, end] = axis === "epoch" ? epochBounds(series, index) : [position(first), position(after)];
    if (start !== null && end !== null && end >= start) spans.push({ epoch, start, end });
  }
  return spans;
}

/** The start and the end of an epoch on the epoch axis; one that has not ended ends where the run stands. */
function epochBounds({ epochs, extent }: Series, index: number): [Value, Value] {
  const position = epochs.position[index];
  if (position !== undefined) return [position, position + 1];
  const last = epochs.position.at(-1);
  return [last === undefined ? null : last + 1, extent.epoch?.[1] ?? null];
}

/** The position of a step that starts an epoch; on a time axis that is when the epoch before it ended. */
function stepPositions(series: Series, axis: Axis): (step: number) => Value {
  if (axis === "step") return (step) => step;
  const zero = origin(series);
  const shift = axis === "relative" ? zero : 0;
  const times = xValues(series.columns, "wall", zero);
  const known = series.columns.step.flatMap((step, index) => {
    const time = times[index] ?? null;
    return time === null ? [] : [[step, time] as const];
  });
  const ends = new Map(
    series.epochs.last_step.map((step, index) => [step + 1, series.epochs.time[index] ?? null] as const),
  );
  return (step) => {
    const time =
      ends.get(step) ??
      interpolate(
        known.map(([s]) => s),
        known.map(([, t]) => t),
        step,
      );
    return time === null ? null : time - shift;
  };
}

/** Which epochs get a hairline and a number, so that `width` pixels hold them: every 1st, 2nd, 5th, 10th … */
export interface EpochRuler {
  readonly lines: readonly number[];
  readonly labels: readonly { readonly at: number; readonly text: string }[];
}

const LINE_SPACE = 22;

export function epochRuler(spans: readonly EpochSpan[], range: Range, width: number): EpochRuler {
  const visible = spans.filter((span) => span.end >= range[0] && span.start <= range[1]);
  if (visible.length === 0) return { lines: [], labels: [] };
  const scale = width / (range[1] - range[0]);
  const total = ((visible.at(-1) as EpochSpan).end - (visible[0] as EpochSpan).start) * scale;
  const spacing = total / visible.length;
  const digits = formatCount((visible.at(-1) as EpochSpan).epoch).length;
  const labelStride = stride(spacing, 14 + 7 * digits);
  const lineStride = stride(spacing, LINE_SPACE);
  const lines = new Set<number>();
  for (const span of visible) {
    if (span.epoch % lineStride === 0) lines.add(span.start);
  }
  // The end of the run is an epoch's end too.
  lines.add((visible.at(-1) as EpochSpan).end);
  const labels = visible
    .filter((span) => span.epoch % labelStride === 0)
    .map((span) => {
      const [start, end] = [Math.max(span.start, range[0]), Math.min(span.end, range[1])];
      return { at: (start + end) / 2, text: formatCount(span.epoch) };
    });
  const isInside = (at: number): boolean => at >= range[0] && at <= range[1];
  return { lines: [...lines].filter(isInside), labels: labels.filter(({ at }) => isInside(at)) };
}

/** The smallest of 1, 2, 5, 10, 20 … with which things that are `each` pixels apart keep `space`. */
function stride(spacing: number, space: number): number {
  for (let power = 1; power < 1e9; power *= 10) {
    for (const factor of [1, 2, 5]) if (spacing * factor * power >= space) return factor * power;
  }
  return 1e9;
}
