import { expect, test } from "vitest";
import type { Series, Value } from "../src/api/types";
import { lossPane } from "../src/model/panes/lossPane";
import { lrPane } from "../src/model/panes/lrPane";
import type { DrawnRun, LossPaneInput, PaneInput } from "../src/model/panes/pane";
import { dotsAt, nearestDot, readingAt, stepCursor } from "../src/model/panes/readout";
import { splice } from "../src/model/panes/splice";
import { nonFiniteStretches } from "../src/model/panes/stretches";
import { allMetrics, defaultMetrics, isLossLike } from "../src/model/runs/metrics";
import { coverageOf, formatCoverage, LOADING_COVERAGE } from "../src/model/runs/status";
import { series } from "./built";

function drawn(overview: Series, shown: Series = overview): DrawnRun {
  return { name: overview.run, overview, shown };
}

function input(run: Series, changes: Partial<LossPaneInput> = {}): LossPaneInput {
  const base: PaneInput = {
    runs: [drawn(run)],
    axis: "step",
    range: [0, 20],
    zoom: null,
    scale: "auto",
    colors: () => "#000000",
    hidden: new Set(),
  };
  return { ...base, metrics: [], smoothing: 0.6, ...changes };
}

test("the learning rate is drawn as steps, the last of them as long as the run", () => {
  const lr = (step: number): number => (step < 10 ? 0.1 : 0.05);
  const line = lrPane(input(series({ lr }))).lines.find(({ kind }) => kind === "learning_rate");
  expect(line?.drawn).toBe("steps");
  expect(line?.xs).toEqual(Array.from({ length: 21 }, (_none, index) => index));
  expect(line?.ys.slice(0, 20)).toEqual(Array.from({ length: 20 }, (_none, step) => lr(step)));
  expect(line?.ys[20]).toBe(0.05);
});

test("a value that is not finite is a gap in its line and a mark on the pane", () => {
  const view = lossPane(input(series({ loss: (step) => (step === 3 || step === 4 ? Number.NaN : 1) })));
  expect(view.lines[0]?.ys.slice(2, 6)).toEqual([1, null, null, 1]);
  expect(view.stretches).toMatchObject([{ start: 3, end: 4, what: "NaN", run: "run" }]);
});

test("a zoomed axis shows the values that are in view, and the step that holds where it begins", () => {
  const lr = (step: number): number => (step < 10 ? 0.1 : 0.05);
  expect(lrPane(input(series({ lr }), { range: [12, 15] })).left.values).toMatchObject({
    min: 0.05,
    max: 0.05,
  });
  expect(lrPane(input(series({ lr }), { range: [9.5, 12] })).left.values).toMatchObject({
    min: 0.05,
    max: 0.1,
  });
});

test("a zero on a log axis has a note", () => {
  const run = series({ lr: (step) => (step === 19 ? 0 : 0.1 / 10 ** step) });
  expect(lrPane(input(run)).left.kind).toBe("log");
  expect(lrPane(input(run)).notes.map(({ code }) => code)).toEqual(["zero"]);
  expect(lrPane(input(run, { scale: "linear" })).notes).toEqual([]);
});

test("a few batches far off do not make the loss axis logarithmic", () => {
  const run = series({ ended: 20, loss: (step) => (step === 50 ? 500 : 1 + step / 200) });
  expect(lossPane(input(run, { range: [0, 200] })).left.kind).toBe("linear");
});

test("one batch with a loss near zero does not take the room of a log axis, and has a note", () => {
  const run = series({ ended: 60, loss: (step) => (step === 50 ? 1e-9 : 100 / (step + 1)) });
  const smooth = {
    ...run,
    columns: { ...run.columns, loss_smoothed: run.columns.step.map((step) => 100 / (step + 1)) },
  };
  const view = lossPane(input(smooth, { range: [0, 600], scale: "log" }));
  expect(view.left.range[0]).toBeGreaterThan(0.1);
  expect(view.notes.map(({ code }) => code)).toEqual(["below"]);
  const alone = lossPane(
    input(smooth, { range: [0, 600], scale: "log", hidden: new Set(["loss_smoothed"]) }),
  );
  expect(alone.left.range[0]).toBeLessThan(1e-9);
  expect(alone.notes).toEqual([]);
});

test("metrics in another unit get the right axis and do not squash the loss", () => {
  const run = series({ metrics: { val_loss: [0.9, 0.8], steps_seen: [1e6, 2e6] } });
  const metrics = [
    { name: "val_loss", side: "left" },
    { name: "steps_seen", side: "right" },
  ] as const;
  const view = lossPane(input(run, { metrics }));
  expect(view.left.values?.max).toBe(1);
  expect(view.right?.values).toMatchObject({ min: 1e6, max: 2e6 });
});

test("single batches are paler where many lie in a pixel, and metrics lie above every loss", () => {
  const run = series({ metrics: { val_loss: [0.9, 0.8] } });
  const metrics = [{ name: "val_loss", side: "left" }] as const;
  const [sparse, dense] = [false, true].map((isDense) => lossPane(input(run, { metrics, isDense })).lines);
  const alpha = (lines: typeof sparse) => lines?.find(({ kind }) => kind === "loss")?.alpha ?? 0;
  expect(alpha(dense)).toBeLessThan(alpha(sparse) * 0.6);
  const runs = [drawn(run), { ...drawn(run), name: "other" }];
  const kinds = lossPane(input(run, { runs, metrics })).lines.map(({ kind }) => kind);
  expect(kinds.slice(-2)).toEqual(["metric", "metric"]);
});

test("without smoothing there is one loss line", () => {
  expect(lossPane(input(series(), { smoothing: 0 })).lines.map(({ kind }) => kind)).toEqual(["loss"]);
});

test("before the user chooses, val_loss is shown; the epoch's own mean only where no batch has a loss", () => {
  expect(defaultMetrics(["loss", "accuracy", "val_loss"], true)).toEqual(["val_loss"]);
  expect(defaultMetrics(["loss", "a_loss", "val_a_loss"], true)).toEqual(["val_a_loss"]);
  expect(defaultMetrics(["loss", "accuracy"], true)).toEqual([]);
  expect(defaultMetrics(["loss", "accuracy"], false)).toEqual(["loss"]);
  expect(["loss", "val_loss", "out_loss"].map(isLossLike)).toEqual([true, true, true]);
  expect(["accuracy", "loss_scale", "glossy"].map(isLossLike)).toEqual([false, false, false]);
  expect(
    allMetrics([
      ["a", "b"],
      ["b", "c"],
    ]),
  ).toEqual(["a", "b", "c"]);
});

test("all numbers of a reading are of one step, the nearest one", () => {
  const run = series({ lr: (step) => step, loss: (step) => -step, metrics: { val_loss: [7, 8] } });
  const reading = readingAt(drawn(run), "step", 12.4);
  expect(reading).toMatchObject({
    step: 12,
    learning_rate: 12,
    loss: -12,
    relative: 6,
    metrics: new Map([["val_loss", 8]]),
  });
  expect(reading?.position).toEqual({ epoch: 1, offset: 2, steps: 10 });
});

test("the dot nearest to the pointer is found by its height", () => {
  const run = series({ lr: (step) => (step < 10 ? 0.1 : 0.05) });
  const reading = readingAt(drawn(run), "step", 3);
  const dots = dotsAt(lrPane(input(run)), reading === null ? [] : [reading]);
  expect(dots.map(({ line }) => line.kind)).toEqual(["effective_learning_rate", "learning_rate"]);
  expect(nearestDot(dots, 0.9)?.y).toBeCloseTo((0.1 - 0.047) / (0.103 - 0.047), 12);
  expect(nearestDot(dots, null)).toBeNull();
});

test("the keyboard's cursor goes from row to row and stops at the ends", () => {
  expect(stepCursor(series(), "step", 5, 1)).toBe(6);
  expect(stepCursor(series(), "step", 5, Number.POSITIVE_INFINITY)).toBe(19);
  expect(stepCursor(series(), "step", 5, Number.NEGATIVE_INFINITY)).toBe(0);
});

test("a range at full resolution takes the place of the same range of the whole run", () => {
  const overview = series({ steps: [0, 5, 10, 15, 19], lastStep: 19, hasEveryStep: false });
  const detail = series({ steps: [9, 10, 11, 12], lastStep: 19 });
  expect(splice(overview, detail).columns.step).toEqual([0, 5, 9, 10, 11, 12, 15, 19]);
});

test("the page says how many of the steps it draws", () => {
  const thinned = { ...series({ steps: [0, 500, 999], lastStep: 999, hasEveryStep: false }), steps: 1000 };
  const run = series({ ended: 100, stepsPerEpoch: 12 });
  expect(coverageOf(run, "step", null)).toEqual({
    drawn: 1200,
    steps: 1200,
    hasEveryStep: true,
    missing: null,
  });
  expect(coverageOf(thinned, "step", null)).toMatchObject({ drawn: 3, steps: 1000, hasEveryStep: false });
  expect(coverageOf(series(), "step", [3, 7])).toMatchObject({ drawn: 5, steps: 5 });
  const sampled = { ...series({ provenance: "scalars" }), complete: false };
  expect(coverageOf(sampled, "step", null).missing).toBe("sampled");
  expect(coverageOf({ ...series(), complete: false }, "step", null).missing).toBe("lost");
  expect(formatCoverage([coverageOf(run, "step", null)])).toContain("1,200");
  expect(formatCoverage([coverageOf(thinned, "step", null)])).toMatch(/\b3\b.*\b1,000\b/);
  expect(formatCoverage([coverageOf(run, "step", null), null])).toBe(LOADING_COVERAGE);
});

test("stretches without a finite value end where a finite one comes, not where a value is absent", () => {
  const values: Value[] = [1, Number.NaN, Number.NaN, 2, Number.POSITIVE_INFINITY, null, Number.NaN];
  const stretches = nonFiniteStretches([0, 1, 2, 3, 4, 5, 6], values);
  expect(stretches).toEqual([
    { start: 1, end: 2, what: "NaN" },
    { start: 4, end: 4, what: "+∞" },
    { start: 6, end: 6, what: "NaN" },
  ]);
});
