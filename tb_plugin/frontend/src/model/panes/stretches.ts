import type { Value } from "../../api/types";

/** Steps without a finite value, one after another. */
export interface Stretch {
  readonly start: number;
  readonly end: number;
  readonly what: "NaN" | "+∞" | "−∞" | "NaN, ∞";
}

/** Where a column is not finite, as stretches of x. A value that is absent (null) is not one of them. */
export function nonFiniteStretches(xs: readonly Value[], values: readonly Value[]): readonly Stretch[] {
  const stretches: Stretch[] = [];
  let open: { start: number; end: number; what: Stretch["what"] } | null = null;
  for (const [index, value] of values.entries()) {
    const x = xs[index] ?? null;
    if (x === null) continue;
    if (value === null || Number.isFinite(value)) {
      if (open !== null) stretches.push(open);
      open = null;
      continue;
    }
    const what = Number.isNaN(value) ? "NaN" : value > 0 ? "+∞" : "−∞";
    if (open === null) open = { start: x, end: x, what };
    else open = { start: open.start, end: x, what: open.what === what ? what : "NaN, ∞" };
  }
  if (open !== null) stretches.push(open);
  return stretches;
}
