import { expect, test } from "vitest";
import { epochRuler, epochSpans, formatPosition, positionInEpoch } from "../src/model/marks/epochs";
import { SECONDS_A_STEP, START, series } from "./built";

test("a step's position counts from the first step of its epoch", () => {
  const run = series({ stepsPerEpoch: 76, ended: 16 });
  expect(positionInEpoch(run, 0)).toEqual({ epoch: 0, offset: 0, steps: 76 });
  expect(positionInEpoch(run, 75)).toEqual({ epoch: 0, offset: 75, steps: 76 });
  expect(positionInEpoch(run, 76)).toEqual({ epoch: 1, offset: 0, steps: 76 });
  expect(formatPosition(positionInEpoch(run, 573) ?? { epoch: -1, offset: 0, steps: 0 })).toBe(
    "epoch 7 + 41/76",
  );
});

test("in the epoch that runs the planned number of steps counts, else that of the epoch before", () => {
  const running = { stepsPerEpoch: 10, ended: 2, lastStep: 24 };
  expect(positionInEpoch(series(running), 24)).toEqual({ epoch: 2, offset: 4, steps: 10 });
  const planned = series({ ...running, fits: [{ first_step: 0, steps_per_epoch: 12 }] });
  expect(positionInEpoch(planned, 24)).toEqual({ epoch: 2, offset: 4, steps: 12 });
});

test("a run of which no epoch is known gives no position", () => {
  const run = series({ ended: 0, lastStep: 5 });
  expect(positionInEpoch({ ...run, extent: { ...run.extent, epoch: null } }, 3)).toBeNull();
});

test("epochs span the axis, the one that runs as far as it has come", () => {
  const spans = epochSpans(series({ stepsPerEpoch: 10, ended: 2, lastStep: 24 }), "step");
  expect(spans).toEqual([
    { epoch: 0, start: 0, end: 10 },
    { epoch: 1, start: 10, end: 20 },
    { epoch: 2, start: 20, end: 25 },
  ]);
});

test("on a time axis an epoch begins when the one before it ended", () => {
  const [first, second] = epochSpans(series(), "wall");
  expect(first?.start).toBe(START);
  expect(second?.start).toBe(START + 9.5 * SECONDS_A_STEP);
  expect(first?.end).toBe(second?.start);
});

test("the ruler numbers every epoch while there is room, then fewer, in round numbers", () => {
  const ruler = (count: number) =>
    epochRuler(epochSpans(series({ stepsPerEpoch: 10, ended: count }), "step"), [0, count * 10], 800);
  expect(ruler(16).labels.map(({ text }) => text)).toEqual(
    Array.from({ length: 16 }, (_none, index) => String(index)),
  );
  expect(ruler(16).labels[0]?.at).toBe(5);
  expect(
    ruler(200)
      .labels.map(({ text }) => text)
      .slice(0, 3),
  ).toEqual(["0", "10", "20"]);
  expect(ruler(5000).labels.length).toBeLessThan(30);
  expect(ruler(5000).lines.length).toBeLessThan(60);
});

test("the number of an epoch that is wider than the view stands in the middle of the view", () => {
  const spans = epochSpans(series({ stepsPerEpoch: 1000, ended: 3 }), "step");
  expect(epochRuler(spans, [1200, 1300], 800)).toEqual({ lines: [], labels: [{ at: 1250, text: "1" }] });
});
