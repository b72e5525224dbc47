import type { Range, Series } from "../../api/types";
import { type Axis, origin, xValues } from "../axes/axis";
import { formatCount, plural } from "../axes/format";

/** How much of what was recorded of a run is in the picture. */
export interface Coverage {
  readonly drawn: number;
  readonly steps: number;
  readonly hasEveryStep: boolean;
  /** Steps are missing from what TensorBoard has: it keeps a random sample of scalars, or records were lost. */
  readonly missing: "sampled" | "lost" | null;
}

/** The coverage of a range of the axis by an answer of the server that holds it; null is the whole run. */
export function coverageOf(answer: Series, axis: Axis, range: Range | null): Coverage {
  const drawn = range === null ? answer.columns.step.length : rowsInside(answer, axis, range);
  const steps = answer.every_step ? drawn : Math.max(answer.steps, drawn);
  const missing = answer.complete ? null : answer.about.provenance === "scalars" ? "sampled" : "lost";
  return { drawn, steps, hasEveryStep: answer.every_step, missing };
}

function rowsInside(answer: Series, axis: Axis, [start, end]: Range): number {
  const xs = xValues(answer.columns, axis, origin(answer));
  return xs.filter((x) => x !== null && x >= start && x <= end).length;
}

/** While the answer on what is seen is still awaited. */
export const LOADING_COVERAGE = "loading every step…";

/** For example "all 1,216 steps" or "900 of 1,000,000 steps, extremes kept". */
export function formatCoverage(parts: readonly (Coverage | null)[]): string {
  if (!parts.every((part) => part !== null)) return LOADING_COVERAGE;
  const steps = parts.reduce((sum, part) => sum + part.steps, 0);
  const drawn = parts.reduce((sum, part) => sum + part.drawn, 0);
  if (steps === 0) return "no steps here";
  if (parts.some((part) => part.missing === "sampled")) return `${plural(drawn, "step")}, a random sample`;
  const missing = parts.some((part) => part.missing === "lost");
  if (!parts.every((part) => part.hasEveryStep)) {
    return `${formatCount(drawn)} of ${plural(steps, "step")}, extremes kept${missing ? ", some missing" : ""}`;
  }
  if (missing) return `${plural(steps, "step")}, some missing`;
  return steps === 1 ? "1 step" : `all ${plural(steps, "step")}`;
}
