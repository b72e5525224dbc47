import type { Value } from "../../api/types";
import { origin, xValues } from "../axes/axis";
import { finite } from "../axes/lookup";
import { autoScale, span } from "../axes/scale";
import type { Curve } from "../marks/marks";
import { heldUntil, leftAxis, skippedPositions, spansOf, stretchesOf } from "./lines";
import {
  type DrawnRun,
  type Line,
  type LRPaneInput,
  type Note,
  type PaneInput,
  type PaneView,
  PLAIN,
} from "./pane";
import { sampleBands } from "./samples";
import { usedLRs } from "./skipped";

const NOTE_ZERO: Note = {
  code: "zero",
  text: "LR 0 cannot be shown on a log axis",
  more: "Where the learning rate is 0, its line runs off the lower end of the axis.",
};

/** Several optimizers of one run differ by color, in several runs by their dashes. */
const DASHES: readonly (readonly number[] | undefined)[] = [undefined, [7, 3], [2, 3]];

export function lrPane(input: LRPaneInput): PaneView {
  const { runs, axis } = input;
  const marks = input.marks ?? null;
  const isComparison = runs.length > 1;
  const sampled = runs.find((run) => run.name === input.sampled && !input.hidden.has("step_size"));
  const bands =
    sampled === undefined
      ? { areas: [], median: null }
      : sampleBands(sampled.shown, axis, input.colors({ run: sampled.name, kind: "step_size", index: 0 }));
  const curves = [marks?.would, marks?.planned].filter((curve) => curve != null);
  const bounds = bands.areas.flatMap((area) => [area.low, area.high]);
  const kind =
    input.scale === "auto"
      ? autoScale(span([...runs.flatMap(lrColumns), ...curves.map((curve) => curve.ys), ...bounds]))
      : input.scale;
  // Below the recorded lines: it is seen where the two differ.
  const lines: Line[] = marks?.would ? [derived(input, marks.run, "would", marks.would)] : [];
  if (bands.median !== null) lines.push(bands.median);
  for (const run of runs) {
    const { name, shown } = run;
    const xs = xValues(shown.columns, axis, origin(shown));
    const held = heldUntil(shown, axis);
    const add = (
      key: string,
      values: readonly Value[],
      style: Pick<Line, "kind" | "label"> & Partial<Line>,
      index = 0,
    ): void => {
      if (input.hidden.has(key) || !values.some(finite)) return;
      lines.push({
        run: name,
        drawn: "steps",
        side: "left",
        color: input.colors({ run: name, kind: style.kind, index }),
        alpha: 1,
        width: 2,
        ...usedLRs(shown, xs, values, held),
        ...style,
      });
    };
    add("effective_learning_rate", shown.columns.effective_learning_rate, {
      kind: "effective_learning_rate",
      label: "effective LR",
      width: isComparison ? 1 : 1.5,
      alpha: isComparison ? 0.55 : 1,
    });
    const optimizers = [...shown.learning_rates];
    for (const [index, [optimizer, lrs]] of optimizers.entries()) {
      const dash = isComparison ? DASHES[index % DASHES.length] : undefined;
      const label = lrLabel(optimizer);
      add(
        lrKey(optimizer),
        lrs,
        { kind: "learning_rate", label, name: optimizer, ...(dash === undefined ? {} : { dash }) },
        index,
      );
    }
    if (optimizers.length === 0) {
      add("learning_rate", shown.columns.learning_rate, { kind: "learning_rate", label: "learning rate" });
    }
  }
  if (marks?.planned) lines.push(derived(input, marks.run, "planned", marks.planned));
  const left = leftAxis(input, kind, lines, bands.areas);
  const stretches = runs.flatMap((run) => stretchesOf(run, axis, "learning_rate"));
  const notes = kind === "log" && left.values !== null && left.values.notPositive > 0 ? [NOTE_ZERO] : [];
  return {
    ...PLAIN,
    id: "lr",
    axis,
    range: input.range,
    lines,
    areas: bands.areas,
    left,
    right: null,
    epochs: spansOf(runs, axis),
    stretches,
    notes,
    skipped: skippedPositions(runs, axis),
    marks,
  };
}

/** What the learning rate of one of several optimizers is called, and what hides it. */
export function lrLabel(optimizer: string): string {
  return `LR of ${optimizer}`;
}

export function lrKey(optimizer: string): string {
  return `learning_rate/${optimizer}`;
}

const DERIVED = {
  planned: { label: "planned", dash: [2, 3], width: 2 },
  would: { label: "LR under this rule", dash: [6, 4], width: 2 },
} as const;

/** A learning rate that was not recorded but follows from a schedule or a rule. */
function derived(input: PaneInput, run: string, kind: "planned" | "would", curve: Curve): Line {
  const color = input.colors({ run, kind, index: 0 });
  return { run, kind, drawn: "steps", side: "left", color, alpha: 1, ...DERIVED[kind], ...curve };
}

function lrColumns({ overview }: DrawnRun): (readonly Value[])[] {
  const { columns, learning_rates: lrs } = overview;
  return [columns.learning_rate, columns.effective_learning_rate, ...lrs.values()];
}
