import { formatRate } from "../axes/format";
import { finite } from "../axes/lookup";
import { correctsBias, factorsOf } from "../runs/about";
import type { DrawnRun } from "./pane";
import { hasStepSizes } from "./samples";

/** What makes an effective learning rate that tells no more than the learning rate itself and its optimizer do. */
const PLAIN_FACTORS: ReadonlySet<string> = new Set(["schedule", "learning rate", "bias correction"]);

/**
 * The learning rate of each run, where none of them ever changes and the chart of them would be a straight line; null
 * where there is something to see. The correction of Adam's bias alone is none: it is the same in every run.
 */
export function constantRates(runs: readonly DrawnRun[]): readonly number[] | null {
  const rates = runs.map(constantRate);
  return rates.length > 0 && rates.every((rate) => rate !== null) ? rates : null;
}

function constantRate({ overview }: DrawnRun): number | null {
  const { learning_rate: rates, effective_learning_rate: effective } = overview.columns;
  const [rate] = rates;
  if (!finite(rate) || rates.some((one) => one !== rate)) return null;
  if (overview.learning_rates.size > 1 || overview.skipped.total > 0 || hasStepSizes(overview.samples))
    return null;
  const plain = overview.about.fits.every(
    (fit) => correctsBias(fit) && factorsOf(fit).every(({ name }) => PLAIN_FACTORS.has(name)),
  );
  const same = effective.every((one) => one === rate || !finite(one));
  return same || (plain && overview.about.fits.length > 0) ? rate : null;
}

/** For example "learning rate 0.1, constant"; of several runs the lowest and the highest. */
export function constantText(rates: readonly number[]): string {
  const [low, high] = [Math.min(...rates), Math.max(...rates)];
  if (low === high) return `learning rate ${formatRate(low)}, constant`;
  return `LR ${formatRate(low)} to ${formatRate(high)}, each constant`;
}
