import type { Value } from "../../api/types";

/** Index of the first of the ascending `values` that is at least `x`; their number where there is none. */
export function lowerBound(values: readonly number[], x: number): number {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((values[middle] as number) < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** Index of the value nearest to `x`, the earlier of two equally near; null where there is none. Skips null. */
export function nearestIndex(values: readonly Value[], x: number): number | null {
  let best: number | null = null;
  let distance = Number.POSITIVE_INFINITY;
  for (const [index, value] of values.entries()) {
    if (value === null) continue;
    const away = Math.abs(value - x);
    if (away < distance) {
      best = index;
      distance = away;
    }
  }
  return best;
}

/** The y that belongs to `x` on the line through the points; beyond its ends that of the end. */
export function interpolate(xs: readonly number[], ys: readonly number[], x: number): number | null {
  const last = xs.length - 1;
  if (last < 0) return null;
  const after = lowerBound(xs, x);
  if (after === 0) return ys[0] as number;
  if (after > last) return ys[last] as number;
  const [x0, x1] = [xs[after - 1] as number, xs[after] as number];
  const [y0, y1] = [ys[after - 1] as number, ys[after] as number];
  return y0 + ((x - x0) / (x1 - x0)) * (y1 - y0);
}

export function finite(value: Value | undefined): value is number {
  return typeof value === "number" && Number.isFinite(value);
}
