import { expect, test } from "vitest";
import { effectiveNote, fitAttributes, provenanceAttributes, runAttributes } from "../src/model/runs/about";
import { info, series } from "./built";

test("a fit has the settings that take effect", () => {
  const optimizer = {
    class_name: "Adam",
    config: {
      name: "adam",
      learning_rate: 0.1,
      beta_1: 0.9,
      epsilon: 1e-7,
      use_ema: false,
      ema_momentum: 0.99,
    },
  };
  const schedule = {
    class_name: "ExponentialDecay",
    config: { decay_steps: 95, decay_rate: 0.949999988079071, staircase: true, name: "x" },
  };
  const attributes = fitAttributes({
    optimizer,
    schedule,
    batch_size: 2048,
    gradient_accumulation_steps: 1,
    ended: "completed",
  });
  expect(attributes).toEqual([
    { name: "optimizer", value: "Adam", more: ["beta_1 = 0.9", "epsilon = 1e-7"] },
    {
      name: "schedule",
      value: "ExponentialDecay",
      more: ["decay_steps = 95", "decay_rate = 0.95", "staircase = true"],
    },
    { name: "batch size", value: "2,048" },
  ]);
});

test("a run that was interrupted says how", () => {
  expect(fitAttributes({ ended: "interrupted: KeyboardInterrupt" })).toEqual([
    { name: "end", value: "interrupted: KeyboardInterrupt" },
  ]);
  expect(runAttributes(info({ state: null, steps: 0, epochs: 0, start_time: null }), null)).toEqual([
    { name: "state", value: "not recorded" },
  ]);
  expect(runAttributes(info({ complete: false }), series())).toContainEqual({
    name: "steps",
    value: "20, 0 to 19, some missing",
  });
});

test("what the effective learning rate is not, is said for the optimizers that correct a bias", () => {
  expect(effectiveNote({ optimizer: { class_name: "Adam" } })).toContain("= lr at every step");
  expect(effectiveNote({ optimizer: { class_name: "SGD" } })).toBeNull();
  expect(effectiveNote({ optimizer: null })).toBeNull();
});

test("each column says where it comes from", () => {
  expect(provenanceAttributes({ learning_rate_provenance: "a", loss_provenance: "b" })).toEqual([
    { name: "learning rate", value: "a", exactness: "exact" },
    { name: "loss", value: "b", exactness: "exact" },
  ]);
});
