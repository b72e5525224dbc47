import type { Report } from "../api/report";
import type { LegendEntry } from "../chart/picture";
import { correctsBias } from "../model/about";
import { formatCount } from "../model/format";
import { finite } from "../model/lookup";
import type { PaneId } from "../model/pane";
import type { Choices } from "../state/choices";
import type { Store } from "../state/store";
import type { Theme } from "../theme/tokens";

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
    ...rateMarks(view.report.value, choices, theme, alone ? theme.learningRate : theme.muted),
  ];
}

/** What the report of the focused run adds above. */
function rateMarks(report: Report | null, choices: Choices, theme: Theme, colour: string): LegendItem[] {
  if (report === null) return [];
  const hidden = choices.hidden.value;
  const { edges, edges_total: total } = report.lr;
  const items: LegendItem[] = [];
  if (edges.length > 0) {
    const known = edges.some((edge) => edge.offset !== null);
    const off = known && edges.some((edge) => !edge.on_boundary);
    const on = known && edges.some((edge) => edge.on_boundary);
    const more =
      total > edges.length
        ? ` Only the first ${formatCount(edges.length)} of ${formatCount(total)} are marked.`
        : "";
    const hint = `Where the learning rate steps: +19/76 is 19 of 76 steps into an epoch.${more}`;
    const add = (label: string, swatch: string): void => {
      items.push(item(label, swatch, "markers", 1, "edges", hidden, hint));
    };
    if (!known) add("LR steps", theme.muted);
    if (off) add("LR step inside an epoch", theme.warning);
    if (on) add(off ? "LR step at its start" : "LR step at an epoch's start", theme.good);
  }
  if (report.planned !== null) {
    const axis = choices.axis.value;
    const timed = axis === "relative" || axis === "wall";
    const hint = `What ${report.planned.schedule} has in store, by its formula${timed ? ", at the pace of the run so far" : ""}.`;
    items.push(
      item(timed ? "planned, at the pace so far" : "planned", colour, "dotted", 1, "planned", hidden, hint),
    );
  }
  if (report.plateaus.triggers.some(({ kind }) => kind !== "did")) {
    const hint = "The learning rate that ReduceLROnPlateau alone would have made of the first one.";
    items.push(item("with the rule", theme.rule, "dashed", 1, "would", hidden, hint));
  }
  return items;
}

/** What the report of the focused run adds below. */
function lossMarks({ view, choices }: Store): LegendItem[] {
  const report = view.report.value;
  const marks = view.marks.value;
  if (report === null || marks === null) return [];
  const theme = view.theme.value;
  const hidden = choices.hidden.value;
  const { triggers, triggers_total: total, rule } = report.plateaus;
  const items: LegendItem[] = [];
  if (triggers.length > 0) {
    const did = triggers.some(({ kind }) => kind !== "would");
    const would = triggers.some(({ kind }) => kind === "would");
    const label = did
      ? would
        ? "plateau, striped: would reduce"
        : "plateau, reduced"
      : "plateau, would reduce";
    const more =
      total > triggers.length
        ? ` Only the first ${formatCount(triggers.length)} of ${formatCount(total)} are drawn.`
        : "";
    const hint = `From the best value to where ReduceLROnPlateau reduces the learning rate; striped where it only would have.${more}`;
    items.push(item(label, theme.rule, "band", 0.45, "plateaus", hidden, hint));
  }
  if (hidden.has("corridor") || marks.corridor !== null) {
    const hint = `A value of ${rule.monitor} in this band is no improvement.`;
    items.push(item("best ± min_delta", theme.muted, "thin-band", 0.5, "corridor", hidden, hint));
  }
  if (hidden.has("fuse") || marks.fuse.length > 0) {
    const hint = `How much of the patience is used up, ${report.plateaus.unit} by ${report.plateaus.unit}.`;
    items.push(item("wait / patience", theme.rule, "band", 1, "fuse", hidden, hint));
  }
  return items;
}

function lossLegend(store: Store): LegendItem[] {
  const { view, choices } = store;
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
  return [...items, ...lossMarks(store)];
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
