/** Answers of the server, built for tests. */
import type { Fit, RunInfo, Samples, Series, Value } from "../src/api/types";

interface Built {
  readonly steps?: readonly number[];
  readonly lastStep?: number;
  readonly stepsPerEpoch?: number;
  readonly ended?: number;
  readonly lr?: (step: number) => Value;
  readonly loss?: (step: number) => Value;
  readonly metrics?: Readonly<Record<string, readonly Value[]>>;
  readonly hasEveryStep?: boolean;
  readonly provenance?: "lrmon" | "scalars";
  readonly fits?: readonly Fit[];
  readonly lrs?: Readonly<Record<string, (step: number) => Value>>;
  readonly skipped?: readonly number[];
  readonly samples?: Samples;
}

export const START = 1_700_000_000;
export const SECONDS_A_STEP = 0.5;

/** A run of `lastStep + 1` steps in epochs of `stepsPerEpoch`, of which `ended` ended. */
export function series(built: Built = {}): Series {
  const { stepsPerEpoch = 10, ended = 2 } = built;
  const lastStep = built.lastStep ?? stepsPerEpoch * ended - 1;
  const step = built.steps ?? Array.from({ length: lastStep + 1 }, (_none, index) => index);
  const lr = step.map(built.lr ?? (() => 0.1));
  const loss = step.map(built.loss ?? ((at) => 1 / (at + 1)));
  const epoch = Array.from({ length: ended }, (_none, index) => index);
  return {
    run: "run",
    version: "1",
    steps: built.hasEveryStep === false ? lastStep + 1 : step.length,
    points: step.length,
    every_step: built.hasEveryStep ?? true,
    complete: true,
    columns: {
      step,
      epoch: step.map((at) => at / stepsPerEpoch),
      time: step.map((at) => START + at * SECONDS_A_STEP),
      learning_rate: lr,
      effective_learning_rate: lr,
      loss,
      loss_smoothed: loss,
    },
    updates: new Map(),
    learning_rates: new Map(Object.entries(built.lrs ?? {}).map(([name, lr]) => [name, step.map(lr)])),
    skipped: { step: built.skipped ?? [], total: built.skipped?.length ?? 0 },
    samples: built.samples ?? null,
    epochs: {
      epoch,
      position: epoch,
      first_step: epoch.map((index) => index * stepsPerEpoch),
      last_step: epoch.map((index) => (index + 1) * stepsPerEpoch - 1),
      time: epoch.map((index) => START + ((index + 1) * stepsPerEpoch - 0.5) * SECONDS_A_STEP),
      metrics: new Map(Object.entries(built.metrics ?? {})),
    },
    extent: {
      step: [0, lastStep],
      epoch: [0, (lastStep + 1) / stepsPerEpoch],
      time: [START, START + lastStep * SECONDS_A_STEP],
    },
    about: {
      provenance: built.provenance ?? "lrmon",
      state: "completed",
      updates: new Map(),
      fits: built.fits ?? [],
    },
    notices: [],
  };
}

export function info(changes: Partial<RunInfo> = {}): RunInfo {
  return {
    kind: "training",
    provenance: "lrmon",
    steps: 20,
    first_step: 0,
    last_step: 19,
    epochs: 2,
    complete: true,
    state: "completed",
    start_time: START,
    last_time: START + 9.5,
    optimizer: "Adam",
    schedule: null,
    metric_names: [],
    sparkline: [],
    findings: 0,
    severity: null,
    notices: [],
    ...changes,
  };
}

/** A list of runs with these names. */
export function runsOf(runs: Readonly<Record<string, RunInfo>>): ReadonlyMap<string, RunInfo> {
  return new Map(Object.entries(runs));
}

/** What the server sends for a value of the page: a map is an object there. */
export function sentAs(value: unknown): unknown {
  return JSON.parse(
    JSON.stringify(value, (_key, member: unknown) =>
      member instanceof Map ? Object.fromEntries(member) : member,
    ),
  );
}
