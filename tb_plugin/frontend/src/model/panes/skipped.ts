import type { Series, Value } from "../../api/types";
import { finite, lowerBound } from "../axes/lookup";
import { points } from "./lines";

export const SKIPPED = "skipped step (loss scaling)";

/** Whether the optimizer made no update at the step. */
export function isSkipped({ skipped }: Series, step: number): boolean {
  return skipped.step[lowerBound(skipped.step, step)] === step;
}

/**
 * The learning rates as updates used them: each holds until the next step, and there is a gap at a step whose update
 * was not made. Of a thinned curve such a step stays where the row after it is not the next step: the gap would be
 * wider than what was skipped.
 */
export function usedLRs(
  series: Series,
  xs: readonly Value[],
  lrs: readonly Value[],
  held: number | null,
): { xs: readonly number[]; ys: readonly Value[] } {
  const line = points(xs, lrs, held);
  if (series.skipped.step.length === 0) return line;
  const used = { xs: [] as number[], ys: [] as Value[] };
  const steps = series.columns.step.filter((_step, row) => finite(xs[row]));
  for (const [row, x] of line.xs.entries()) {
    const step = steps[row] ?? Number.NaN;
    const gap = (steps[row + 1] ?? step + 1) === step + 1 && isSkipped(series, step);
    if (gap && used.ys.at(-1) != null) {
      // What was used before holds until here.
      used.xs.push(x);
      used.ys.push(used.ys.at(-1) ?? null);
    }
    used.xs.push(x);
    used.ys.push(gap || (Number.isNaN(step) && used.ys.at(-1) === null) ? null : (line.ys[row] ?? null));
  }
  return used;
}
