import { expect, test } from "vitest";
import { autoSmoothing } from "../src/model/panes/smoothing";

test("a run of few steps is smoothed as in TensorBoard's other dashboards", () => {
  expect([0, 100, 1216, 1600].map((steps) => autoSmoothing(steps, 800))).toEqual([0.6, 0.6, 0.6, 0.6]);
  // A tab that is not laid out has no width yet.
  expect(autoSmoothing(200_000, 0)).toBe(0.6);
});

test("the more steps a pixel holds, the more of them are averaged over, but never more than a few pixels hold", () => {
  const weights = [2000, 5000, 20_000, 60_000, 200_000, 5e6].map((steps) => autoSmoothing(steps, 800));
  expect(weights).toEqual([0.9, 0.95, 0.99, 0.995, 0.999, 0.999]);
  for (const [index, steps] of [2000, 5000, 20_000, 60_000, 200_000].entries()) {
    expect(1 / (1 - (weights[index] as number))).toBeLessThanOrEqual((5 * steps) / 800 + 1e-6);
  }
});

test("noise of a run of 200,000 steps is less than a twentieth of its height in the smoothed line", () => {
  const weight = autoSmoothing(200_000, 800);
  expect(Math.sqrt((1 - weight) / (1 + weight))).toBeLessThan(1 / 20);
});
