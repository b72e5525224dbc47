import type { Series, Value } from "../../api/types";
import { type Axis, epochSteps, origin, runRange, xValues } from "../axes/axis";
import { lowerBound } from "../axes/lookup";

/** The position of a step on an axis; null where nothing is known of it. */
export type PositionOf = (step: number) => Value;

/**
 * Positions of steps on the axis. The step after the last lies at the run's end. Steps still to come continue at the
 * length of the last epoch, on a time axis at the run's pace so far.
 */
export function positionsOf(series: Series, axis: Axis): PositionOf {
  if (axis === "step") return (step) => step;
  const steps: number[] = [];
  const xs: number[] = [];
  for (const [index, x] of xValues(series.columns, axis, origin(series)).entries()) {
    if (x === null || x < (xs.at(-1) ?? Number.NEGATIVE_INFINITY)) continue;
    steps.push(series.columns.step[index] as number);
    xs.push(x);
  }
  const [first, last] = [series.extent.step?.[0], series.extent.step?.[1]];
  const end = runRange(series, axis)?.[1] ?? null;
  if (last !== undefined && end !== null && steps.length > 0 && steps.at(-1) === last) {
    steps.push(last + 1);
    xs.push(Math.max(end, xs.at(-1) as number));
  }
  const { epochs } = series;
  return (step) => {
    if (axis === "epoch") {
      const index = lowerBound(epochs.last_step, step);
      const start = epochs.first_step[index];
      const position = epochs.position[index];
      if (start !== undefined && position !== undefined && step >= start) {
        return position + (step - start) / epochSteps(epochs, index);
      }
    }
    const after = lowerBound(steps, step);
    const [x1, s1] = [xs[after], steps[after]];
    if (x1 !== undefined && (s1 === step || after === 0)) return s1 === step ? x1 : null;
    if (x1 === undefined) {
      const length =
        axis === "epoch" && epochs.position.length > 0
          ? 1 / epochSteps(epochs, epochs.position.length - 1)
          : pace(steps, xs);
      const [x, s] = [xs.at(-1), steps.at(-1)];
      return x === undefined || s === undefined || length === null || first === undefined
        ? null
        : x + (step - s) * length;
    }
    const [x0, s0] = [xs[after - 1] as number, steps[after - 1] as number];
    return x0 + ((step - s0) / ((s1 as number) - s0)) * (x1 - x0);
  };
}

function pace(steps: readonly number[], xs: readonly number[]): number | null {
  const [s0, s1, x0, x1] = [steps[0], steps.at(-1), xs[0], xs.at(-1)];
  if (s0 === undefined || s1 === undefined || x0 === undefined || x1 === undefined || s1 <= s0) return null;
  return (x1 - x0) / (s1 - s0);
}
