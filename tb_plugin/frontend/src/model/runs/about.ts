import type { Described, Exactness, Factor, Fit, RecordedColumn, RunInfo, Series } from "../../api/types";
import { formatCount, formatDuration, formatNumber, formatTime, plural } from "../axes/format";
import { exactnessOf } from "./exactness";

/** A named value that is recorded of a run. */
export interface Attribute {
  readonly name: string;
  readonly value: string;
  /** Further lines below the value, such as a schedule's settings. */
  readonly more?: readonly string[];
  /** How exact it is. */
  readonly exactness?: Exactness;
}

export function runAttributes(info: RunInfo, series: Series | null): readonly Attribute[] {
  const attributes: Attribute[] = [{ name: "state", value: stateOf(info) }];
  if (info.steps > 0) attributes.push({ name: "steps", value: stepsOf(info) });
  if (info.epochs > 0) attributes.push({ name: "epochs completed", value: formatCount(info.epochs) });
  if (info.start_time !== null) attributes.push({ name: "started", value: formatTime(info.start_time) });
  if (info.start_time !== null && info.last_time !== null) {
    attributes.push({ name: "duration", value: formatDuration(info.last_time - info.start_time) });
  }
  if (series !== null && series.about.fits.length > 1) {
    attributes.push({ name: "fit calls", value: formatCount(series.about.fits.length) });
  }
  return attributes;
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

function stepsOf({ steps, first_step: first, last_step: last, provenance, complete }: RunInfo): string {
  const range = first !== null && last !== null ? `, ${formatCount(first)} to ${formatCount(last)}` : "";
  const whole = provenance === "scalars" ? ", sampled" : complete ? "" : ", some missing";
  return `${formatCount(steps)}${range}${whole}`;
}

/** What one fit was: optimizer, schedule, plan, versions. */
export function fitAttributes(
  fit: Fit,
  updates: Series["about"]["updates"] = new Map(),
): readonly Attribute[] {
  const accumulated = fit.gradient_accumulation_steps ?? 1;
  const attributes: (Attribute | null)[] = [
    (fit.optimizers?.length ?? 0) > 1
      ? text("optimizers", fit.optimizers?.map((entry) => entry.name).join(", "))
      : described("optimizer", fit.optimizer, ["learning_rate", "name"]),
    described("schedule", fit.schedule, ["name"]),
    text("model", fit.model),
    text("batch size", count(fit.batch_size)),
    text("planned epochs", count(fit.epochs)),
    text("first epoch", fit.initial_epoch ? count(fit.initial_epoch) : null),
    text("steps per epoch", count(fit.steps_per_epoch)),
    text("update samples", fit.step_sizes_every ? `every ${plural(fit.step_sizes_every, "step")}` : null),
    text("steps per execution", (fit.steps_per_execution ?? 1) > 1 ? count(fit.steps_per_execution) : null),
    text("updates", (fit.optimizers?.length ?? 0) > 1 ? null : [...updates.values()][0]),
    text("gradient accumulation", accumulated > 1 ? plural(accumulated, "step") : null),
    text("compiled", fit.compiled),
    text("framework", fit.framework),
    text("backend", fit.backend),
    text("recorded by", fit.recorded_by),
    text("end", fit.ended && fit.ended !== "completed" ? fit.ended : null),
  ];
  return attributes.filter((attribute) => attribute !== null);
}

const COLUMNS: readonly (readonly [column: RecordedColumn, name: string])[] = [
  ["learning_rate", "learning rate"],
  ["effective_learning_rate", "effective LR"],
  ["loss", "loss"],
];

/** Where each number of the charts comes from, and how exact it is. */
export function provenanceAttributes(fit: Fit): readonly Attribute[] {
  return COLUMNS.flatMap(([column, name]) => {
    const provenance = fit[`${column}_provenance`];
    if (!provenance && fit.exactness?.[column] === undefined) return [];
    return [{ name, value: provenance ?? "", exactness: exactnessOf(fit, column) }];
  });
}

/** One line for each of several optimizers that train the model. */
export function optimizerAttributes(
  fit: Fit,
  updates: Series["about"]["updates"] = new Map(),
): readonly Attribute[] {
  return (fit.optimizers ?? []).flatMap((entry) => {
    const name = entry.name ?? "";
    const attribute = described(name, entry.optimizer ?? { class_name: "not recorded" }, [
      "learning_rate",
      "name",
    ]);
    const schedule = entry.schedule?.class_name;
    const made = updates.get(name);
    const more = [
      ...(made === undefined ? [] : [`updates: ${made}`]),
      ...(name === fit.main_optimizer ? ["main optimizer: its LR is the LR of the run"] : []),
      ...(entry.variables === undefined ? [] : [`trains ${plural(entry.variables, "variable")}`]),
      ...(schedule === undefined ? [] : [`schedule ${schedule}`]),
      ...(attribute?.more ?? []),
    ];
    return attribute === null ? [] : [{ ...attribute, more }];
  });
}

const ADAM_FAMILY = new Set(["Adam", "AdamW", "Adamax"]);

/** The effective learning rate of the fit is lr times the correction of the moments' bias. */
export function hasBiasCorrection(fit: Fit): boolean {
  if (exactnessOf(fit, "effective_learning_rate") === "unavailable") return false;
  const factors = fit.effective_learning_rate_factors;
  return factors === undefined
    ? ADAM_FAMILY.has(fit.optimizer?.class_name ?? "")
    : factors.some(({ name }) => name === "bias correction");
}

/** What makes the effective learning rate, in its order; empty where that was not recorded. */
export function factorsOf(fit: Fit): readonly Factor[] {
  return fit.effective_learning_rate_factors ?? [];
}

/** For example "schedule · bias correction"; null where the effective learning rate is the learning rate. */
export function productOf(fit: Fit): string | null {
  const names = factorsOf(fit).map(({ name }) => name);
  return names.length < 2 ? null : names.join(" · ");
}

/** What one has to know to read the effective learning rate rightly; null where it is lr itself. */
export function effectiveNote(fit: Fit): string | null {
  if (fit.effective_learning_rate_note) return fit.effective_learning_rate_note;
  if (fit.effective_learning_rate_factors !== undefined || !hasBiasCorrection(fit)) return null;
  const name = fit.optimizer?.class_name;
  return (
    `The effective LR of ${name} is lr · cₜ, where cₜ corrects the bias of the moments, which start at zero. ` +
    "It does not say how far a weight moves: with a constant gradient |\u2060Δw\u2060| = lr at every step, while cₜ of Adam falls to " +
    "0.15 at update 12 and returns to 1."
  );
}

function described(
  name: string,
  value: Described | null | undefined,
  without: readonly string[],
): Attribute | null {
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

function text(name: string, value: string | null | undefined): Attribute | null {
  return value ? { name, value } : null;
}

function count(value: number | null | undefined): string | null {
  return value == null ? null : formatCount(value);
}
