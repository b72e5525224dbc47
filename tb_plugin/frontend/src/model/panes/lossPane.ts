import type { Value } from "../../api/types";
import { epochEnds, origin, xValues } from "../axes/axis";
import { finite } from "../axes/lookup";
import { autoScale, span, yRange } from "../axes/scale";
import { leftAxis, points, skippedPositions, spansOf, stretchesOf, visible } from "./lines";
import { type Line, type LossPaneInput, type Note, type PaneView, PLAIN } from "./pane";

const NOTE_NOT_POSITIVE: Note = {
  code: "not-positive",
  text: "gaps at 0 or less",
  more: "Values of 0 or less cannot be shown on a log axis.",
};
const NOTE_BELOW: Note = {
  code: "below",
  text: "axis cut: some batches are below it",
  more: "The axis shows the smoothed loss, the metrics and nearly all batches. Hide the smoothed loss to see every batch.",
};

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
      const color = input.colors({ run: name, kind: column, index: 0 });
      const line = points(xs, values, null);
      lines.push({
        run: name,
        kind: column,
        label,
        drawn: "line",
        side: "left",
        color,
        alpha: 1,
        width: 1,
        ...line,
        ...style,
      });
    };
    const alone = input.smoothing === 0 || input.hidden.has("loss_smoothed");
    add("loss", "loss", alone ? { width: 1.25 } : { alpha: paleness(many, input.isDense === true) });
    if (input.smoothing > 0) add("loss_smoothed", "loss, smoothed", { width: 2 });
  }
  for (const { name, overview } of runs) {
    const xs = epochEnds(overview, axis);
    for (const [index, { name: metric, side }] of input.metrics.entries()) {
      const values = overview.epochs.metrics.get(metric);
      if (values === undefined || !values.some(finite)) continue;
      const color = input.colors({ run: name, kind: "metric", index: index });
      const line = points(xs, values, null);
      lines.push({
        run: name,
        kind: "metric",
        label: metric,
        name: metric,
        drawn: "points",
        side,
        color,
        alpha: 1,
        width: 1.75,
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
  if (left.isCut) notes.push(NOTE_BELOW);
  return {
    ...PLAIN,
    id: "loss",
    axis,
    range: input.range,
    lines,
    left,
    right,
    epochs: spansOf(runs, axis),
    stretches,
    notes,
    skipped: skippedPositions(runs, axis),
    marks: input.marks ?? null,
  };
}

/** The single batches lie behind their average: the more of them there are, the paler. */
function paleness(many: boolean, dense: boolean): number {
  if (dense) return many ? 0.1 : 0.16;
  return many ? 0.2 : 0.33;
}

/** The middle nine tenths of the values: a few batches far off do not decide how an axis is scaled. */
function middle(values: readonly Value[]): readonly Value[] {
  const sorted = values.filter(finite).sort((a, b) => a - b);
  const cut = Math.floor(sorted.length / 20);
  return sorted.slice(cut, sorted.length - cut);
}
