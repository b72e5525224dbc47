import { expect, test } from "vitest";
import { autoScale, span, yRange, yTicks } from "../src/model/axes/scale";
import { linearTicks, logTicks, niceIncrement, numberLabels, xTicks } from "../src/model/axes/ticks";

const spanOf = (...values: number[]) => span([values]);

test("a scale is logarithmic by itself only above a decade, and never with negative values", () => {
  expect(autoScale(spanOf(0.1, 0.01))).toBe("linear");
  expect(autoScale(spanOf(0.1, 0.009))).toBe("log");
  expect(autoScale(spanOf(-1, 100))).toBe("linear");
  expect(autoScale(spanOf(0, 0))).toBe("linear");
  expect(autoScale(null)).toBe("linear");
});

test("a learning rate that ends at zero is still judged by its positive values", () => {
  expect(autoScale(spanOf(0.1, 0.0001, 0))).toBe("log");
});

test("values that are not finite do not stretch the axis", () => {
  expect(span([[1, Number.NaN, null, Number.POSITIVE_INFINITY, 3]])).toMatchObject({ min: 1, max: 3 });
});

test("a constant lies in the middle of its axis, with one tick that shows its value", () => {
  for (const kind of ["linear", "log"] as const) {
    const lr = Math.fround(0.00137);
    const range = yRange(spanOf(lr, lr), kind);
    expect(range[0]).toBeLessThan(lr);
    expect(range[1]).toBeGreaterThan(lr);
    const ticks = yTicks(range, kind, 300, spanOf(lr, lr));
    expect(numberLabels(ticks)).toEqual(["0.00137"]);
  }
});

test("an axis of values above zero does not go below zero", () => {
  expect(yRange(spanOf(0.01, 5), "linear")[0]).toBe(0);
  expect(yRange(spanOf(-1, 5), "linear")[0]).toBeLessThan(-1);
});

test("linear ticks are round, inside the range and no more than fit", () => {
  expect(linearTicks([0, 1], 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  expect(linearTicks([0.3, 2.2], 5)).toEqual([0.5, 1, 1.5, 2]);
  expect(niceIncrement(0.021)).toBe(0.025);
});

test("logarithmic ticks go from powers of ten to their multiples as there is room", () => {
  expect(logTicks([1e-8, 1], 5)).toEqual([1e-8, 1e-6, 1e-4, 0.01, 1]);
  expect(logTicks([0.005, 0.12], 6)).toEqual([0.005, 0.01, 0.02, 0.05, 0.1]);
  expect(logTicks([0.29, 0.41], 6)).toEqual([0.3, 0.32, 0.34, 0.36, 0.38, 0.4]);
});

test("labels have as many digits as their ticks need", () => {
  expect(numberLabels([0.3, 0.35, 0.4])).toEqual(["0.3", "0.35", "0.4"]);
  expect(numberLabels([1e-4, 2e-4])).toEqual(["1e-4", "2e-4"]);
});

test("ticks of steps and epochs are whole until single ones are seen", () => {
  expect(xTicks("step", [0, 3], 900).map(({ label }) => label)).toEqual(["0", "1", "2", "3"]);
  expect(xTicks("step", [0, 1216], 900).map(({ label }) => label)).toContain("1,200");
  expect(xTicks("epoch", [1, 1.5], 400).map(({ label }) => label)).toEqual(["1", "1.2", "1.4"]);
});

test("labels of the clock differ from tick to tick", () => {
  for (const length of [0.001, 0.05, 1, 90, 7200, 1e6]) {
    const labels = xTicks("wall", [1_700_000_000, 1_700_000_000 + length], 900).map(({ label }) => label);
    expect(labels.length).toBeGreaterThan(2);
    expect(new Set(labels).size).toBe(labels.length);
  }
});
