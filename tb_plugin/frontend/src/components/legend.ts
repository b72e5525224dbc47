import type { LegendEntry } from "../chart/picture";
import { correctsBias } from "../model/about";
import { finite } from "../model/lookup";
import type { PaneId } from "../model/pane";
import type { Store } from "../state/store";

export interface LegendItem extends LegendEntry {
  /** What a click hides and shows, null for what has its own chooser. */
  readonly toggles: string | null;
  readonly hidden: boolean;
  /** More about the item, null where the label says it all. */
  readonly hint: string | null;
}

/** What the lines of a pane mean, also of those that are hidden or cannot be drawn. */
export function legendOf(store: Store, pane: PaneId): readonly LegendItem[] {
  return pane === "rate" ? rateLegend(store) : lossLegend(store);
}

const ADAM_NOTE =
  "lr · c_t, the factor that corrects the bias of the moments. With a constant gradient each update still moves a weight by lr.";

function rateLegend({ view, choices }: Store): LegendItem[] {
  const theme = view.theme.value;
  const alone = view.shown.value.length === 1;
  const columns = view.drawn.value.map((run) => run.overview.columns);
  // Nothing is claimed of what is still loading.
  const some = columns.length === 0 || columns.some((column) => column.effective_learning_rate.some(finite));
  const same =
    columns.length > 0 &&
    some &&
    columns.every((column) =>
      column.effective_learning_rate.every((value, index) => value === column.learning_rate[index]),
    );
  const fits = view.drawn.value.flatMap((run) => run.overview.about.fits);
  const corrected = fits.length > 0 && fits.every(correctsBias);
  const label = same
    ? "effective LR, equal to it"
    : some
      ? `effective LR${corrected ? " (bias correction)" : ""}`
      : "no effective LR";
  const hint = same
    ? "This optimizer applies the learning rate as it is."
    : some
      ? ADAM_NOTE
      : "This optimizer has no single effective learning rate, or none was recorded.";
  const hidden = choices.hidden.value;
  return [
    item(
      "learning rate",
      alone ? theme.learningRate : theme.muted,
      "steps",
      1,
      "learning_rate",
      hidden,
      null,
    ),
    item(
      label,
      alone ? theme.effectiveRate : theme.muted,
      "steps",
      alone ? 1 : 0.55,
      "effective_learning_rate",
      hidden,
      hint,
    ),
  ];
}

function lossLegend({ view, choices }: Store): LegendItem[] {
  const theme = view.theme.value;
  const alone = view.shown.value.length === 1;
  const hidden = choices.hidden.value;
  const smoothing = choices.smoothing.value;
  const colours = view.colours.value;
  const items: LegendItem[] = [];
  const drawn = view.drawn.value;
  if (drawn.length === 0 || drawn.some((run) => run.overview.columns.loss.some((loss) => loss !== null))) {
    const colour = alone ? theme.loss : theme.muted;
    items.push(
      item(
        "loss, each batch",
        colour,
        "line",
        smoothing > 0 ? 0.4 : 1,
        "loss",
        hidden,
        "The loss of each batch by itself.",
      ),
    );
    if (smoothing > 0) {
      items.push(
        item(
          `smoothed ${smoothing}`,
          colour,
          "line",
          1,
          "loss_smoothed",
          hidden,
          "Debiased exponential average over every step.",
        ),
      );
    }
  }
  const run = view.shown.value[0] ?? "";
  for (const [index, name] of view.metrics.value.entries()) {
    const colour = alone ? colours({ run, kind: "metric", metric: index }) : theme.muted;
    const right = view.lossPane.value.lines.some((line) => line.label === name && line.side === "right");
    items.push({
      ...item(
        right ? `${name} (right axis)` : name,
        colour,
        "points",
        1,
        null,
        hidden,
        "Once an epoch, at its last step.",
      ),
    });
  }
  return items;
}

function item(
  label: string,
  colour: string,
  drawn: LegendEntry["drawn"],
  alpha: number,
  toggles: string | null,
  hidden: ReadonlySet<string>,
  hint: string | null,
): LegendItem {
  return { label, colour, drawn, alpha, toggles, hidden: toggles !== null && hidden.has(toggles), hint };
}
