import type { Range } from "../../api/types";
import type { ScaleKind } from "./scale";

/** The position of x in the range as a part of it, and back. */
export function partOf(x: number, [start, end]: Range): number {
  return (x - start) / (end - start);
}

export function valueAt(part: number, [start, end]: Range): number {
  return start + part * (end - start);
}

/** The range, widened about its middle where it is narrower than `width`. */
export function atLeast(width: number, [start, end]: Range): Range {
  if (end - start >= width) return [start, end];
  const middle = (start + end) / 2;
  return [middle - width / 2, middle + width / 2];
}

/** The range moved so that it is inside the other, which is no shorter. */
export function within([start, end]: Range, [low, high]: Range): Range {
  const by = Math.max(0, low - start) + Math.min(0, high - end);
  return [Math.max(low, start + by), Math.min(high, end + by)];
}

/** The range moved by a part of itself, but not beyond the other. */
export function panned([start, end]: Range, part: number, [low, high]: Range): Range {
  const by = Math.min(Math.max(part * (end - start), low - start), high - end);
  return [start + by, end + by];
}

/** The part of a y axis, linear or logarithmic, as values. */
export function yPart([low, high]: Range, range: Range, kind: ScaleKind): Range {
  if (kind === "linear") return [valueAt(low, range), valueAt(high, range)];
  const logs: Range = [Math.log10(range[0]), Math.log10(range[1])];
  return [10 ** valueAt(low, logs), 10 ** valueAt(high, logs)];
}
