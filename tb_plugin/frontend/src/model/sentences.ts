import type { Edge, Plateaus, Report, Trigger } from "../api/report";
import { formatCount, formatNumber, formatRate, plural } from "./format";

/** What a mark of the chart stands for, in whole sentences. */

export function edgeSentence(edge: Edge, late: string | null): string {
  const moved = edge.to < edge.from ? "fell" : "rose";
  const when =
    edge.step_before === edge.step - 1
      ? `At step ${formatCount(edge.step)}`
      : `Between step ${formatCount(edge.step_before)} and step ${formatCount(edge.step)}`;
  const what = `${when} the learning rate ${moved} from ${formatRate(edge.from)} to ${formatRate(edge.to)}`;
  const where = edgePlace(edge);
  const why = edge.late ? ` ${late ?? "It came one step after its multiple of decay_steps."}` : "";
  return `${what}${where === null ? "" : `: ${where}`}.${why}`;
}

function edgePlace(edge: Edge): string | null {
  const { epoch, offset, steps_in_epoch: steps, nearest_boundary: nearest } = edge;
  if (epoch === null || offset === null || steps === null || nearest === null) return null;
  if (offset === 0) return `exactly where epoch ${formatCount(epoch)} begins`;
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

/** The label of an edge: how many steps into its epoch it lies. */
export function edgeLabel(edge: Edge): string {
  const { offset, steps_in_epoch: steps, step } = edge;
  if (offset === null || steps === null) return `step ${formatCount(step)}`;
  return `${offset === 0 ? "" : "+"}${formatCount(offset)}/${formatCount(steps)}`;
}

/** For example "would reduce after epoch 12". */
export function triggerLabel(trigger: Trigger, unit: Plateaus["unit"]): string {
  const verb = trigger.kind === "would" ? "would reduce" : "reduced";
  return `${verb} ${whenOf(trigger, unit)}`;
}

/** For a list of reductions, for example "after epoch 12, as recorded". */
export function triggerItem(trigger: Trigger, unit: Plateaus["unit"]): string {
  const said = { would: "", both: ", by the run's own", did: ", by the run's own alone" }[trigger.kind];
  return `${whenOf(trigger, unit)}${said}`;
}

export function triggerSentence(trigger: Trigger, report: Report): string {
  const { rule, unit, departs_at: departs } = report.plateaus;
  const when = whenOf(trigger, unit);
  const noun = unit === "epoch" ? "epoch" : "step";
  const stalled =
    trigger.best_step === null
      ? ""
      : `${rule.monitor} had its best value ${unit === "epoch" && trigger.best_epoch !== null ? `in epoch ${formatCount(trigger.best_epoch)}` : `at step ${formatCount(trigger.best_step)}`} and did not get better by more than ${formatNumber(rule.min_delta)} since. `;
  const patience = `patience ${formatCount(rule.patience)} ${noun}${rule.patience === 1 ? "" : "s"}`;
  const ruled = `from ${formatRate(trigger.lr_from)} to ${formatRate(trigger.lr_to)}`;
  const moved = `from ${formatRate(trigger.did_from)} to ${formatRate(trigger.did_to)}`;
  const own = `The run's own ReduceLROnPlateau reduced the learning rate ${when} ${moved}`;
  switch (trigger.kind) {
    case "would": {
      const unchanged =
        trigger.step === report.last_step ? "nothing comes after it" : "it did not change there";
      const record = trigger.did_to === null ? unchanged : `it went ${moved} there`;
      const parts =
        departs?.step === trigger.step
          ? " From here on the recorded curve is not the one that would have been."
          : "";
      return `${stalled}ReduceLROnPlateau with ${patience} would have reduced the learning rate ${ruled} ${when}; in the record ${record}.${parts}`;
    }
    case "both":
      return `${stalled}${own}${ruled === moved ? "" : `; this rule reduces it there ${ruled}`}.`;
    case "did":
      return `${own}; with these settings it would not have.`;
    default:
      return trigger.kind satisfies never;
  }
}

function whenOf({ epoch, step }: Trigger, unit: Plateaus["unit"]): string {
  return unit === "epoch" && epoch !== null
    ? `after epoch ${formatCount(epoch)}`
    : `after step ${formatCount(step)}`;
}

/** What the rule counted at a row of its columns. */
export function waitSentence(plateaus: Plateaus, index: number, fired: boolean): string {
  const { rule, unit } = plateaus;
  const epoch = plateaus.epoch[index] ?? null;
  const place =
    unit === "epoch" && epoch !== null
      ? `After epoch ${formatCount(epoch)}`
      : `At step ${formatCount(plateaus.step[index] as number)}`;
  const best = plateaus.best[index] ?? null;
  const value = `${rule.monitor} ${formatNumber(plateaus.value[index] ?? null)}, best ${formatNumber(best)}`;
  if (fired) return `${place} the patience of ${formatCount(rule.patience)} is used up (${value}).`;
  if (plateaus.in_cooldown[index]) return `${place} the rule cools down and does not count (${value}).`;
  const wait = plateaus.wait[index] as number;
  if (wait === 0) return `${place} the wait is 0: ${value}.`;
  return `${place} the rule has waited ${formatCount(wait)} of ${formatCount(Math.max(1, rule.patience))} (${value}).`;
}

/** Until when the recorded curve can be compared with what the rule would have made of it. */
export function departsSentence({ departs_at: departs, triggers, unit }: Plateaus): string {
  if (departs !== null) {
    const where =
      unit === "epoch" && departs.epoch !== null
        ? `epoch ${formatCount(departs.epoch)}`
        : `step ${formatCount(departs.step)}`;
    return `After ${where} the recorded curve is no longer the one that would have been: with another learning rate the loss would have gone on differently.`;
  }
  if (triggers.length === 0)
    return "With these settings the rule never reduces the learning rate in this run.";
  return triggers.some((trigger) => trigger.did_to !== null)
    ? "Wherever this rule reduces the learning rate, the recorded one changed to the same value."
    : "Nothing is recorded after this reduction.";
}
