import { computed, type ReadonlySignal } from "@preact/signals";
import type { Colors } from "../model/panes/pane";
import { colorIndices } from "../model/runs/runColors";
import type { Theme } from "../theme/tokens";

export interface ColorView {
  readonly colors: ReadonlySignal<Colors>;
  /** Muted for runs that are not drawn. */
  readonly runColor: ReadonlySignal<(run: string) => string>;
}

interface ColorInput {
  readonly theme: ReadonlySignal<Theme>;
  readonly drawn: ReadonlySignal<readonly string[]>;
  readonly metricNames: ReadonlySignal<readonly string[]>;
  readonly metrics: ReadonlySignal<readonly string[]>;
}

/** One run has a color for each quantity, several have one each. */
export function createColors({ theme, drawn, metricNames, metrics }: ColorInput): ColorView {
  const runColor = computed(() => {
    const { runs: colors, muted } = theme.value;
    const indices = colorIndices(drawn.value, colors.length);
    return (run: string) => colors[indices.get(run) ?? -1] ?? muted;
  });
  const colors = computed<Colors>(() => {
    const tokens = theme.value;
    const isAlone = drawn.value.length <= 1;
    const ofRun = runColor.value;
    const ofMetrics = metricNames.value;
    const shownMetrics = metrics.value;
    return ({ run, kind, index }) => {
      if (kind === "would") return tokens.rule;
      if (kind === "layer") return tokens.runs[index % tokens.runs.length] ?? tokens.muted;
      if (!isAlone) return ofRun(run);
      switch (kind) {
        case "learning_rate":
          return tokens.runs[index % tokens.runs.length] as string;
        case "planned":
        case "slope":
          return tokens.learningRate;
        case "effective_learning_rate":
        case "step_size":
          return tokens.effectiveLR;
        case "sweep_loss":
        case "sweep_smoothed":
        case "loss":
        case "loss_smoothed":
          return tokens.loss;
        case "metric": {
          const metric = ofMetrics.indexOf(shownMetrics[index] ?? "");
          return tokens.metrics[metricColor(ofMetrics, metric) % tokens.metrics.length] as string;
        }
        default:
          return kind satisfies never;
      }
    };
  });
  return { colors, runColor };
}

/** A metric keeps its color whatever else is chosen: val_loss the first, the others in their order. */
function metricColor(names: readonly string[], index: number): number {
  const validation = names.indexOf("val_loss");
  if (validation < 0) return Math.max(0, index);
  if (index === validation) return 0;
  return index < validation ? index + 1 : index;
}
