import type { Range, Value } from "../../api/types";
import { finite } from "./lookup";
import { linearTicks, logTicks } from "./ticks";

export type ScaleKind = "linear" | "log";
/** What the user chose; `auto` follows the data. */
export type ScaleChoice = ScaleKind | "auto";

export interface Span {
  readonly min: number;
  readonly max: number;
  /** Smallest value above zero, infinite where there is none. */
  readonly minPositive: number;
  /** How many values are zero or less, which a log scale cannot show. */
  readonly notPositive: number;
}

/** Smallest and largest finite value, null where there is none. */
export function span(columns: Iterable<readonly Value[]>): Span | null {
  let [min, max, minPositive, notPositive] = [Infinity, -Infinity, Infinity, 0];
  for (const values of columns) {
    for (const value of values) {
      if (!finite(value)) continue;
      if (value < min) min = value;
      if (value > max) max = value;
      if (value <= 0) notPositive += 1;
      else if (value < minPositive) minPositive = value;
    }
  }
  return min > max ? null : { min, max, minPositive, notPositive };
}

/** Logarithmic where the positive values span more than a decade; negative values make it linear. */
export function autoScale(values: Span | null): ScaleKind {
  if (values === null || values.min < 0 || values.max <= 0) return "linear";
  return values.max / values.minPositive > 10 ? "log" : "linear";
}

/** The range of a y axis that shows the values with a little air; a constant lies in its middle. */
export function yRange(values: Span | null, kind: ScaleKind): Range {
  if (values === null) return kind === "log" ? [0.1, 1] : [0, 1];
  if (kind === "log") {
    if (values.max <= 0) return [0.1, 1];
    const [low, high] = [Math.log10(values.minPositive), Math.log10(values.max)];
    const air = high - low < 1e-6 ? 0.3 : Math.max(0.06 * (high - low), 0.02);
    return [10 ** (low - air), 10 ** (high + air)];
  }
  const { min, max } = values;
  if (max - min <= 1e-7 * Math.max(Math.abs(min), Math.abs(max))) {
    const half = max === 0 ? 1 : Math.abs(max) * 0.5;
    return [min - half, max + half];
  }
  const air = 0.06 * (max - min);
  // Zero is a natural floor for values that stay above it and come near.
  return [min >= 0 && min < 0.2 * max ? 0 : min - air, max + air];
}

/** Ticks of a y axis of `height` pixels. A constant gets one tick: its own value. */
export function yTicks(range: Range, kind: ScaleKind, height: number, values: Span | null): number[] {
  const most = Math.max(2, Math.floor(height / 42));
  if (
    values !== null &&
    values.max - values.min <= 1e-7 * Math.max(Math.abs(values.max), Math.abs(values.min))
  ) {
    return values.max >= range[0] && values.max <= range[1] ? [shortest(values.max)] : [];
  }
  return kind === "log" ? logTicks(range, most) : linearTicks(range, most);
}

/** The value as its decimal was before it was rounded to float32: 0.1 for 0.10000000149. */
function shortest(value: number): number {
  for (let digits = 1; digits < 7; digits += 1) {
    const short = Number(value.toPrecision(digits));
    if (Math.fround(short) === Math.fround(value)) return short;
  }
  return Number(value.toPrecision(6));
}
