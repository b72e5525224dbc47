import type { LRChange, LRReduction, Plateaus, Report } from "../../api/report";
import { formatCount, formatLR, formatNumber, plural } from "../axes/format";

/** What a mark of the chart stands for, in whole sentences. */

export function lrChangeSentence(lrChange: LRChange, late: string | null): string {
  const moved = lrChange.to < lrChange.from ? "fell" : "rose";
  const when =
    lrChange.step_before === lrChange.step - 1
      ? `At step ${formatCount(lrChange.step)}`
      : `Between step ${formatCount(lrChange.step_before)} and step ${formatCount(lrChange.step)}`;
  const what = `${when} the learning rate ${moved} from ${formatLR(lrChange.from)} to ${formatLR(lrChange.to)}`;
  const where = lrChangePosition(lrChange);
  const why = lrChange.late ? ` ${late ?? "It comes one step after a multiple of decay_steps."}` : "";
  return `${what}${where === null ? "" : `: ${where}`}.${why}`;
}

function lrChangePosition(lrChange: LRChange): string | null {
  const { epoch, offset, steps_in_epoch: steps, nearest_boundary: nearest } = lrChange;
  if (epoch === null || offset === null || steps === null || nearest === null) return null;
  if (offset === 0) return `exactly at the start of epoch ${formatCount(epoch)}`;
  const into = `${formatCount(offset)} of ${plural(steps, "step")} into epoch ${formatCount(epoch)}`;
  const part = fractionWords(Math.abs(nearest) / steps);
  return `${into}, ${part} of an epoch ${nearest < 0 ? "before its end" : "after its start"}`;
}

/** A part of one in words: a quarter, a third, 0.12. */
export function fractionWords(part: number): string {
  const words = [
    [1 / 4, "a quarter"],
    [1 / 2, "half"],
    [1 / 3, "a third"],
  ] as const;
  const exact = words.find(([value]) => Math.abs(value - part) < 1e-9);
  return exact?.[1] ?? formatNumber(part, 2);
}

/** The label of an LR change: how many steps after the start of its epoch it is. */
export function lrChangeLabel(lrChange: LRChange): string {
  const { offset, steps_in_epoch: steps, step } = lrChange;
  if (offset === null || steps === null) return `step ${formatCount(step)}`;
  return `${offset === 0 ? "" : "+"}${formatCount(offset)}/${formatCount(steps)}`;
}

/** For example "would reduce after epoch 12". */
export function reductionLabel(reduction: LRReduction, unit: Plateaus["unit"]): string {
  const verb = reduction.kind === "would" ? "would reduce" : "reduced";
  return `${verb} ${whenOf(reduction, unit)}`;
}

/** For a list of reductions, for example "after epoch 12, also in the run". */
export function reductionItem(reduction: LRReduction, unit: Plateaus["unit"]): string {
  const owner = { would: "", both: ", also in the run", did: ", run only" }[reduction.kind];
  return `${whenOf(reduction, unit)}${owner}`;
}

export function reductionSentence(reduction: LRReduction, report: Report): string {
  const { rule, unit, diverges_at: diverges } = report.plateaus;
  const when = whenOf(reduction, unit);
  const stalled =
    reduction.best_step === null
      ? ""
      : `${rule.monitor} was best ${unit === "epoch" && reduction.best_epoch !== null ? `in epoch ${formatCount(reduction.best_epoch)}` : `at step ${formatCount(reduction.best_step)}`} and did not improve by more than ${formatNumber(rule.min_delta)} after that. `;
  const patience = `a patience of ${plural(rule.patience, unit)}`;
  const ruled = `from ${formatLR(reduction.lr_from)} to ${formatLR(reduction.lr_to)}`;
  const moved = `from ${formatLR(reduction.did_from)} to ${formatLR(reduction.did_to)}`;
  const own = `The run's ReduceLROnPlateau reduced the learning rate ${when} ${moved}`;
  switch (reduction.kind) {
    case "would": {
      const unchanged = reduction.step === report.last_step ? "ended there" : "did not change it there";
      const record = reduction.did_to === null ? unchanged : `changed it ${moved} there`;
      const parts =
        diverges?.step === reduction.step
          ? " From here on the rule would have changed the training, so later reductions are only indicative."
          : "";
      return `${stalled}ReduceLROnPlateau with ${patience} would reduce the learning rate ${ruled} ${when}; the run ${record}.${parts}`;
    }
    case "both":
      return `${stalled}${own}${ruled === moved ? "" : `; this rule would reduce it ${ruled}`}.`;
    case "did":
      return `${own}; this rule would not reduce it here.`;
    default:
      return reduction.kind satisfies never;
  }
}

function whenOf({ epoch, step }: LRReduction, unit: Plateaus["unit"]): string {
  return unit === "epoch" && epoch !== null
    ? `after epoch ${formatCount(epoch)}`
    : `after step ${formatCount(step)}`;
}

/** What the rule counted at an index of its columns. */
export function waitSentence(plateaus: Plateaus, index: number, isReduction: boolean): string {
  const { rule, unit } = plateaus;
  const epoch = plateaus.epoch[index] ?? null;
  const when =
    unit === "epoch" && epoch !== null
      ? `After epoch ${formatCount(epoch)}`
      : `At step ${formatCount(plateaus.step[index] as number)}`;
  const best = plateaus.best[index] ?? null;
  const value = `${rule.monitor} ${formatNumber(plateaus.value[index] ?? null)}, best ${formatNumber(best)}`;
  if (isReduction) return `${when} the patience of ${formatCount(rule.patience)} is used up (${value}).`;
  if (plateaus.in_cooldown[index]) return `${when} the rule is in cooldown and does not count (${value}).`;
  const wait = plateaus.wait[index] as number;
  if (wait === 0) return `${when} the wait is 0: ${value}.`;
  return `${when} the rule has waited ${formatCount(wait)} of ${formatCount(Math.max(1, rule.patience))} (${value}).`;
}

/** From where on the rule would have changed the training. */
export function divergesSentence({ diverges_at: diverges, reductions, unit }: Plateaus): string {
  if (diverges !== null) {
    const where =
      unit === "epoch" && diverges.epoch !== null
        ? `epoch ${formatCount(diverges.epoch)}`
        : `step ${formatCount(diverges.step)}`;
    return `After ${where} the rule would have changed the training, so later reductions are only indicative.`;
  }
  if (reductions.length === 0)
    return "With these settings the rule would not reduce the learning rate in this run.";
  return reductions.some((reduction) => reduction.did_to !== null)
    ? "Wherever this rule would reduce the learning rate, the run set the same value."
    : "The run ended at this reduction.";
}
