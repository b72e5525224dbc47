/** The answer of the route report, as http_api.md describes it. Non-finite numbers are numbers here. */
import type { Severity, Value } from "./types";

export type { Severity };

const SETTING_KINDS = {
  monitor: "text",
  factor: "number",
  patience: "number",
  mode: "text",
  min_delta: "number",
  cooldown: "number",
  min_lr: "number",
  version: "text",
} as const;

/** A setting of ReduceLROnPlateau; `version` is the Keras whose rule applies. */
export type Setting = keyof typeof SETTING_KINDS;

export const SETTINGS = Object.keys(SETTING_KINDS) as readonly Setting[];

/** Settings as the user wrote them; one that is absent is the run's own. */
export type RuleTexts = Readonly<Partial<Record<Setting, string>>>;

export type PlateauRule = {
  readonly [S in Setting]: (typeof SETTING_KINDS)[S] extends "number" ? number : string;
};

export interface LRChange {
  readonly step: number;
  readonly step_before: number;
  readonly from: number;
  readonly to: number;
  /** Position of its epoch on the epoch axis. */
  readonly epoch: number | null;
  readonly offset: number | null;
  readonly steps_in_epoch: number | null;
  readonly epoch_position: number | null;
  readonly nearest_boundary: number | null;
  readonly on_boundary: boolean;
  readonly late: boolean;
}

/** The rule by which the learning rate changes. */
export interface Shape {
  readonly kind: string;
  readonly unit: "step" | "epoch";
  /** How many of them lie between two changes. */
  readonly every: number;
}

export interface LearningRate {
  /** Null where its changes follow no one rule. */
  readonly shape: Shape | null;
  /** All of it in a few words, such as "×0.933 every epoch, from 0.0933 to 0.0001". */
  readonly summary: string;
  /** A notice in a sentence or two, null where there is none. */
  readonly explanation: string | null;
  readonly lr_changes: readonly LRChange[];
  readonly lr_changes_total: number;
  /** Why LR changes came one step late, null where they did not. */
  readonly late: string | null;
}

export interface LRReduction {
  readonly epoch: number | null;
  readonly step: number;
  readonly lr_from: number;
  readonly lr_to: number;
  readonly kind: "would" | "did" | "both";
  readonly first: boolean;
  readonly best_epoch: number | null;
  readonly best_step: number | null;
  readonly did_from: Value;
  readonly did_to: Value;
}

export interface Sensitivity {
  readonly patience: readonly number[];
  readonly min_delta: readonly number[];
  readonly first_reduction: readonly (readonly (number | null)[])[];
}

export interface Plateaus {
  readonly rule: PlateauRule;
  readonly direction: "min" | "max" | null;
  readonly defaults: PlateauRule;
  readonly defaults_from: "run" | "keras";
  /** Whether the run's own ReduceLROnPlateau was at work. */
  readonly applied: boolean;
  readonly metric_names: readonly string[];
  readonly unit: "epoch" | "step";
  readonly problem: string | null;
  readonly step: readonly number[];
  readonly epoch: readonly Value[];
  readonly value: readonly Value[];
  readonly lr: readonly Value[];
  readonly wait: readonly number[];
  readonly best: readonly Value[];
  readonly in_cooldown: readonly boolean[];
  readonly reductions: readonly LRReduction[];
  readonly reductions_total: number;
  readonly diverges_at: { readonly epoch: number | null; readonly step: number } | null;
  readonly sensitivity: Sensitivity | null;
  readonly code: string | null;
}

export interface Planned {
  readonly schedule: string;
  readonly last_step: number;
  readonly step: readonly number[];
  readonly epoch: readonly Value[];
  readonly learning_rate: readonly Value[];
  readonly every_step: boolean;
}

export interface Finding {
  readonly code: string;
  readonly severity: Severity;
  readonly step: number | null;
  readonly last_step: number | null;
  readonly epoch: number | null;
  /** The numbers of the text, by name. */
  readonly numbers: Readonly<Record<string, unknown>>;
  readonly text: string;
  readonly advice: string;
  /** Where that is which this finding explains, and which stands in its text alone. */
  readonly consequences: readonly Consequence[];
}

export interface Consequence {
  readonly code: string;
  readonly step: number | null;
  readonly last_step: number | null;
}

/** One check. */
export interface Check {
  /** The name of what is checked. */
  readonly name: string;
  readonly state: "found" | "in order" | "not checked";
  /** Why it was not checked. */
  readonly reason: string | null;
}

export interface Report {
  readonly run: string;
  readonly version: string;
  readonly first_step: number | null;
  readonly last_step: number | null;
  readonly epochs: {
    readonly position: readonly number[];
    readonly first_step: readonly number[];
    readonly last_step: readonly number[];
  };
  readonly lr: LearningRate;
  readonly plateaus: Plateaus;
  readonly planned: Planned | null;
  readonly findings: readonly Finding[];
  readonly checks: readonly Check[];
}
