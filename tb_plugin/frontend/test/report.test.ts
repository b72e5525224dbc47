import { expect, test } from "vitest";
import { UnexpectedAnswer } from "../src/api/decode";
import { decodeReport } from "../src/api/decodeReport";
import type { Report } from "../src/api/report";
import { clusters } from "../src/model/marks/clusters";
import { type Frame, layoutMarks, markAt } from "../src/model/marks/layout";
import { type MarkOptions, marksOf, sentenceAt } from "../src/model/marks/marks";
import { positionsOf } from "../src/model/marks/positions";
import {
  divergesSentence,
  fractionWords,
  lrChangeSentence,
  reductionSentence,
} from "../src/model/marks/sentences";
import { lrPane } from "../src/model/panes/lrPane";
import { describeFinding, positionLabel, stepsAround, worst } from "../src/model/runs/findings";
import { earliness, settingOf, shownSetting, withSetting } from "../src/model/runs/whatIf";
import { SECONDS_A_STEP, START, series } from "./built";
import { finding, lrChange, reduction, report } from "./builtReport";

const PLAIN: MarkOptions = { hidden: new Set(), shown: null, isAsking: false };

/** Steps are pixels, and a letter has six of them. */
function frame(width: number, from = 0, to = width): Frame {
  return {
    width,
    height: 200,
    x: (value) => ((value - from) / (to - from)) * width,
    y: (value) => 200 - value * 1000,
    measure: (text) => 6 * text.length,
  };
}

test("a report is read as it was sent, and one that lacks a column is refused", () => {
  const sent = report();
  expect(decodeReport(JSON.parse(JSON.stringify(sent)))).toEqual(sent);
  expect(() => decodeReport({ ...sent, plateaus: { ...sent.plateaus, wait: [1] } })).toThrow(
    UnexpectedAnswer,
  );
  expect(() => decodeReport({ ...sent, lr: undefined })).toThrow(UnexpectedAnswer);
});

test("an LR change is described by its numbers, and by where it is in its epoch only where that is known", () => {
  const numbers = (sentence: string) => (sentence.match(/\d[\d.]*\d|\d/g) ?? []).map(Number);
  expect(numbers(lrChangeSentence(lrChange(), null))).toEqual([95, 0.1, 0.095, 19, 76, 1]);
  const atStart = lrChange({ offset: 0, nearest_boundary: 0, on_boundary: true, epoch: 5 });
  expect(numbers(lrChangeSentence(atStart, null))).toEqual([95, 0.1, 0.095, 5]);
  const late = lrChange({ late: true, offset: 1, nearest_boundary: 1 });
  expect(lrChangeSentence(late, "The reason.").endsWith(" The reason.")).toBe(true);
  const unknown = { epoch: null, offset: null, steps_in_epoch: null, nearest_boundary: null };
  expect(numbers(lrChangeSentence(lrChange({ ...unknown, step_before: 90, to: 0.2 }), null))).toEqual([
    90, 95, 0.1, 0.2,
  ]);
});

test("a part of an epoch is in words only where it is exactly that", () => {
  expect([19 / 76, 38 / 76, 1 / 3, 0.251].map(fractionWords)).toEqual([
    "a quarter",
    "half",
    "a third",
    "0.25",
  ]);
});

test("every kind of reduction has a sentence, of its numbers and of what the run did", () => {
  const asked = report({ reductions: [reduction()], diverges_at: { epoch: 2, step: 29 } });
  const other = reduction({ did_from: 0.025, did_to: 0.023 });
  const both = reduction({ kind: "both", did_from: 0.1, did_to: 0.02 });
  const did = reduction({ kind: "did", did_from: 0.1, did_to: 0.02 });
  const sentences = [
    reductionSentence(reduction(), asked),
    reductionSentence(reduction(), report()),
    reductionSentence(reduction(), { ...report(), last_step: 40 }),
    ...[other, both, did].map((made) => reductionSentence(made, report())),
  ];
  expect(new Set(sentences).size).toBe(6);
  expect(sentences.every((sentence) => sentence.includes("after epoch 2"))).toBe(true);
  expect(sentences.map((sentence) => sentence.includes("0.01"))).toEqual([
    true,
    true,
    true,
    true,
    true,
    false,
  ]);
  expect(sentences[3]).toContain("0.025");
  const ways = [asked, report(), report({ reductions: [both] }), report({ reductions: [reduction()] })];
  expect(new Set(ways.map(({ plateaus }) => divergesSentence(plateaus))).size).toBe(4);
});

test("a step has its position on every axis, also one that is still to come", () => {
  const run = series({ ended: 3 });
  const at = (axis: "step" | "epoch" | "relative" | "wall", step: number) => positionsOf(run, axis)(step);
  expect([at("step", 15), at("epoch", 15), at("relative", 15)]).toEqual([15, 1.5, 15 * SECONDS_A_STEP]);
  expect(at("wall", 15)).toBe(START + 15 * SECONDS_A_STEP);
  expect([at("epoch", 30), at("epoch", 35)]).toEqual([3, 3.5]);
  expect(at("relative", 40)).toBeGreaterThan(at("relative", 30) as number);
});

test("a plateau reaches from its best value to the reduction, solid where there was one", () => {
  const two = [
    reduction({ best_step: 9 }),
    reduction({ step: 39, epoch: 3, best_step: 9, kind: "both", first: false }),
    reduction({ step: 34, epoch: 3, best_step: 9, kind: "did", first: false }),
  ];
  const marks = marksOf(report({ reductions: two }), series({ ended: 4 }), "step", PLAIN);
  expect(marks.bands.map(({ start, end, isSolid }) => [start, end, isSolid])).toEqual([
    [9, 30, false],
    [30, 40, true],
    [9, 35, true],
  ]);
  expect(sentenceAt(marks, 29)).toBe(marks.bands[0]?.sentence);
});

test("what a rule would have done is drawn only where the user asks, or the run had a rule of its own", () => {
  const drawn = (applied: boolean, isAsking: boolean): readonly unknown[] => {
    const asked = report({ reductions: [reduction()], wait: [0, 1, 0], applied });
    const marks = marksOf(asked, series({ ended: 3 }), "step", { ...PLAIN, isAsking });
    return [
      marks.plateaus,
      marks.bands.length,
      marks.would !== null,
      marks.fuse.length,
      marks.corridor !== null,
    ];
  };
  expect(drawn(false, false)).toEqual([false, 0, false, 0, false]);
  for (const [applied, isAsking] of [
    [true, false],
    [false, true],
  ] as const) {
    expect(drawn(applied, isAsking)).toEqual([true, 1, true, 3, true]);
  }
});

test("a learning rate that is another one in every epoch has no LR changes to mark", () => {
  const built = report();
  const marked = (shape: Report["lr"]["shape"]): number => {
    const lr = { ...built.lr, lr_changes: [lrChange({ step: 10, epoch: 1, offset: 0 })], shape };
    return marksOf({ ...built, lr }, series({ ended: 3 }), "step", PLAIN).markers.length;
  };
  expect(marked(null)).toBe(1);
  expect(marked({ kind: "exponential", unit: "epoch", every: 5 })).toBe(1);
  expect(marked({ kind: "exponential", unit: "epoch", every: 1 })).toBe(0);
});

test("the strip of the wait fills up to the reduction, and is there only where the rule counts", () => {
  const run = series({ ended: 3 });
  const quiet = marksOf(report({ wait: [0, 1, 0] }), run, "step", PLAIN);
  expect([quiet.fuse.length, quiet.corridor]).toEqual([0, null]);
  const asked = marksOf(report({ wait: [0, 1, 0] }), run, "step", { ...PLAIN, isAsking: true });
  expect(asked.fuse.map((cell) => cell.to)).toEqual([0, 0.5, 0]);
  const reduced = marksOf(report({ wait: [0, 1, 0], reductions: [reduction()] }), run, "epoch", PLAIN);
  expect(reduced.fuse.map(({ start, end, to, isReduction }) => [start, end, to, isReduction])).toEqual([
    [0, 1, 0, false],
    [1, 2, 0.5, false],
    [2, 3, 1, true],
  ]);
  expect(
    marksOf(report({ reductions: [reduction()] }), run, "step", { ...PLAIN, hidden: new Set(["fuse"]) }).fuse,
  ).toEqual([]);
});

test("the corridor is the best value with min_delta on both sides, as long as it holds", () => {
  const marks = marksOf(
    report({ reductions: [reduction()], best: [1, 0.5, 0.5] }),
    series({ ended: 3 }),
    "step",
    PLAIN,
  );
  expect(marks.corridor?.pieces).toEqual([
    { start: 9, end: 19, best: 1, low: 0.99, high: 1.01 },
    { start: 19, end: 29, best: 0.5, low: 0.49, high: 0.51 },
  ]);
});

test("the rule's learning rate and the plan are lines that decide the scale with the others", () => {
  const run = series({ ended: 3 });
  const built = report({ reductions: [reduction({ lr_to: 0.001 })], lr: [0.1, 0.1, 0.1] });
  const planned = {
    schedule: "CosineDecay",
    last_step: 39,
    step: [29, 35],
    epoch: [2.9, 3.5],
    learning_rate: [0.1, 0.05],
    every_step: false,
  };
  const marks = marksOf({ ...built, planned }, run, "step", PLAIN);
  expect(marks.would).toEqual({ xs: [0, 10, 20, 30], ys: [0.1, 0.1, 0.1, 0.001] });
  expect(marks.planned).toEqual({ xs: [29, 35, 40], ys: [0.1, 0.05, 0.05] });
  const drawn = { name: "run", overview: run, shown: run };
  const pane = lrPane({
    runs: [drawn],
    axis: "step",
    range: [0, 40],
    zoom: null,
    scale: "auto",
    colors: () => "#000000",
    hidden: new Set(),
    marks,
  });
  expect(pane.lines.map((line) => line.kind)).toEqual([
    "would",
    "effective_learning_rate",
    "learning_rate",
    "planned",
  ]);
  expect(pane.left.kind).toBe("log");
});

test("marks at one position become one, and clusters keep clear of each other", () => {
  const width = (size: number): number => (size === 1 ? 10 : 30);
  const dense = Array.from({ length: 300 }, (_none, index) => index * 3);
  const groups = clusters(dense, Number, width);
  expect(groups.flatMap((group) => group.members)).toEqual(dense);
  for (const [index, group] of groups.entries()) {
    const next = groups[index + 1];
    if (next === undefined) continue;
    const room = (width(group.members.length) + width(next.members.length)) / 2;
    expect(next.x - group.x).toBeGreaterThanOrEqual(room);
  }
  expect(clusters([0, 50, 100], Number, width)).toHaveLength(3);
});

test.each([4, 19, 60, 95, 300])("labels of LR changes %d pixels apart do not overlap", (every) => {
  const lrChanges = Array.from({ length: 40 }, (_none, index) => {
    const step = (index + 1) * every;
    return lrChange({ step, step_before: step - 1, to: 0.1 - index * 0.002, offset: (index * 19) % 76 });
  });
  const built = report();
  const marks = marksOf(
    { ...built, lr: { ...built.lr, lr_changes: lrChanges } },
    series({ lastStep: 40 * every + 50, ended: 0 }),
    "step",
    PLAIN,
  );
  const layout = layoutMarks("lr", marks, [0, 900], frame(900));
  const boxes = [...layout.labels, ...layout.dots.filter((dot) => dot.count > 1)];
  expect(boxes.length).toBeGreaterThan(1);
  for (const [index, asked] of boxes.entries()) {
    for (const next of boxes.slice(index + 1)) {
      const apart =
        asked.left + asked.width <= next.left ||
        next.left + next.width <= asked.left ||
        asked.top + asked.height <= next.top ||
        next.top + next.height <= asked.top;
      expect(apart, `${JSON.stringify(asked)} ${JSON.stringify(next)}`).toBe(true);
    }
  }
});

test("lr_changes that all lie on boundaries need no labels once they are many", () => {
  const built = report();
  const labels = (count: number): number => {
    const lrChanges = Array.from({ length: count }, (_none, index) =>
      lrChange({ step: (index + 1) * 60, offset: 0, nearest_boundary: 0, on_boundary: true }),
    );
    const run = series({ lastStep: 899, ended: 0 });
    const marks = marksOf({ ...built, lr: { ...built.lr, lr_changes: lrChanges } }, run, "step", PLAIN);
    return layoutMarks("lr", marks, [0, 900], frame(900)).labels.length;
  };
  expect([labels(8), labels(9)]).toEqual([8, 0]);
});

test("the pointer finds a marker, a cluster that opens, and the head of a plateau", () => {
  const lrChanges = [
    lrChange(),
    lrChange({ step: 400, step_before: 399 }),
    lrChange({ step: 402, step_before: 401 }),
  ];
  const built = report({ reductions: [reduction({ step: 700, best_step: 600 })] });
  const marks = marksOf(
    { ...built, lr: { ...built.lr, lr_changes: lrChanges } },
    series({ lastStep: 899, ended: 0 }),
    "step",
    PLAIN,
  );
  const layout = layoutMarks("lr", marks, [0, 900], frame(900));
  expect(markAt(layout, 95, 105)?.sentence).toBe(marks.markers[0]?.sentence);
  const cluster = markAt(layout, 401, 105);
  expect(cluster?.sentence.match(/\d+/g)).toEqual(["2", "400", "402"]);
  expect(cluster?.range?.[0]).toBeLessThan(400);
  expect(markAt(layout, 650, 5)?.sentence).toBe(marks.bands[0]?.sentence);
  expect(markAt(layout, 650, 60)).toBeNull();
});

test("a finding has a title, a position and a stretch of steps with air around it", () => {
  expect(describeFinding(finding()).text).toBe(finding().text);
  expect(describeFinding(finding({ code: "new", text: "One thing. Then 0.1 more." }))).toEqual({
    title: "One thing",
    text: "Then 0.1 more.",
  });
  const run = { ...report(), first_step: 0, last_step: 999 };
  expect(positionLabel(finding(), run)).toContain("95");
  expect(positionLabel(finding({ step: 0, last_step: 999 }), run)).not.toMatch(/\d/);
  expect(positionLabel(finding({ step: null }), run)).toBeNull();
  expect(stepsAround(finding({ step: 500, last_step: 539 }), run)).toEqual([490, 550]);
  expect(stepsAround(finding({ step: 10, last_step: 950 }), run)).toBeNull();
  expect(worst(["info", finding().severity])).toBe("warning");
});

test("settings are as the user wrote them, and nothing where they equal those of the run", () => {
  const { defaults } = report().plateaus;
  expect(shownSetting({}, defaults, "min_delta")).toBe("0.01");
  expect(shownSetting({ patience: "x" }, defaults, "patience")).toBe("x");
  const texts = withSetting({}, defaults, "patience", "5");
  expect(texts).toEqual({ patience: "5" });
  expect(withSetting(texts, defaults, "patience", "2")).toEqual({});
  expect(withSetting({}, defaults, "patience", "")).toEqual({ patience: "" });
});

test("an error of the server is shown beside the setting that it names", () => {
  expect(settingOf("patience must be at least 0, got -3")).toBe("patience");
  expect(settingOf("this run has no monitor 'x'; it has loss")).toBe("monitor");
  expect(settingOf("something else")).toBeNull();
});

test("the earlier a reduction comes, the stronger its cell", () => {
  const table = [
    [4, null],
    [8, 6],
  ];
  expect(table.flat().map((first) => earliness(first, table))).toEqual([1, null, 0, 0.5]);
});
