import { METHODS, type Method, type RangeTest, type Summary, type Sweep } from "../../api/rangeTest";
import { formatCount, formatNumber, plural } from "../axes/format";
import { finite } from "../axes/lookup";

export const METHOD_NAMES: Readonly<Record<Method, string>> = {
  steepest: "Steepest",
  valley: "Valley",
  slide: "Slide",
  minimum_tenth: "Min ÷ 10",
  divergence: "Divergence",
};

export const METHOD_TEXTS: Readonly<Record<Method, string>> = {
  steepest: "Where the smoothed loss falls fastest.",
  valley: "In the longest drop of the loss, toward its end.",
  slide: "Just before the loss starts to rise.",
  minimum_tenth: "A tenth of the LR with the lowest loss.",
  divergence: "Where the loss starts to rise for good: an upper bound, not an LR to train with.",
};

/** A learning rate as it is shown and copied: a number that Python reads, with three digits. */
export function formatSuggestion(lr: number): string {
  const rounded = Number(lr.toPrecision(3));
  return rounded < 1e-4 ? rounded.toExponential() : String(rounded);
}

/** The lowest and the highest LR of the sweeps of a test, null where they do not differ. */
export function rangeText({ low, high }: Summary): string | null {
  return finite(low) && finite(high) && high > low
    ? `${formatSuggestion(low)} to ${formatSuggestion(high)}`
    : null;
}

/** The same with the distance between them, as a sentence. */
export function spreadText(summary: Summary): string {
  const { spread } = summary;
  const range = rangeText(summary);
  if (range === null) return "";
  const decades = finite(spread)
    ? ` (${formatNumber(spread, 2)} ${spread === 1 ? "decade" : "decades"})`
    : "";
  return `The sweeps suggest ${range}${decades}.`;
}

/** Where and why each sweep of a test ended, in sentences. */
export function endSentences(test: RangeTest): readonly string[] {
  const hasRepeats = test.sweeps.length > 1;
  const planned = test.settings.steps;
  const sentences = test.sweeps.map((sweep, index) => {
    const running = test.state === "running" && index === test.sweeps.length - 1 && sweep.stopped === null;
    return `${hasRepeats ? `Sweep ${formatCount(index + 1)}: ` : ""}${endOf(sweep, planned, running)}`;
  });
  return sentences.length === 0 ? ["No step is recorded yet."] : sentences;
}

function endOf(
  { steps, stopped, stopped_reason: reason }: Sweep,
  planned: number | null,
  running: boolean,
): string {
  const progress =
    planned === null ? plural(steps, "step") : `${formatCount(steps)} of ${plural(planned, "step")}`;
  if (running) return `Running: ${progress} so far.`;
  if (stopped === null) return planned === steps ? `All ${plural(steps, "step")} ran.` : `${progress} ran.`;
  return `Stopped after ${progress}. ${reason ?? `Reason: ${stopped}.`}`;
}

/** The five methods and what is recommended, over several tests: median and extremes of those that found one. */
export interface Overall {
  readonly recommended: Summary;
  readonly suggestions: Readonly<Record<Method, Summary>>;
}

export function overall(tests: readonly RangeTest[]): Overall {
  return {
    recommended: medianOf(tests.map((test) => test.recommended)),
    suggestions: Object.fromEntries(
      METHODS.map((method) => [method, medianOf(tests.map((test) => test.suggestions[method]))]),
    ) as Record<Method, Summary>,
  };
}

/** The geometric median of the learning rates: of an even number the middle of the two in the middle. */
function medianOf(summaries: readonly Summary[]): Summary {
  const lrs = summaries
    .map((summary) => summary.learning_rate)
    .filter((lr): lr is number => finite(lr) && lr > 0)
    .sort((a, b) => a - b);
  const half = lrs.length >> 1;
  const [low, high, upper] = [lrs[0], lrs.at(-1), lrs[half]];
  if (low === undefined || high === undefined || upper === undefined) {
    return { learning_rate: null, low: null, high: null, spread: null, found: 0, reason: "" };
  }
  const lower = lrs.length % 2 === 0 ? (lrs[half - 1] as number) : upper;
  const median = lower === upper ? upper : Math.sqrt(lower * upper);
  const spread = Math.log10(high / low);
  return { learning_rate: median, low, high, spread, found: lrs.length, reason: "" };
}
