import type { Described, Fit, RunInfo, Series } from "../api/types";
import { formatCount, formatDuration, formatNumber, formatTime, plural } from "./format";

/** What is recorded of a run, as named facts for reading. */
export interface Fact {
  readonly name: string;
  readonly value: string;
  /** Further lines below the value, such as a schedule's settings. */
  readonly more?: readonly string[];
}

export function runFacts(info: RunInfo, series: Series | null): readonly Fact[] {
  const facts: Fact[] = [{ name: "state", value: stateOf(info) }];
  if (info.steps > 0) facts.push({ name: "steps", value: stepsOf(info) });
  if (info.epochs > 0) facts.push({ name: "epochs ended", value: formatCount(info.epochs) });
  if (info.start_time !== null) facts.push({ name: "began", value: formatTime(info.start_time) });
  if (info.start_time !== null && info.last_time !== null) {
    facts.push({ name: "lasted", value: formatDuration(info.last_time - info.start_time) });
  }
  if (series !== null && series.about.fits.length > 1) {
    facts.push({ name: "calls of fit", value: formatCount(series.about.fits.length) });
  }
  return facts;
}

function stateOf({ state }: RunInfo): string {
  switch (state) {
    case "running":
      return "running";
    case "completed":
      return "completed";
    case "stopped":
      return "stopped by a callback";
    case "interrupted":
      return "interrupted";
    case null:
      return "not recorded";
    default:
      return state satisfies never;
  }
}

function stepsOf({ steps, first_step: first, last_step: last, source, complete }: RunInfo): string {
  const range = first !== null && last !== null ? `, ${formatCount(first)} to ${formatCount(last)}` : "";
  const whole = source === "scalars" ? ", sampled" : complete ? "" : ", some missing";
  return `${formatCount(steps)}${range}${whole}`;
}

/** What one fit was: optimizer, schedule, plan, versions. */
export function fitFacts(fit: Fit): readonly Fact[] {
  const accumulated = fit.gradient_accumulation_steps ?? 1;
  const facts: (Fact | null)[] = [
    described("optimizer", fit.optimizer, ["learning_rate", "name"]),
    described("schedule", fit.schedule, ["name"]),
    text("model", fit.model),
    text("batch size", count(fit.batch_size)),
    text("epochs planned", count(fit.epochs)),
    text("first epoch", fit.initial_epoch ? count(fit.initial_epoch) : null),
    text("steps an epoch", count(fit.steps_per_epoch)),
    text("steps per execution", (fit.steps_per_execution ?? 1) > 1 ? count(fit.steps_per_execution) : null),
    text("gradient accumulation", accumulated > 1 ? plural(accumulated, "step") : null),
    text("compiled", fit.compiled),
    text("framework", fit.framework),
    text("backend", fit.backend),
    text("recorded by", fit.recorded_by),
    text("ended", fit.ended && fit.ended !== "completed" ? fit.ended : null),
  ];
  return facts.filter((fact) => fact !== null);
}

/** Where each number of the charts comes from. */
export function sourceFacts(fit: Fit): readonly Fact[] {
  return [
    text("learning rate", fit.learning_rate_source),
    text("effective LR", fit.effective_learning_rate_source),
    text("loss", fit.loss_source),
  ].filter((fact) => fact !== null);
}

const ADAM_FAMILY = new Set(["Adam", "AdamW", "Adamax"]);

/** The effective learning rate of the fit's optimizer is lr times the correction of its moments' bias. */
export function correctsBias(fit: Fit): boolean {
  return ADAM_FAMILY.has(fit.optimizer?.class_name ?? "");
}

/** What the effective learning rate means for the fit's optimizer; null where it is lr itself. */
export function effectiveNote(fit: Fit): string | null {
  if (!correctsBias(fit)) return null;
  const name = fit.optimizer?.class_name;
  return (
    `The effective LR of ${name} is lr · c_t, where c_t corrects the bias of the moments, which start at zero. ` +
    "It is not how far a weight moves: with a constant gradient |\u2060Δw\u2060| = lr at every step, while c_t of Adam falls to " +
    "0.15 at update 12 and returns to 1."
  );
}

function described(
  name: string,
  value: Described | null | undefined,
  without: readonly string[],
): Fact | null {
  if (value?.class_name === undefined) return null;
  const config = value.config ?? {};
  const idle = config.use_ema === true ? [] : ["ema_momentum"];
  const more = Object.entries(config)
    .filter(([key, setting]) => ![...without, ...idle].includes(key) && setting !== null && setting !== false)
    .map(([key, setting]) => `${key} = ${settingText(setting)}`);
  return { name, value: value.class_name, more };
}

function settingText(value: unknown): string {
  if (typeof value === "number")
    return Number.isInteger(value) && Math.abs(value) < 1e6 ? String(value) : formatNumber(value, 7);
  if (Array.isArray(value)) return `[${value.map(settingText).join(", ")}]`;
  if (typeof value === "object" && value !== null) {
    const inner = value as Described;
    return inner.class_name ?? JSON.stringify(value);
  }
  return String(value);
}

function text(name: string, value: string | null | undefined): Fact | null {
  return value ? { name, value } : null;
}

function count(value: number | null | undefined): string | null {
  return value == null ? null : formatCount(value);
}
