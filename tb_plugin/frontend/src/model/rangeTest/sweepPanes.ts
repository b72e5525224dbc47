import type { Sweep } from "../../api/rangeTest";
import type { Range, Value } from "../../api/types";
import { finite, nearestIndex } from "../axes/lookup";
import { type ScaleChoice, type ScaleKind, yRange } from "../axes/scale";
import { leftAxis } from "../panes/lines";
import { type Colors, type Line, type Note, type PaneView, PLAIN, type YAxis } from "../panes/pane";
import type { DrawnTest, SweepMarks } from "./sweepMarks";

const NOTE_ABOVE: Note = {
  code: "above",
  text: "axis cut: the loss rises above it",
  more: "The axis shows how the loss falls and where it turns. The log axis shows all of it.",
};
const NOTE_STEEP: Note = {
  code: "above",
  text: "axis cut: the slope rises above it",
  more: "The axis shows where the loss falls. Drag a box to zoom in.",
};
const NOTE_POSITIVE: Note = {
  code: "not-positive",
  text: "gaps at 0 or less",
  more: "Values of 0 or less cannot be shown on a log axis.",
};

export interface SweepPaneInput {
  readonly tests: readonly DrawnTest[];
  readonly range: Range;
  readonly zoom: Range | null;
  readonly scale: ScaleChoice;
  readonly colors: Colors;
  readonly hidden: ReadonlySet<string>;
  readonly marks: SweepMarks;
}

/** The rows of a sweep in the order of their learning rates; x is the logarithm (base 10) of the learning rate. */
export interface SweepRows {
  readonly xs: readonly number[];
  /** Index of each among the columns of the sweep. */
  readonly rows: readonly number[];
}

export function rowsOf({ columns }: Sweep): SweepRows {
  const rows = [...columns.learning_rate.keys()]
    .filter((row) => finite(columns.learning_rate[row]) && (columns.learning_rate[row] as number) > 0)
    .sort((a, b) => (columns.learning_rate[a] as number) - (columns.learning_rate[b] as number));
  return { xs: rows.map((row) => Math.log10(columns.learning_rate[row] as number)), rows };
}

/** From the lowest to the highest learning rate of all sweeps; as planned where none has two. */
export function sweepRange(tests: readonly DrawnTest[]): Range {
  const xs = tests.flatMap(({ test }) => test.sweeps.flatMap((sweep) => rowsOf(sweep).xs));
  const [low, high] = [Math.min(...xs), Math.max(...xs)];
  if (high > low) return [low - 0.02 * (high - low), high + 0.02 * (high - low)];
  const { start_lr: start, end_lr: end } = tests[0]?.test.settings ?? { start_lr: null, end_lr: null };
  if (finite(start) && finite(end) && start > 0 && end > start) return [Math.log10(start), Math.log10(end)];
  return xs.length > 0 ? [low - 0.5, low + 0.5] : [-7, 1];
}

/** Loss against learning rate: each batch's, and smoothed. */
export function sweepPane(input: SweepPaneInput): PaneView {
  const lines: Line[] = [];
  const raw = !input.hidden.has("sweep_loss");
  const smooth = !input.hidden.has("sweep_smoothed");
  if (raw)
    lines.push(
      ...linesOf(input, "sweep_loss", "loss", { alpha: smooth ? 0.35 : 1, width: smooth ? 1 : 1.25 }),
    );
  if (smooth) lines.push(...linesOf(input, "sweep_smoothed", "loss, smoothed", { width: 2 }));
  const level = upperLevel(input.tests);
  const kind = input.scale === "auto" ? "linear" : input.scale;
  return paneOf(input, "sweep", lines, kind, (axis) =>
    kind === "log" || level === null ? null : cutAt(axis, level, NOTE_ABOVE),
  );
}

/** The slope of the smoothed loss, loss per decade of the learning rate. */
export function slopePane(input: SweepPaneInput): PaneView {
  const lines = linesOf(input, "slope", "slope", { width: 1.75 });
  return paneOf(input, "slope", lines, "linear", (axis) => {
    const least = axis.values?.min ?? 0;
    return least < 0 ? cutAt(axis, -0.8 * least, NOTE_STEEP) : null;
  });
}

const COLUMNS = { sweep_loss: "loss", sweep_smoothed: "loss_smoothed", slope: "slope" } as const;

function linesOf(
  input: SweepPaneInput,
  kind: keyof typeof COLUMNS,
  label: string,
  style: Partial<Line>,
): Line[] {
  return input.tests.flatMap(({ name, test }) => {
    const color = input.colors({ run: name, kind, index: 0 });
    const several = test.sweeps.length > 1 && kind !== "sweep_loss" ? { alpha: 0.75, width: 1.5 } : {};
    return test.sweeps.flatMap((sweep) => {
      const { xs, rows } = rowsOf(sweep);
      const ys = rows.map((row) => gapped(sweep.columns[COLUMNS[kind]][row]));
      if (!ys.some(finite)) return [];
      const base = { run: name, kind, label, drawn: "line" as const, side: "left" as const };
      return [{ ...base, color, alpha: 1, width: 1, xs, ys, ...style, ...several }];
    });
  });
}

function gapped(value: Value | undefined): Value {
  return finite(value) ? value : null;
}

/** As far up as the batches stood before the loss was lowest, with some air: what diverges would hide the fall. */
function upperLevel(tests: readonly DrawnTest[]): number | null {
  let [low, top] = [Infinity, -Infinity];
  for (const { test } of tests) {
    for (const sweep of test.sweeps) {
      const { rows } = rowsOf(sweep);
      const smoothed = rows.map((row) => gapped(sweep.columns.loss_smoothed[row]) ?? Infinity);
      const least = Math.min(...smoothed);
      const before = rows.slice(0, smoothed.indexOf(least) + 1);
      low = Math.min(low, least);
      top = Math.max(top, ...before.map((row) => gapped(sweep.columns.loss[row]) ?? -Infinity));
    }
  }
  return top > low && Number.isFinite(low) ? top + 0.1 * (top - low) : null;
}

type Axis = YAxis & { readonly note: Note | null };

function cutAt(axis: YAxis, level: number, note: Note): Axis | null {
  const { values } = axis;
  // What is hardly higher is not worth to be cut.
  if (values === null || level <= values.min || values.max <= level + 0.4 * (level - values.min)) return null;
  return { ...axis, range: yRange({ ...values, max: level }, axis.kind), note };
}

function paneOf(
  input: SweepPaneInput,
  id: "sweep" | "slope",
  lines: readonly Line[],
  kind: ScaleKind,
  cut: (axis: YAxis) => Axis | null,
): PaneView {
  const whole = leftAxis(input, kind, lines);
  const left = input.zoom === null ? (cut(whole) ?? { ...whole, note: null }) : { ...whole, note: null };
  const notes = left.note === null ? [] : [left.note];
  if (kind === "log" && (left.values?.notPositive ?? 0) > 0) notes.push(NOTE_POSITIVE);
  return {
    ...PLAIN,
    id,
    axis: "learning_rate",
    range: input.range,
    lines,
    left,
    right: null,
    epochs: [],
    stretches: [],
    notes,
    sweep: input.marks,
  };
}

/** What is recorded of a sweep at one learning rate. */
export interface SweepReading {
  readonly run: string;
  /** 1-based among the sweeps of the run; null where there is one. */
  readonly sweep: number | null;
  readonly x: number;
  readonly step: number;
  readonly learning_rate: Value;
  readonly loss: Value;
  readonly loss_smoothed: Value;
  readonly slope: Value;
}

/** The row of each sweep that is nearest to x. */
export function sweepReadings(tests: readonly DrawnTest[], x: number): readonly SweepReading[] {
  return tests.flatMap(({ name, test }) =>
    test.sweeps.flatMap((sweep, index) => {
      const { xs, rows } = rowsOf(sweep);
      const near = nearestIndex(xs, x);
      const row = near === null ? undefined : rows[near];
      if (near === null || row === undefined) return [];
      const { columns } = sweep;
      return [
        {
          run: name,
          sweep: test.sweeps.length > 1 ? index + 1 : null,
          x: xs[near] as number,
          step: columns.step[row] as number,
          learning_rate: columns.learning_rate[row] ?? null,
          loss: columns.loss[row] ?? null,
          loss_smoothed: columns.loss_smoothed[row] ?? null,
          slope: columns.slope[row] ?? null,
        },
      ];
    }),
  );
}
