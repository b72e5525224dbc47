/** The answer of the route range_test, as http_api.md describes it. Non-finite numbers are numbers here. */
import type { About, RunState, Value } from "./types";

export const METHODS = ["steepest", "valley", "slide", "minimum_tenth", "divergence"] as const;

/** A way to read a learning rate off a sweep. */
export type Method = (typeof METHODS)[number];

/** What one sweep suggests; the learning rate is null where the method finds none. */
export interface Suggestion {
  readonly learning_rate: number | null;
  readonly reason: string;
}

/** What all sweeps of a test suggest together: the median, and between which it lies. */
export interface Summary extends Suggestion {
  readonly low: number | null;
  readonly high: number | null;
  /** Decades from `low` to `high`. */
  readonly spread: number | null;
  /** In how many sweeps one was found. */
  readonly found: number;
}

export interface Caution {
  readonly code: string;
  readonly text: string;
}

export interface SweepColumns {
  readonly step: readonly number[];
  readonly learning_rate: readonly Value[];
  readonly loss: readonly Value[];
  readonly loss_smoothed: readonly Value[];
  /** Loss per decade of the learning rate. */
  readonly slope: readonly Value[];
}

export interface Sweep {
  readonly repeat: number;
  readonly steps: number;
  readonly every_step: boolean;
  readonly stopped: string | null;
  readonly stopped_reason: string | null;
  readonly smoothing: number | null;
  readonly columns: SweepColumns;
}

export interface Settings {
  readonly start_lr: number | null;
  readonly end_lr: number | null;
  readonly steps: number | null;
  readonly growth: string | null;
  readonly stop_factor: number | null;
  readonly smoothing: number | null;
  readonly repeats: number | null;
}

/** Where the learning rates of a training lie in the test. */
export interface Trained {
  readonly run: string;
  readonly low: number | null;
  readonly high: number | null;
  readonly median: number | null;
  readonly text: string;
}

export interface RangeTest {
  readonly run: string;
  readonly version: string;
  readonly state: RunState;
  readonly complete: boolean;
  readonly settings: Settings;
  readonly optimizer: string | null;
  readonly sweeps: readonly Sweep[];
  readonly suggestions: Readonly<Record<Method, Summary>>;
  readonly recommended: Summary;
  readonly cautions: readonly Caution[];
  readonly training: Trained | null;
  /** A sentence about a finder of the user, null for one of lrmon. */
  readonly recognized: string | null;
  readonly about: About;
  readonly notices: readonly string[];
}
