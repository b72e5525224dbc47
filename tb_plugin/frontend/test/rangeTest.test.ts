import { expect, test } from "vitest";
import { UnexpectedAnswer } from "../src/api/decode";
import { decodeRangeTest } from "../src/api/decodeRangeTest";
import type { RangeTest } from "../src/api/rangeTest";
import { xTicks } from "../src/model/axes/ticks";
import { type Frame, markAt } from "../src/model/marks/layout";
import {
  endSentences,
  formatSuggestion,
  overall,
  rangeText,
  spreadText,
} from "../src/model/rangeTest/suggestions";
import { layoutSweep } from "../src/model/rangeTest/sweepLayout";
import { type DrawnTest, sweepMarksOf } from "../src/model/rangeTest/sweepMarks";
import {
  rowsOf,
  type SweepPaneInput,
  slopePane,
  sweepPane,
  sweepRange,
  sweepReadings,
} from "../src/model/rangeTest/sweepPanes";
import { kindShown, latestOf } from "../src/model/runs/selection";
import { info, runsOf } from "./built";
import { NONE, rangeTest, summary, sweep } from "./builtRangeTest";

const SHOWN = { hidden: new Set<string>(), color: (run: string) => `color of ${run}` };

function drawn(changes: Partial<RangeTest> = {}, name = "test"): DrawnTest {
  return { name, test: rangeTest(changes) };
}

function input(tests: readonly DrawnTest[], changes: Partial<SweepPaneInput> = {}): SweepPaneInput {
  return {
    tests,
    range: sweepRange(tests),
    zoom: null,
    scale: "auto",
    colors: ({ run }) => run,
    hidden: new Set(),
    marks: sweepMarksOf(tests, SHOWN),
    ...changes,
  };
}

const FRAME: Frame = {
  width: 700,
  height: 200,
  x: (value) => 100 * (value + 5),
  y: (value) => value,
  measure: (text) => 6 * text.length,
};

test("a suggestion is written as a number that Python reads", () => {
  expect([0.01234, 1, 0.00123, 2.5e-7, 0.000016, 12.345].map(formatSuggestion)).toEqual([
    "0.0123",
    "1",
    "0.00123",
    "2.5e-7",
    "1.6e-5",
    "12.3",
  ]);
});

test("loss lies over the logarithm of the learning rate, which leaves out an LR of 0", () => {
  const odd = sweep([1, 2, 3, 4]);
  const test = { ...odd, columns: { ...odd.columns, learning_rate: [0, 0.1, 0.01, null] } };
  expect(rowsOf(test)).toEqual({ xs: [-2, -1], rows: [2, 1] });
  const view = sweepPane(input([drawn()]));
  expect(view.axis).toBe("learning_rate");
  expect(view.lines.map(({ kind, xs, ys }) => [kind, xs.map(Math.round), ys])).toEqual([
    ["sweep_loss", [-4, -3, -2, -1, 0], [2, 1.9, 1, 0.5, 40]],
    ["sweep_smoothed", [-4, -3, -2, -1, 0], [2, 1.9, 1, 0.5, 40]],
  ]);
});

test("the axis of learning rates has round ticks", () => {
  expect(xTicks("learning_rate", [-4, 0], 500).map(({ label }) => label)).toEqual([
    "1e-4",
    "0.001",
    "0.01",
    "0.1",
    "1",
  ]);
});

test("a loss that diverges is cut off with a note; a log axis shows all of it", () => {
  const cut = sweepPane(input([drawn()]));
  expect(cut.left.range[1]).toBeLessThan(3);
  expect(cut.notes.map(({ code }) => code)).toEqual(["above"]);
  const log = sweepPane(input([drawn()], { scale: "log" }));
  expect(log.left.range[1]).toBeGreaterThan(40);
  expect(log.notes).toEqual([]);
  const calm = sweepPane(input([drawn({ sweeps: [sweep([2, 1, 0.5, 0.6])] })]));
  expect(calm.notes).toEqual([]);
});

test("the slope shows where the loss falls, not how steeply it diverges", () => {
  const view = slopePane(input([drawn()]));
  expect(view.left.range[0]).toBeLessThanOrEqual(-0.9);
  expect(view.left.range[1]).toBeLessThan(1);
  expect(view.notes).toHaveLength(1);
});

test("a loss that is not finite is a gap, and a test without a batch has its planned range", () => {
  const [line] = sweepPane(input([drawn({ sweeps: [sweep([1, Number.NaN, 2])] })])).lines;
  expect(line?.ys).toEqual([1, null, 2]);
  expect(sweepRange([drawn({ sweeps: [] })])).toEqual([-4, 0]);
  expect(sweepRange([])).toEqual([-7, 1]);
});

test("every suggestion of one test is marked, the recommended one first", () => {
  const recommended = summary(0.01);
  const suggestions = {
    ...rangeTest().suggestions,
    steepest: summary(0.003, { low: 0.002, high: 0.004, spread: 0.3, found: 2 }),
    valley: recommended,
    divergence: summary(0.5),
  };
  const stopped = sweep([1, 2], { stopped: "diverged", stopped_reason: "It rose." });
  const { lines } = sweepMarksOf([drawn({ recommended, suggestions, sweeps: [stopped] })], SHOWN);
  expect(lines.map(({ label, tone }) => [label, tone])).toEqual([
    ["recommended 0.01", "recommended"],
    ["steepest 0.003", "method"],
    ["divergence 0.5", "divergence"],
    ["stopped", "stopped"],
  ]);
  expect(lines[1]?.spread?.map((x) => 10 ** x)).toEqual([expect.closeTo(0.002), expect.closeTo(0.004)]);
  expect(lines[3]?.sentence).toBe("It rose.");
  expect(
    sweepMarksOf([drawn({ recommended })], { ...SHOWN, hidden: new Set(["suggestions"]) }).lines,
  ).toEqual([]);
});

test("several tests have a line each in its color, and their median", () => {
  const tests = [
    drawn({ recommended: summary(0.01) }, "a"),
    drawn({ recommended: summary(1) }, "b"),
    drawn({}, "c"),
  ];
  expect(sweepMarksOf(tests, SHOWN).lines.map(({ label, color }) => [label, color])).toEqual([
    ["0.01", "color of a"],
    ["1", "color of b"],
    ["median 0.1", null],
  ]);
});

test("the median over tests is geometric, with the extremes and the decades between them", () => {
  const tests = [0.01, 1, 0.1, null].map((lr) =>
    rangeTest({ recommended: lr === null ? NONE : summary(lr) }),
  );
  expect(overall(tests).recommended).toMatchObject({ learning_rate: 0.1, low: 0.01, high: 1, found: 3 });
  expect(overall(tests).recommended.spread).toBeCloseTo(2);
  expect(overall(tests.slice(0, 2)).recommended.learning_rate).toBeCloseTo(0.1);
  expect(overall(tests).suggestions.valley.learning_rate).toBeNull();
});

test("the distance between sweeps is given where there is one", () => {
  const apart = summary(0.01, { low: 0.002, high: 0.04, spread: 1.3, found: 3 });
  expect(rangeText(apart)).toBe("0.002 to 0.04");
  expect(spreadText(apart)).toMatch(/0\.002 to 0\.04.*\b1\.3\b/);
  expect(spreadText(summary(0.01))).toBe("");
});

test("every way to end has a sentence with its numbers", () => {
  const stopped = sweep([1, 2, 3], { stopped: "diverged", stopped_reason: "It rose at 0.1." });
  const both = rangeTest({ sweeps: [sweep([1, 2]), stopped], state: "running" });
  expect(endSentences(rangeTest({ sweeps: [stopped] }))[0]).toMatch(/\b3 of 5 steps\. It rose at 0\.1\.$/);
  expect(endSentences(both).map((sentence) => /\d of \d/.exec(sentence)?.[0])).toEqual(["2 of 5", "3 of 5"]);
  const kinds = [rangeTest(), rangeTest({ sweeps: [] }), rangeTest({ sweeps: [sweep([1])] })];
  const running = rangeTest({ sweeps: [sweep([1])], state: "running" });
  expect(new Set([...kinds, running].flatMap(endSentences)).size).toBe(4);
});

test("the learning rates of a training are a band over the test", () => {
  const training = { run: "digits", low: 0.001, high: 0.1, median: 0.01, text: "8 times above." };
  const { trained } = sweepMarksOf([drawn({ training })], SHOWN);
  expect(trained).toMatchObject({ range: [-3, -1], median: -2, sentence: "8 times above." });
  const unknown = { ...training, low: null };
  expect(sweepMarksOf([drawn({ training: unknown })], SHOWN).trained).toBeNull();
});

test("labels hang below those that reach over their line, and no line crosses one", () => {
  const suggestions = {
    ...rangeTest().suggestions,
    steepest: summary(0.001),
    valley: summary(0.002),
    slide: summary(0.004),
    divergence: summary(90),
  };
  const marks = sweepMarksOf([drawn({ suggestions })], SHOWN);
  const { labels, uprights } = layoutSweep(marks, true, FRAME);
  expect(labels.map(({ text }) => text)).toEqual([
    "steepest 0.001",
    "valley 0.002",
    "slide 0.004",
    "divergence 90",
  ]);
  expect(labels.slice(0, 3).map(({ top }) => top)).toEqual([4, 20, 36]);
  for (const label of labels.slice(0, 3)) {
    const crossing = uprights.filter(
      ({ at, top }) => at > label.left && at < label.left + label.width && top < label.top + label.height,
    );
    expect(crossing).toEqual([]);
  }
  // At the right edge the label moves to the left of its line.
  expect((labels[3]?.left ?? 0) + (labels[3]?.width ?? 0)).toBeLessThan(uprights[3]?.at ?? 0);
});

test("a narrow plot labels the recommended LR alone", () => {
  const marks = sweepMarksOf(
    [drawn({ recommended: summary(0.01), sweeps: [sweep([1], { stopped: "diverged" })] })],
    SHOWN,
  );
  const { labels } = layoutSweep(marks, true, { ...FRAME, width: 300, x: (value) => 50 * (value + 5) });
  expect(labels.map(({ text }) => text)).toEqual(["0.01"]);
});

test("the pointer reads the sentence of a line", () => {
  const marks = sweepMarksOf([drawn({ recommended: summary(0.01) })], SHOWN);
  expect(markAt(layoutSweep(marks, false, FRAME), 301, 150)?.sentence).toBe("0.01. why");
  expect(markAt(layoutSweep(marks, false, FRAME), 350, 150)).toBeNull();
});

test("the cursor reads the nearest row of every sweep", () => {
  const test = drawn({ sweeps: [sweep([2, 1]), sweep([3, 2, 1])] });
  expect(
    sweepReadings([test], -1.9).map(({ sweep: number, x, loss }) => [number, Math.round(x), loss]),
  ).toEqual([
    [1, -3, 1],
    [2, -2, 1],
  ]);
});

test("the kind that is chosen is shown where there are such runs, else the other", () => {
  const both = runsOf({
    a: info({ start_time: 1 }),
    b: info({ kind: "range_test" }),
    c: info({ start_time: 2 }),
  });
  expect(kindShown(null, both)).toBe("training");
  expect(kindShown("range_test", both)).toBe("range_test");
  expect(kindShown("range_test", runsOf({ a: info() }))).toBe("training");
  expect(kindShown(null, runsOf({ b: info({ kind: "range_test" }) }))).toBe("range_test");
  expect(latestOf("training", both)).toBe("c");
  expect(latestOf("range_test", runsOf({ a: info() }))).toBeNull();
});

test("an answer of the server is read with its non-finite numbers, and without sweeps it is refused", () => {
  const answer = JSON.parse(
    JSON.stringify({ ...rangeTest(), later: 1 }).replace('"loss":[2,', '"loss":["NaN",'),
  );
  const decoded = decodeRangeTest(answer);
  expect(decoded.sweeps[0]?.columns.loss[0]).toBeNaN();
  expect(decoded.recommended).toEqual(NONE);
  expect(() => decodeRangeTest({ ...answer, sweeps: undefined })).toThrow("sweeps is missing");
  const short = {
    ...answer,
    sweeps: [{ ...answer.sweeps[0], columns: { ...answer.sweeps[0].columns, slope: [] } }],
  };
  expect(() => decodeRangeTest(short)).toThrow(UnexpectedAnswer);
});
