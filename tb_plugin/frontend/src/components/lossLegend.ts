import { formatCount } from "../model/axes/format";
import type { Store } from "../state/store";
import { caveatIn, item, type LegendItem } from "./legendItem";

export function lossLegend(store: Store): LegendItem[] {
  const { view, choices } = store;
  const theme = view.theme.value;
  const isAlone = view.shown.value.length === 1;
  const hidden = choices.hidden.value;
  const smoothing = view.smoothing.value;
  const colors = view.colors.value;
  const items: LegendItem[] = [];
  const drawn = view.drawn.value;
  if (drawn.length === 0 || drawn.some((run) => run.overview.columns.loss.some((loss) => loss !== null))) {
    const color = isAlone ? theme.loss : theme.muted;
    items.push(
      item(
        "loss of each batch",
        color,
        "line",
        smoothing > 0 ? 0.4 : 1,
        "loss",
        hidden,
        "The loss of each batch, without smoothing.",
        caveatIn(view, "loss"),
      ),
    );
    if (smoothing > 0) {
      items.push(
        item(
          `smoothed ${smoothing}`,
          color,
          "line",
          1,
          "loss_smoothed",
          hidden,
          "Exponential moving average over all steps, with bias correction.",
        ),
      );
    }
  }
  const run = view.shown.value[0] ?? "";
  for (const [index, name] of view.metrics.value.entries()) {
    const color = isAlone ? colors({ run, kind: "metric", index: index }) : theme.muted;
    const right = view.lossPane.value.lines.some((line) => line.label === name && line.side === "right");
    items.push(
      item(
        right ? `${name} (right axis)` : name,
        color,
        "points",
        1,
        null,
        hidden,
        "One value per epoch, at its last step.",
      ),
    );
  }
  return [...items, ...lossMarks(store)];
}

/** What the report of the focused run adds below. */
function lossMarks({ view, choices }: Store): LegendItem[] {
  const report = view.report.value;
  const marks = view.marks.value;
  if (report === null || marks === null) return [];
  const theme = view.theme.value;
  const hidden = choices.hidden.value;
  const { reductions, reductions_total: total, rule } = report.plateaus;
  const items: LegendItem[] = [];
  if (marks.plateaus && reductions.length > 0) {
    const hasActual = reductions.some(({ kind }) => kind !== "would");
    const hasWould = reductions.some(({ kind }) => kind === "would");
    const label = hasActual
      ? hasWould
        ? "plateau (striped: would reduce)"
        : "plateau, reduced"
      : "plateau, would reduce";
    const more =
      total > reductions.length
        ? ` Only the first ${formatCount(reductions.length)} of ${formatCount(total)} are drawn.`
        : "";
    const hint = `From the best value to the LR reduction by ReduceLROnPlateau. Striped: this rule would reduce, the run did not.${more}`;
    items.push(item(label, theme.rule, "band", 0.45, "plateaus", hidden, hint));
  }
  if ((marks.plateaus && hidden.has("corridor")) || marks.corridor !== null) {
    const hint = `A value of ${rule.monitor} in this band does not count as an improvement.`;
    items.push(item("best ± min_delta", theme.muted, "thin-band", 0.5, "corridor", hidden, hint));
  }
  if ((marks.plateaus && hidden.has("fuse")) || marks.fuse.length > 0) {
    const hint = `How much of the patience is used up, ${report.plateaus.unit} by ${report.plateaus.unit}.`;
    items.push(item("wait / patience", theme.rule, "band", 1, "fuse", hidden, hint));
  }
  return items;
}
