import { expect, test } from "vitest";
import { boxOf } from "../src/chart/gestures";
import { constantLRs, constantText } from "../src/model/panes/constantLR";
import { hasLineIn, withDrawnPoints } from "../src/model/panes/dragged";
import type { Line, PaneView } from "../src/model/panes/pane";
import { PLAIN } from "../src/model/panes/pane";
import { sharesAfter } from "../src/state/sizes";
import { series } from "./built";

const SIZE = { width: 800, height: 200 };

function dragged(dx: number, dy: number): ReturnType<typeof boxOf> {
  return boxOf({ x: 100, y: 50 }, { x: 100 + dx, y: 50 + dy, ...SIZE });
}

test("a drag is of the x axis alone unless it is clearly a box", () => {
  expect(dragged(200, 0)).toEqual({ x: [0.125, 0.375], y: null });
  expect(dragged(200, 55)).toEqual({ x: [0.125, 0.375], y: null });
  expect(dragged(200, 80)).toEqual({ x: [0.125, 0.375], y: [0.35, 0.75] });
  expect(dragged(-50, 80)?.x).toEqual([0.0625, 0.125]);
});

test("a drag upwards is of the y axis alone, and one that goes nowhere is nothing", () => {
  expect(dragged(5, 100)).toEqual({ x: null, y: [0.25, 0.75] });
  expect(dragged(2, 3)).toBeNull();
  expect(dragged(6, 50)).toBeNull();
});

const LINE: Line = {
  run: "run",
  kind: "loss",
  label: "loss",
  drawn: "line",
  side: "left",
  color: "#000000",
  alpha: 1,
  width: 1,
  xs: [0, 1, 2, 8, 9],
  ys: [10, 9, 8, 2, 1],
};
const PANE: PaneView = {
  ...PLAIN,
  id: "loss",
  axis: "step",
  range: [0, 10],
  lines: [LINE],
  left: { kind: "linear", range: [0, 10], values: null },
  right: null,
  epochs: [],
  stretches: [],
};

test("a box shows a line where one passes through it", () => {
  expect(hasLineIn(PANE, [0, 2], [0.7, 1])).toBe(true);
  expect(hasLineIn(PANE, [0, 2], [0, 0.5])).toBe(false);
  expect(hasLineIn(PANE, [8, 9], [0, 0.3])).toBe(true);
  expect(hasLineIn({ ...PANE, lines: [] }, [0, 9], [0, 1])).toBe(false);
});

test("a zoom into a gap is widened to what is drawn on both sides", () => {
  expect(withDrawnPoints([PANE], [0.5, 1.5])).toEqual([0.5, 1.5]);
  expect(withDrawnPoints([PANE], [3, 6])).toEqual([2, 8]);
  expect(withDrawnPoints([PANE], [9.5, 9.8])).toEqual([9, 9.8]);
  expect(withDrawnPoints([], [3, 6])).toEqual([3, 6]);
});

test("a boundary between panes gives one what the other loses, and leaves both some room", () => {
  const heights = new Map([
    ["lr", 200],
    ["layers", 160],
    ["loss", 270],
  ] as const);
  const shares = sharesAfter({}, heights, ["layers", "loss"], 260);
  expect(shares.lr).toBeCloseTo(1, 6);
  expect((shares.layers ?? 0) / (shares.loss ?? 1)).toBeCloseTo(260 / 170, 6);
  const most = sharesAfter({}, heights, ["layers", "loss"], 10_000);
  expect((most.loss ?? 0) / (most.lr ?? 1)).toBeCloseTo(110 / 200, 6);
});

test("a learning rate is constant where it never changes and no optimizer makes more of it", () => {
  const drawn = (overview: ReturnType<typeof series>) => [{ name: "run", overview, shown: overview }];
  expect(constantLRs(drawn(series()))).toEqual([0.1]);
  expect(constantLRs(drawn(series({ lr: (step) => (step < 19 ? 0.1 : 0.05) })))).toBeNull();
  expect(constantLRs(drawn(series({ lr: (step) => (step < 19 ? 0.1 : Number.NaN) })))).toBeNull();
  expect(constantLRs(drawn(series({ skipped: [3] })))).toBeNull();
  expect(constantLRs([])).toBeNull();
  const factors = (...names: string[]) => names.map((name) => ({ name, formula: "" }));
  const effective = (...names: string[]) => {
    const run = series({ fits: [{ effective_learning_rate_factors: factors(...names) }] });
    const column = run.columns.step.map((step) => 0.1 * (1 - 0.9 ** (step + 1)));
    return drawn({ ...run, columns: { ...run.columns, effective_learning_rate: column } });
  };
  expect(constantLRs(effective("learning rate", "bias correction"))).toEqual([0.1]);
  expect(constantLRs(effective("learning rate", "relative step"))).toBeNull();
  expect(constantText([0.1])).toContain("0.1");
  expect(constantText([0.1, 0.001])).toMatch(/0\.001 .*0\.1/);
});
