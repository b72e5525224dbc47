import type { Store } from "../state/store";
import { item, type LegendItem } from "./legendItem";

export function sweepLegend({ view, choices, sweeps }: Store): LegendItem[] {
  const theme = view.theme.value;
  const hidden = choices.hidden.value;
  const tests = sweeps.tests.value;
  const color = tests.length > 1 ? theme.muted : theme.loss;
  const items = [
    item(
      "loss of each batch",
      color,
      "line",
      0.4,
      "sweep_loss",
      hidden,
      "The loss of each batch, without smoothing.",
    ),
    item(
      "smoothed",
      color,
      "line",
      1,
      "sweep_smoothed",
      hidden,
      "A moving average that runs forward and backward, so that it does not lag.",
    ),
  ];
  const spread = sweeps.marks.value.lines.some((line) => line.spread !== null);
  const hint =
    tests.length > 1
      ? "The recommended LR of each test, in its color."
      : `Full line: the recommended LR. Dashed lines: the LR of each method.${spread ? " Bands: the range over the sweeps." : ""}`;
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
  const hint = "Slope of the smoothed loss per decade of the learning rate. Below 0 the loss falls.";
  return [item("slope, loss per decade", color, "line", 1, null, choices.hidden.value, hint)];
}
