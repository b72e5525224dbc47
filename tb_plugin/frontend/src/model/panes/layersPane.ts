import { finite } from "../axes/lookup";
import { autoScale, span } from "../axes/scale";
import { leftAxis, spansOf } from "./lines";
import { type Line, type Note, type PaneInput, type PaneView, PLAIN } from "./pane";
import { samplesOnAxis } from "./samples";

const NOTE_STILL: Note = {
  code: "not-positive",
  text: "gaps where the update is 0",
  more: "A ratio of 0 cannot be shown on a log axis.",
};

export interface LayersPaneInput extends PaneInput {
  /** The run whose samples are drawn. */
  readonly sampled: string | null;
  /** All layers in their order, and those of them that have a color. */
  readonly layers: readonly string[];
  readonly chosen: readonly string[];
}

/** How far an update moves each layer, as a part of its weights: ‖Δw‖ / ‖w‖. */
export function layersPane(input: LayersPaneInput): PaneView {
  const { runs, axis, layers, chosen } = input;
  const run = runs.find((candidate) => candidate.name === input.sampled);
  const onAxis = run === undefined ? null : samplesOnAxis(run.shown, axis);
  const lines: Line[] = [];
  const add = (layer: string, style: Partial<Line>): void => {
    const ys = onAxis?.column(onAxis.samples.update_to_weight.get(layer) ?? []) ?? [];
    if (run === undefined || onAxis === null || !ys.some(finite)) return;
    const index = chosen.indexOf(layer);
    const color = input.colors({ run: run.name, kind: "layer", index });
    const base = { run: run.name, kind: "layer" as const, label: layer, name: layer, drawn: "line" as const };
    lines.push({ ...base, side: "left", color, alpha: 1, width: 1.5, xs: onAxis.xs, ys, ...style });
  };
  // The chosen ones lie above the pale ones.
  if (!input.hidden.has("other_layers")) {
    for (const layer of layers) if (!chosen.includes(layer)) add(layer, { alpha: 0.3, width: 1 });
  }
  for (const layer of chosen) add(layer, {});
  const values = span(lines.map((line) => line.ys));
  const scale = input.scale === "auto" ? "log" : input.scale;
  const kind = values === null || values.max <= 0 ? autoScale(values) : scale;
  const left = leftAxis(input, kind, lines);
  return {
    ...PLAIN,
    id: "layers",
    axis,
    range: input.range,
    lines,
    left,
    right: null,
    epochs: spansOf(runs, axis),
    stretches: [],
    notes: kind === "log" && (left.values?.notPositive ?? 0) > 0 ? [NOTE_STILL] : [],
  };
}
