/** The answers of lrmon's routes, as http_api.md describes them. Non-finite numbers are numbers here. */

/** Columns by names that users give: a map, since a run, a metric or a layer may be called `__proto__`. */
export type Columned = ReadonlyMap<string, readonly Value[]>;

/** A recorded value; null where there is no such value. May be NaN or infinite. */
export type Value = number | null;

/** Of a finding. */
export type Severity = "error" | "warning" | "info";

export type RunState = "running" | "completed" | "stopped" | "interrupted" | null;

export interface RunInfo {
  readonly kind: "training" | "range_test";
  readonly provenance: "lrmon" | "scalars";
  readonly steps: number;
  readonly first_step: number | null;
  readonly last_step: number | null;
  readonly epochs: number;
  readonly complete: boolean;
  readonly state: RunState;
  readonly start_time: number | null;
  readonly last_time: number | null;
  readonly optimizer: string | null;
  readonly schedule: string | null;
  readonly metric_names: readonly string[];
  readonly sparkline: readonly Value[];
  readonly findings: number;
  /** Of its worst finding, null where it has none. */
  readonly severity: Severity | null;
  readonly notices: readonly string[];
}

export interface Runs {
  readonly version: string;
  readonly notices: readonly string[];
  readonly runs: ReadonlyMap<string, RunInfo>;
}

export interface Columns {
  readonly step: readonly number[];
  readonly epoch: readonly Value[];
  readonly time: readonly Value[];
  readonly learning_rate: readonly Value[];
  readonly effective_learning_rate: readonly Value[];
  readonly loss: readonly Value[];
  readonly loss_smoothed: readonly Value[];
}

/** Every epoch that ended, in order. */
export interface Epochs {
  readonly epoch: readonly number[];
  /** Where each begins on the epoch axis: its number, unless numbers went back. */
  readonly position: readonly number[];
  readonly first_step: readonly number[];
  readonly last_step: readonly number[];
  readonly time: readonly Value[];
  readonly metrics: Columned;
}

export type Range = readonly [start: number, end: number];

export interface Extent {
  readonly step: Range | null;
  readonly epoch: Range | null;
  readonly time: Range | null;
}

/** What Keras serializes of an optimizer or a schedule. */
export interface Described {
  readonly class_name?: string;
  readonly config?: Readonly<Record<string, unknown>>;
}

/** How exact a column is; one that is not named is exact. */
export type Exactness = "exact" | "bounded" | "unavailable";

/** The columns whose provenance and exactness are recorded. */
export type RecordedColumn = "learning_rate" | "effective_learning_rate" | "loss";

/** One thing that makes the effective learning rate. */
export interface Factor {
  readonly name: string;
  readonly formula: string;
}

/** One of several optimizers that train one model. */
export interface OptimizerInfo {
  readonly name?: string;
  readonly optimizer?: Described | null;
  readonly schedule?: Described | null;
  readonly variables?: number;
}

export interface Fit {
  readonly fit?: number;
  readonly kind?: string;
  readonly start_time?: number;
  readonly first_step?: number;
  readonly last_step?: number | null;
  readonly end_time?: number | null;
  readonly ended?: string | null;
  readonly recorded_by?: string;
  readonly framework?: string | null;
  readonly backend?: string | null;
  readonly model?: string | null;
  readonly optimizer?: Described | null;
  readonly schedule?: Described | null;
  readonly batch_size?: number | null;
  readonly epochs?: number | null;
  readonly initial_epoch?: number | null;
  readonly steps_per_epoch?: number | null;
  readonly steps_per_execution?: number | null;
  readonly gradient_accumulation_steps?: number | null;
  readonly compiled?: string | null;
  readonly learning_rate_provenance?: string;
  readonly effective_learning_rate_provenance?: string;
  readonly loss_provenance?: string;
  readonly exactness?: Readonly<Record<string, string>>;
  readonly effective_learning_rate_factors?: readonly Factor[];
  readonly effective_learning_rate_note?: string | null;
  readonly optimizers?: readonly OptimizerInfo[];
  readonly main_optimizer?: string | null;
  readonly step_sizes_every?: number | null;
  readonly warnings?: readonly string[];
}

export interface About {
  readonly provenance: "lrmon" | "scalars";
  readonly state: RunState;
  /** By optimizer, how many updates it made, in words; empty where all made one in each step. */
  readonly updates: ReadonlyMap<string, string>;
  readonly fits: readonly Fit[];
}

/** Steps whose update was not made; of very many only the first are named. */
export interface Skipped {
  readonly step: readonly number[];
  readonly total: number;
}

/** What single updates did to the weights, a sample each so many steps. */
export interface Samples {
  readonly step: readonly number[];
  readonly quantiles: readonly number[];
  /** A column for each of the quantiles; null where the optimizer's rule is not known. */
  readonly step_size: readonly (readonly Value[])[] | null;
  /** By layer. */
  readonly update_to_weight: Columned;
  readonly sampled: number | null;
  readonly parameters: number | null;
  readonly every: number | null;
  /** How many lie in the range; of very many an even selection is here. */
  readonly total: number;
}

export interface Series {
  readonly run: string;
  readonly version: string;
  readonly steps: number;
  readonly points: number;
  readonly every_step: boolean;
  readonly complete: boolean;
  readonly columns: Columns;
  /** Of each of several optimizers, aligned with the columns; empty where there is one. */
  readonly learning_rates: Columned;
  /** How many updates each optimizer made, aligned with the columns; empty where all made one in each step. */
  readonly updates: Columned;
  readonly skipped: Skipped;
  readonly samples: Samples | null;
  readonly epochs: Epochs;
  readonly extent: Extent;
  readonly about: About;
  readonly notices: readonly string[];
}

export type ServerAxis = "step" | "epoch" | "time";

export interface SeriesQuery {
  readonly run: string;
  readonly x: ServerAxis;
  /** Null asks for the whole run. */
  readonly range: Range | null;
  readonly width: number;
  readonly smoothing: number;
}
