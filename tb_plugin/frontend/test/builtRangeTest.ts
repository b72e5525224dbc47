/** Answers of the route range_test, built for tests. */
import { METHODS, type Method, type RangeTest, type Summary, type Sweep } from "../src/api/rangeTest";
import type { Value } from "../src/api/types";

export const NONE: Summary = {
  learning_rate: null,
  low: null,
  high: null,
  spread: null,
  found: 0,
  reason: "none",
};

export function summary(lr: number, changes: Partial<Summary> = {}): Summary {
  return { learning_rate: lr, low: lr, high: lr, spread: 0, found: 1, reason: "why", ...changes };
}

/** One loss for each decade from 1e-4 on. */
export function sweep(losses: readonly Value[], changes: Partial<Sweep> = {}): Sweep {
  const lrs = losses.map((_loss, index) => 10 ** (index - 4));
  return {
    repeat: 0,
    steps: losses.length,
    every_step: true,
    stopped: null,
    stopped_reason: null,
    smoothing: 0.8,
    columns: {
      step: losses.map((_loss, index) => index),
      learning_rate: lrs,
      loss: losses,
      loss_smoothed: losses,
      slope: losses.map((loss, index) => (index === 0 ? null : (loss ?? 0) - (losses[index - 1] ?? 0))),
    },
    ...changes,
  };
}

export function rangeTest(changes: Partial<RangeTest> = {}): RangeTest {
  return {
    run: "test",
    version: "1",
    state: "completed",
    complete: true,
    settings: {
      start_lr: 1e-4,
      end_lr: 1,
      steps: 5,
      growth: "exponential",
      stop_factor: 4,
      smoothing: 0.9,
      repeats: 1,
    },
    optimizer: "SGD",
    recognized: null,
    sweeps: [sweep([2, 1.9, 1, 0.5, 40])],
    suggestions: Object.fromEntries(METHODS.map((method) => [method, NONE])) as Record<Method, Summary>,
    recommended: NONE,
    cautions: [],
    training: null,
    about: { provenance: "lrmon", state: "completed", updates: new Map(), fits: [] },
    notices: [],
    ...changes,
  };
}
