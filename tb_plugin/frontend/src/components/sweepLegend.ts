import type { Store } from "../state/store";
import { item, type LegendItem } from "./legendItem";

export function sweepLegend({ view, choices, sweeps }: Store): LegendItem[] {
  const theme = view.theme.value;
  const hidden = choices.hidden.value;
  const tests = sweeps.tests.value;
  const color = tests.length > 1 ? theme.muted : theme.loss;
  const items = [
    item("loss, each batch", color, "line", 0.4, "sweep_loss", hidden, "The loss of each batch by itself."),
    item(
      "smoothed",
      color,
      "line",
      1,
      "sweep_smoothed",
      hidden,
      "An average that runs forwards and backwards, so that it does not lag behind.",
    ),
  ];
  const spread = sweeps.marks.value.lines.some((line) => line.spread !== null);
  const hint =
    tests.length > 1
      ? "What each test recommends, in its color."
      : `What the test recommends, as a full line, and what the methods find${spread ? "; the bands span its sweeps" : ""}.`;
  items.push(
    item(
      "suggestions",
      tests.length > 1 ? theme.muted : theme.good,
      "dashed",
      1,
      "suggestions",
      hidden,
      hint,
    ),
  );
  const training = sweeps.training.value;
  const placed = tests.some(({ test }) => test.training !== null && test.training.low !== null);
  if (training !== null && placed) {
    const sentence = tests[0]?.test.training?.text ?? null;
    items.push(item(`LR of ${training}`, theme.learningRate, "band", 0.35, "trained", hidden, sentence));
  }
  return items;
}

export function slopeLegend({ view, choices, sweeps }: Store): LegendItem[] {
  const theme = view.theme.value;
  const color = sweeps.tests.value.length > 1 ? theme.muted : theme.learningRate;
  const hint = "Of the smoothed loss, for each decade of the learning rate: below 0 the loss falls.";
  return [item("slope, loss a decade", color, "line", 1, null, choices.hidden.value, hint)];
}
