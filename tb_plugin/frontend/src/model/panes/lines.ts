import type { Range, Series, Value } from "../../api/types";
import { type Axis, origin, runRange, xValues } from "../axes/axis";
import { finite, lowerBound } from "../axes/lookup";
import { type ScaleKind, type Span, span, yRange } from "../axes/scale";
import { type EpochSpan, epochSpans } from "../marks/epochs";
import { positionsOf } from "../marks/positions";
import type { Area, DrawnRun, Line, PaneInput, RunStretch, YAxis } from "./pane";
import { nonFiniteStretches } from "./stretches";

/** The left axis of the lines: as the user zoomed it, else as the values in view need it. */
export function leftAxis(
  input: Pick<PaneInput, "range" | "zoom">,
  kind: ScaleKind,
  lines: readonly Line[],
  areas: readonly Area[] = [],
): YAxis & { readonly isCut: boolean } {
  const left = lines.filter((line) => line.side === "left");
  const bounds = areas.flatMap(({ xs, low, high }) =>
    [low, high].map((ys) => ({ drawn: "line" as const, xs, ys })),
  );
  const values = span([...left, ...bounds].map((line) => visible(line, input.range)));
  const zoom = input.zoom !== null && (kind === "linear" || input.zoom[0] > 0) ? input.zoom : null;
  if (zoom !== null) return { kind, range: zoom, values, isCut: false };
  const shown = kind === "log" ? lifted(values, left, input.range) : values;
  return { kind, range: yRange(shown, kind), values, isCut: shown !== values };
}

/** Of fewer batches each one counts. */
const MANY_BATCHES = 500;

/**
 * The span without the lowest hundredth of the single batches, where a smoothed line shows what is typical: on a
 * logarithmic axis one batch with a loss near zero would take most of the room.
 */
function lifted(values: Span | null, lines: readonly Line[], range: Range): Span | null {
  const single = lines.filter((line) => line.kind === "loss");
  const typical = lines.filter((line) => line.kind !== "loss");
  if (values === null || !typical.some((line) => line.kind === "loss_smoothed")) return values;
  const sorted = single
    .flatMap((line) => visible(line, range).filter((value) => finite(value) && value > 0))
    .sort((a, b) => (a as number) - (b as number));
  if (sorted.length < MANY_BATCHES) return values;
  const low = sorted[Math.floor(sorted.length / 100)] ?? null;
  const floor = span([...typical.map((line) => visible(line, range)), [low]]);
  if (floor === null || floor.minPositive <= values.minPositive * 1.5) return values;
  return { ...values, minPositive: floor.minPositive };
}

/** The values that are seen in the range; of steps also the one that holds where it starts. */
export function visible(line: Pick<Line, "drawn" | "xs" | "ys">, [start, end]: Range): readonly Value[] {
  const first = lowerBound(line.xs, start);
  const after = lowerBound(line.xs, end + Number.EPSILON * Math.abs(end));
  const from = line.drawn === "steps" || first === after ? Math.max(0, first - 1) : first;
  const to = first === after ? after + 1 : line.xs[after] === end ? after + 1 : after;
  return line.ys.slice(from, to);
}

/** The steps that have a position on the axis, what is not finite as a gap; a last point where the last value ends. */
export function points(
  xs: readonly Value[],
  values: readonly Value[],
  held: number | null,
): { xs: number[]; ys: Value[] } {
  const line = { xs: [] as number[], ys: [] as Value[] };
  for (const [index, x] of xs.entries()) {
    if (!finite(x)) continue;
    const value = values[index];
    line.xs.push(x);
    line.ys.push(finite(value) ? value : null);
  }
  const last = line.xs.at(-1);
  if (held !== null && last !== undefined && held > last) {
    line.xs.push(held);
    line.ys.push(line.ys.at(-1) ?? null);
  }
  return line;
}

/** Where the run's last value ends, null where the series does not reach the run's end. */
export function heldUntil(series: Series, axis: Axis): number | null {
  const end = series.extent.step?.[1];
  return end !== undefined && series.columns.step.at(-1) === end
    ? (runRange(series, axis)?.[1] ?? null)
    : null;
}

export function spansOf(runs: readonly DrawnRun[], axis: Axis): readonly EpochSpan[] {
  const first = runs[0];
  return first === undefined ? [] : epochSpans(first.overview, axis);
}

export function stretchesOf(
  { name, shown }: DrawnRun,
  axis: Axis,
  column: "learning_rate" | "loss",
): RunStretch[] {
  const xs = xValues(shown.columns, axis, origin(shown));
  return nonFiniteStretches(xs, shown.columns[column]).map((stretch) => ({ ...stretch, run: name, column }));
}

/** Where on the axis no update was made. */
export function skippedPositions(runs: readonly DrawnRun[], axis: Axis): readonly number[] {
  return runs.flatMap(({ shown }) => {
    const positionOf = positionsOf(shown, axis);
    return shown.skipped.step.map(positionOf).filter(finite);
  });
}
