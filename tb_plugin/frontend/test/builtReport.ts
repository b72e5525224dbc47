/** Reports, built for tests. */
import type { Finding, LRChange, LRReduction, Plateaus, Report } from "../src/api/report";

const RULE = {
  monitor: "val_loss",
  factor: 0.1,
  patience: 2,
  mode: "auto",
  min_delta: 0.01,
  cooldown: 0,
  min_lr: 0,
  version: "keras-3.15",
};

/** Of a run of three epochs of ten steps, with a ReduceLROnPlateau of its own. */
export function report(changes: Partial<Plateaus> = {}): Report {
  return {
    run: "run",
    version: "1",
    first_step: 0,
    last_step: 29,
    epochs: { position: [0, 1, 2], first_step: [0, 10, 20], last_step: [9, 19, 29] },
    lr: {
      shape: null,
      summary: "staircase, from 0.1 to 0.01, 1 LR change",
      explanation: null,
      lr_changes: [],
      lr_changes_total: 0,
      late: null,
    },
    plateaus: {
      rule: RULE,
      direction: "min",
      defaults: RULE,
      defaults_from: "run",
      applied: true,
      metric_names: ["loss", "val_loss"],
      unit: "epoch",
      problem: null,
      step: [9, 19, 29],
      epoch: [0, 1, 2],
      value: [1, 1, 1],
      lr: [0.1, 0.1, 0.1],
      wait: [0, 0, 0],
      best: [1, 1, 1],
      in_cooldown: [false, false, false],
      reductions: [],
      reductions_total: 0,
      diverges_at: null,
      sensitivity: null,
      code: null,
      ...changes,
    },
    planned: null,
    checks: [],
    findings: [],
  };
}

export function lrChange(changes: Partial<LRChange> = {}): LRChange {
  return {
    step: 95,
    step_before: 94,
    from: 0.1,
    to: 0.095,
    epoch: 1,
    offset: 19,
    steps_in_epoch: 76,
    epoch_position: 1.25,
    nearest_boundary: 19,
    on_boundary: false,
    late: false,
    ...changes,
  };
}

export function reduction(changes: Partial<LRReduction> = {}): LRReduction {
  return {
    epoch: 2,
    step: 29,
    lr_from: 0.1,
    lr_to: 0.01,
    kind: "would",
    first: true,
    best_epoch: 0,
    best_step: 9,
    did_from: null,
    did_to: null,
    ...changes,
  };
}

export function finding(changes: Partial<Finding> = {}): Finding {
  return {
    code: "staircase-off-epoch",
    severity: "warning",
    step: 95,
    last_step: 380,
    epoch: 1,
    numbers: { drift: 19 },
    text: "It steps every 95 steps.",
    advice: "Choose decay_steps=76.",
    consequences: [],
    ...changes,
  };
}
