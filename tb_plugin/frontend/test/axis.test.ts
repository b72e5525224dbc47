import { expect, test } from "vitest";
import { convertRange, epochEnds, fullRange, serverRange, wholeSteps, xValues } from "../src/model/axes/axis";
import { SECONDS_A_STEP, START, series } from "./built";

test("the whole run reaches to the end of its last step", () => {
  expect(fullRange([series()], "step")).toEqual([0, 20]);
  expect(fullRange([series()], "epoch")).toEqual([0, 2]);
  expect(fullRange([series()], "relative")).toEqual([0, 19 * SECONDS_A_STEP]);
});

test("several runs are shown from the first start to the last end", () => {
  expect(fullRange([series(), series({ ended: 5 })], "step")).toEqual([0, 50]);
});

test("a range is never empty, not even of one moment or of nothing", () => {
  const once = series({ lastStep: 0, ended: 0 });
  expect(fullRange([once], "wall")).toEqual([START - 0.5, START + 0.5]);
  expect(fullRange([], "step")).toEqual([0, 1]);
});

test("relative time counts from the run's first row", () => {
  expect(xValues(series().columns, "relative", START).slice(0, 2)).toEqual([0, SECONDS_A_STEP]);
  expect(serverRange([1, 2], "relative", START)).toEqual([START + 1, START + 2]);
});

test("an epoch's metrics lie at its last step", () => {
  expect(epochEnds(series(), "step")).toEqual([9, 19]);
  expect(epochEnds(series(), "epoch")).toEqual([0.9, 1.9]);
});

test("a zoom shows the same steps after the axis has changed", () => {
  const run = series();
  expect(convertRange([5, 15], "step", "epoch", run)).toEqual([0.5, 1.5]);
  expect(convertRange([0.5, 1.5], "epoch", "step", run)).toEqual([5, 15]);
  expect(convertRange([4, 8], "step", "relative", run)).toEqual([2, 4]);
});

test("a zoom on the last step survives the change to the epoch axis", () => {
  const [start, end] = convertRange([19, 20], "step", "epoch", series()) ?? [];
  expect(start).toBeCloseTo(1.9, 12);
  expect(end).toBe(2);
});

test("a zoom on a run without epochs is dropped, not invented", () => {
  const run = series();
  const without = { ...run, columns: { ...run.columns, epoch: run.columns.epoch.map(() => null) } };
  expect(convertRange([5, 15], "step", "epoch", without)).toBeNull();
});

test("steps are whole and at least one", () => {
  expect(wholeSteps([3.2, 3.4])).toEqual([3, 4]);
  expect(wholeSteps([3, 3])).toEqual([3, 4]);
});
