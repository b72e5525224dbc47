import { computed, type ReadonlySignal } from "@preact/signals";
import type { Colours } from "../model/panes/pane";
import { colorPlaces } from "../model/runs/runColors";
import type { Theme } from "../theme/tokens";

export interface ColourView {
  readonly colours: ReadonlySignal<Colours>;
  /** Muted for runs that are not drawn. */
  readonly runColour: ReadonlySignal<(run: string) => string>;
}

interface Seen {
  readonly theme: ReadonlySignal<Theme>;
  readonly drawn: ReadonlySignal<readonly string[]>;
  readonly metricNames: ReadonlySignal<readonly string[]>;
  readonly metrics: ReadonlySignal<readonly string[]>;
}

/** One run has a colour for each quantity, several have one each. */
export function createColours({ theme, drawn, metricNames, metrics }: Seen): ColourView {
  const runColour = computed(() => {
    const { runs: colours, muted } = theme.value;
    const places = colorPlaces(drawn.value, colours.length);
    return (run: string) => colours[places.get(run) ?? -1] ?? muted;
  });
  const colours = computed<Colours>(() => {
    const tokens = theme.value;
    const alone = drawn.value.length <= 1;
    const ofRun = runColour.value;
    const ofMetrics = metricNames.value;
    const shownMetrics = metrics.value;
    return ({ run, kind, place }) => {
      if (kind === "would") return tokens.rule;
      if (kind === "layer") return tokens.runs[place % tokens.runs.length] ?? tokens.muted;
      if (!alone) return ofRun(run);
      switch (kind) {
        case "learning_rate":
          return tokens.runs[place % tokens.runs.length] as string;
        case "planned":
        case "slope":
          return tokens.learningRate;
        case "effective_learning_rate":
        case "step_size":
          return tokens.effectiveRate;
        case "sweep_loss":
        case "sweep_smoothed":
        case "loss":
        case "loss_smoothed":
          return tokens.loss;
        case "metric": {
          const metric = ofMetrics.indexOf(shownMetrics[place] ?? "");
          return tokens.metrics[metricColour(ofMetrics, metric) % tokens.metrics.length] as string;
        }
        default:
          return kind satisfies never;
      }
    };
  });
  return { colours, runColour };
}

/** A metric keeps its colour whatever else is chosen: val_loss the first, the others in their order. */
function metricColour(names: readonly string[], place: number): number {
  const validation = names.indexOf("val_loss");
  if (validation < 0) return Math.max(0, place);
  if (place === validation) return 0;
  return place < validation ? place + 1 : place;
}
