import { formatLR } from "../axes/format";
import { finite } from "../axes/lookup";
import { factorsOf, hasBiasCorrection } from "../runs/about";
import type { DrawnRun } from "./pane";
import { hasStepSizes } from "./samples";

/** What makes an effective learning rate that adds nothing to the learning rate itself and its optimizer do. */
const PLAIN_FACTORS: ReadonlySet<string> = new Set(["schedule", "learning rate", "bias correction"]);

/**
 * The learning rate of each run, where none of them ever changes and the chart of them would be a straight line; null
 * where there is something to see. The correction of Adam's bias alone is none: it is the same in every run.
 */
export function constantLRs(runs: readonly DrawnRun[]): readonly number[] | null {
  const lrs = runs.map(constantLR);
  return lrs.length > 0 && lrs.every((lr) => lr !== null) ? lrs : null;
}

function constantLR({ overview }: DrawnRun): number | null {
  const { learning_rate: lrs, effective_learning_rate: effective } = overview.columns;
  const [lr] = lrs;
  if (!finite(lr) || lrs.some((value) => value !== lr)) return null;
  if (overview.learning_rates.size > 1 || overview.skipped.total > 0 || hasStepSizes(overview.samples))
    return null;
  const plain = overview.about.fits.every(
    (fit) => hasBiasCorrection(fit) && factorsOf(fit).every(({ name }) => PLAIN_FACTORS.has(name)),
  );
  const isSame = effective.every((value) => value === lr || !finite(value));
  return isSame || (plain && overview.about.fits.length > 0) ? lr : null;
}

/** For example "learning rate 0.1, constant"; of several runs the lowest and the highest. */
export function constantText(lrs: readonly number[]): string {
  const [low, high] = [Math.min(...lrs), Math.max(...lrs)];
  if (low === high) return `learning rate ${formatLR(low)}, constant`;
  return `LR ${formatLR(low)} to ${formatLR(high)}, each constant`;
}
