import type { Value } from "../api/types";
import { type Axis, epochEnds, origin, xValues } from "./axis";
import { type EpochSpan, epochSpans } from "./epochs";
import { heldUntil, leftAxis, points, visible } from "./lines";
import { finite } from "./lookup";
import type { Curve } from "./marks";
import type { DrawnRun, Line, LossPaneInput, Note, PaneInput, PaneView, RunStretch } from "./pane";
import { autoScale, span, yRange } from "./scale";
import { nonFiniteStretches } from "./stretches";

const NOTE_ZERO: Note = {
  text: "0 at the lower edge",
  more: "A learning rate of 0 has no place on a logarithmic axis: its line runs into the lower edge.",
};
const NOTE_NOT_POSITIVE: Note = {
  text: "gaps at 0 or less",
  more: "Values of 0 or less have no place on a logarithmic axis.",
};
const NOTE_BELOW: Note = {
  text: "some batches lie below",
  more: "The axis shows the smoothed loss, the metrics and nearly all batches. Hide the smoothed loss to see all of them.",
};

export function ratePane(input: PaneInput): PaneView {
  const { runs, axis } = input;
  const marks = input.marks ?? null;
  const curves = [marks?.would, marks?.planned].filter((curve) => curve != null);
  const kind =
    input.scale === "auto"
      ? autoScale(span([...runs.flatMap(rateColumns), ...curves.map((curve) => curve.ys)]))
      : input.scale;
  const many = runs.length > 1;
  // Below the recorded lines: it is seen where the two differ.
  const lines: Line[] = marks?.would ? [derived(input, marks.run, "would", marks.would)] : [];
  for (const { name, shown } of runs) {
    const xs = xValues(shown.columns, axis, origin(shown));
    const held = heldUntil(shown, axis);
    const add = (
      column: "learning_rate" | "effective_learning_rate",
      label: string,
      style: Partial<Line>,
    ): void => {
      const values = shown.columns[column];
      if (input.hidden.has(column) || !values.some(finite)) return;
      const line = points(xs, values, held);
      const colour = input.colours({ run: name, kind: column, metric: 0 });
      lines.push({
        run: name,
        kind: column,
        label,
        drawn: "steps",
        side: "left",
        colour,
        alpha: 1,
        width: 2,
        ...line,
        ...style,
      });
    };
    add("effective_learning_rate", "effective LR", { width: many ? 1 : 1.5, alpha: many ? 0.55 : 1 });
    add("learning_rate", "learning rate", {});
  }
  if (marks?.planned) lines.push(derived(input, marks.run, "planned", marks.planned));
  const left = leftAxis(input, kind, lines);
  const stretches = runs.flatMap((run) => stretchesOf(run, axis, "learning_rate"));
  const notes = kind === "log" && left.values !== null && left.values.notPositive > 0 ? [NOTE_ZERO] : [];
  return {
    id: "rate",
    axis,
    range: input.range,
    lines,
    left,
    right: null,
    epochs: spansOf(runs, axis),
    stretches,
    notes,
    marks: input.marks ?? null,
  };
}

export function lossPane(input: LossPaneInput): PaneView {
  const { runs, axis } = input;
  const many = runs.length > 1;
  const kind =
    input.scale === "auto"
      ? autoScale(span(runs.map((run) => middle(run.overview.columns.loss))))
      : input.scale;
  const lines: Line[] = [];
  for (const { name, shown } of runs) {
    const xs = xValues(shown.columns, axis, origin(shown));
    const add = (column: "loss" | "loss_smoothed", label: string, style: Partial<Line>): void => {
      const values = shown.columns[column];
      if (input.hidden.has(column) || !values.some(finite)) return;
      const colour = input.colours({ run: name, kind: column, metric: 0 });
      const line = points(xs, values, null);
      lines.push({
        run: name,
        kind: column,
        label,
        drawn: "line",
        side: "left",
        colour,
        alpha: 1,
        width: 1,
        ...line,
        ...style,
      });
    };
    const alone = input.smoothing === 0 || input.hidden.has("loss_smoothed");
    add("loss", "loss", alone ? { width: 1.25 } : { alpha: many ? 0.2 : 0.33 });
    if (input.smoothing > 0) add("loss_smoothed", "loss, smoothed", { width: 2 });
  }
  for (const { name, overview } of runs) {
    const xs = epochEnds(overview, axis);
    for (const [index, { name: metric, side }] of input.metrics.entries()) {
      const values = overview.epochs.metrics[metric];
      if (values === undefined || !values.some(finite)) continue;
      const colour = input.colours({ run: name, kind: "metric", metric: index });
      const line = points(xs, values, null);
      lines.push({
        run: name,
        kind: "metric",
        label: metric,
        drawn: "points",
        side,
        colour,
        alpha: 1,
        width: 1.25,
        ...line,
      });
    }
  }
  const left = leftAxis(input, kind, lines);
  const rightLines = lines.filter((line) => line.side === "right");
  const rightSpan = span(rightLines.map((line) => visible(line, input.range)));
  const right =
    rightLines.length === 0
      ? null
      : { kind: "linear" as const, range: yRange(rightSpan, "linear"), values: rightSpan };
  const stretches = runs.flatMap((run) => stretchesOf(run, axis, "loss"));
  const notes: Note[] = [];
  if (kind === "log" && left.values !== null && left.values.notPositive > 0) notes.push(NOTE_NOT_POSITIVE);
  if (left.cut) notes.push(NOTE_BELOW);
  return {
    id: "loss",
    axis,
    range: input.range,
    lines,
    left,
    right,
    epochs: spansOf(runs, axis),
    stretches,
    notes,
    marks: input.marks ?? null,
  };
}

const DERIVED = {
  planned: { label: "planned", dash: [2, 3], width: 2 },
  would: { label: "with the rule", dash: [6, 4], width: 2 },
} as const;

/** A learning rate that was not recorded but follows from a schedule or a rule. */
function derived(input: PaneInput, run: string, kind: "planned" | "would", curve: Curve): Line {
  const colour = input.colours({ run, kind, metric: 0 });
  return { run, kind, drawn: "steps", side: "left", colour, alpha: 1, ...DERIVED[kind], ...curve };
}

function rateColumns({ overview }: DrawnRun): (readonly Value[])[] {
  return [overview.columns.learning_rate, overview.columns.effective_learning_rate];
}

function spansOf(runs: readonly DrawnRun[], axis: Axis): readonly EpochSpan[] {
  const first = runs[0];
  return first === undefined ? [] : epochSpans(first.overview, axis);
}

function stretchesOf({ name, shown }: DrawnRun, axis: Axis, column: "learning_rate" | "loss"): RunStretch[] {
  const xs = xValues(shown.columns, axis, origin(shown));
  return nonFiniteStretches(xs, shown.columns[column]).map((stretch) => ({ ...stretch, run: name, column }));
}

/** The middle nine tenths of the values: a few batches far off do not decide how an axis is scaled. */
function middle(values: readonly Value[]): readonly Value[] {
  const sorted = values.filter(finite).sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 20);
  return sorted.slice(cut, sorted.length - cut);
}
