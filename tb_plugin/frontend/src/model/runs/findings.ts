import type { Finding, Report, Severity } from "../../api/report";
import type { Range } from "../../api/types";
import { formatCount } from "../axes/format";

/** Titles of the findings that this page knows; of another one the first sentence stands alone. */
const TITLES: ReadonlyMap<string, string> = new Map(
  Object.entries({
    "staircase-off-epoch": "LR changes drift across the epochs",
    "staircase-every-epoch": "The LR changes every epoch",
    "epoch-without-step": "An epoch without an LR change",
    "step-one-late": "LR changes come one step late",
    "keras-log-repeats": "Keras' TensorBoard curve shows one value twice",
    "keras-log-next-epoch": "Keras' TensorBoard curve is shifted by one epoch",
    "drop-one-epoch-early": "LR drops come one epoch early",
    stalled: "The training stalled",
    "drop-would-help": "A further LR drop is due",
    "plateau-answered-late": "The LR reduction on a plateau came late",
    "reduced-while-improving": "The LR was reduced while the metric still improved",
    "rate-at-floor": "The learning rate is at its floor",
    "warm-up": "Warm-up",
    "loss-answered": "The loss reacted to an LR change",
    "learning-rate-not-finite": "The learning rate is not finite",
    "loss-not-finite": "The loss is not finite",
    "metric-not-finite": "A metric is not finite",
    "learning-rate-zero": "The learning rate is 0",
    "learning-rate-too-low": "The learning rate is too low",
    "never-learned": "The training learned nothing",
    "decayed-too-early": "The learning rate decayed too early",
    "progress-lost": "The loss rose again and stayed up",
    "increase-not-recovered": "The loss did not recover from an LR increase",
    "loss-spike": "Loss spike",
    "corrupted-batch": "One batch of every epoch is an outlier",
    "sorted-data": "The data seems to be sorted",
    overfitting: "Overfitting",
    "validation-never-improved": "Validation never improved",
    "recorded-warning": "The training started with a warning",
    "updates-skipped": "Steps were skipped",
    "learning-rate-not-exact": "The learning rate is not exact",
    "loss-not-exact": "The loss is not exact",
  }),
);

export interface FindingText {
  readonly title: string;
  /** What the title does not say already. */
  readonly text: string;
}

export function describeFinding({ code, text, numbers }: Finding): FindingText {
  const isAligned = code === "staircase-off-epoch" && numbers.drift === 0;
  const title = isAligned ? "LR changes are inside the epochs" : TITLES.get(code);
  if (title !== undefined) return { title, text };
  const end = /[.!?](?= |$)/.exec(text)?.index ?? text.length - 1;
  return { title: text.slice(0, end), text: text.slice(end + 1).trim() };
}

export const SEVERITY_WORDS: Readonly<Record<Severity, string>> = {
  error: "Error",
  warning: "Warning",
  info: "Info",
};

export function worst(severities: readonly Severity[]): Severity {
  return severities.includes("error") ? "error" : severities.includes("warning") ? "warning" : "info";
}

/** For example "show · step 95"; null where the finding has no position. */
export function positionLabel({ step, last_step: last }: Finding, report: Report): string | null {
  if (step === null) return null;
  const whole = step === report.first_step && last === report.last_step;
  return whole ? "show · the whole run" : `show · step ${formatCount(step)}`;
}

/** More of the run than this is shown as all of it. */
const NEARLY_ALL = 0.7;

/** The steps to show around a finding: with air on both sides, an epoch at least; null is the whole run. */
export function stepsAround({ step, last_step: last }: Finding, report: Report): Range | null {
  const { first_step: begin, last_step: end, epochs } = report;
  if (step === null || begin === null || end === null) return null;
  const until = Math.max(last ?? step, step) + 1;
  const index = epochs.last_step.findIndex((lastStep) => lastStep >= step);
  const at = index < 0 ? epochs.last_step.length - 1 : index;
  const epoch = (epochs.last_step[at] ?? end) - (epochs.first_step[at] ?? begin) + 1;
  const air = Math.max(Math.ceil((until - step) / 4), Math.min(epoch, Math.ceil((end - begin) / 8)), 4);
  const range: Range = [Math.max(begin, step - air), Math.min(end + 1, until + air)];
  return range[1] - range[0] >= NEARLY_ALL * (end + 1 - begin) ? null : range;
}

/** Identifies a finding among those of its run. */
export function findingKey({ code, step, text }: Finding): string {
  return `${code} ${step} ${text}`;
}

/** The finding is about what ReduceLROnPlateau would do, which the settings beside it answer. */
export function hasWhatIf({ code }: Finding): boolean {
  return /^(plateau-|reduced-|stalled$)/.test(code);
}
