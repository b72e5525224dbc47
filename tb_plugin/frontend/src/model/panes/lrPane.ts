import type { Value } from "../../api/types";
import { origin, xValues } from "../axes/axis";
import { finite } from "../axes/lookup";
import { autoScale, span } from "../axes/scale";
import type { Curve } from "../marks/marks";
import { heldUntil, leftAxis, skippedPlaces, spansOf, stretchesOf } from "./lines";
import {
  type DrawnRun,
  type Line,
  type Note,
  type PaneInput,
  type PaneView,
  PLAIN,
  type RatePaneInput,
} from "./pane";
import { sampleBands } from "./samples";
import { usedRates } from "./skipped";

const NOTE_ZERO: Note = {
  text: "0 at the lower edge",
  more: "A learning rate of 0 has no place on a logarithmic axis: its line runs into the lower edge.",
};

/** Several optimizers of one run are told apart by colour, in several runs by their dashes. */
const DASHES: readonly (readonly number[] | undefined)[] = [undefined, [7, 3], [2, 3]];

export function ratePane(input: RatePaneInput): PaneView {
  const { runs, axis } = input;
  const marks = input.marks ?? null;
  const many = runs.length > 1;
  const sampled = runs.find((run) => run.name === input.sampled && !input.hidden.has("step_size"));
  const bands =
    sampled === undefined
      ? { areas: [], median: null }
      : sampleBands(sampled.shown, axis, input.colours({ run: sampled.name, kind: "step_size", place: 0 }));
  const curves = [marks?.would, marks?.planned].filter((curve) => curve != null);
  const edges = bands.areas.flatMap((area) => [area.low, area.high]);
  const kind =
    input.scale === "auto"
      ? autoScale(span([...runs.flatMap(rateColumns), ...curves.map((curve) => curve.ys), ...edges]))
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
      place = 0,
    ): void => {
      if (input.hidden.has(key) || !values.some(finite)) return;
      lines.push({
        run: name,
        drawn: "steps",
        side: "left",
        colour: input.colours({ run: name, kind: style.kind, place }),
        alpha: 1,
        width: 2,
        ...usedRates(shown, xs, values, held),
        ...style,
      });
    };
    add("effective_learning_rate", shown.columns.effective_learning_rate, {
      kind: "effective_learning_rate",
      label: "effective LR",
      width: many ? 1 : 1.5,
      alpha: many ? 0.55 : 1,
    });
    const optimizers = [...shown.learning_rates];
    for (const [place, [optimizer, rates]] of optimizers.entries()) {
      const dash = many ? DASHES[place % DASHES.length] : undefined;
      const label = rateLabel(optimizer);
      add(
        rateKey(optimizer),
        rates,
        { kind: "learning_rate", label, ...(dash === undefined ? {} : { dash }) },
        place,
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
    id: "rate",
    axis,
    range: input.range,
    lines,
    areas: bands.areas,
    left,
    right: null,
    epochs: spansOf(runs, axis),
    stretches,
    notes,
    skipped: skippedPlaces(runs, axis),
    marks,
  };
}

/** What the learning rate of one of several optimizers is called, and what hides it. */
export function rateLabel(optimizer: string): string {
  return `LR of ${optimizer}`;
}

export function rateKey(optimizer: string): string {
  return `learning_rate/${optimizer}`;
}

const DERIVED = {
  planned: { label: "planned", dash: [2, 3], width: 2 },
  would: { label: "with the rule", dash: [6, 4], width: 2 },
} as const;

/** A learning rate that was not recorded but follows from a schedule or a rule. */
function derived(input: PaneInput, run: string, kind: "planned" | "would", curve: Curve): Line {
  const colour = input.colours({ run, kind, place: 0 });
  return { run, kind, drawn: "steps", side: "left", colour, alpha: 1, ...DERIVED[kind], ...curve };
}

function rateColumns({ overview }: DrawnRun): (readonly Value[])[] {
  const { columns, learning_rates: rates } = overview;
  return [columns.learning_rate, columns.effective_learning_rate, ...rates.values()];
}
