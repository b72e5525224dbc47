import type { Report } from "../api/report";
import { formatCount, plural } from "../model/axes/format";
import { finite } from "../model/axes/lookup";
import { changesEveryEpoch, type Marks } from "../model/marks/marks";
import { constantText } from "../model/panes/constantLR";
import { lrKey, lrLabel } from "../model/panes/lrPane";
import { hasStepSizes } from "../model/panes/samples";
import { SKIPPED } from "../model/panes/skipped";
import { effectiveNote, hasBiasCorrection } from "../model/runs/about";
import type { Choices } from "../state/choices";
import type { Store } from "../state/store";
import type { Theme } from "../theme/tokens";
import { caveatIn, item, type LegendItem } from "./legendItem";

export function lrLegend(store: Store): LegendItem[] {
  const { view, choices } = store;
  const theme = view.theme.value;
  const isAlone = view.shown.value.length === 1;
  const color = isAlone ? theme.learningRate : theme.muted;
  const constant = view.constantLRs.value;
  if (!view.isLROpen.value) {
    const label = constant === null ? "learning rate" : constantText(constant);
    return [
      item(label, color, "steps", 1, null, choices.hidden.value, null, caveatIn(view, "learning_rate")),
    ];
  }
  return [
    ...learningRates(store),
    effectiveLR(store),
    ...sampled(store),
    ...skipped(store),
    ...lrMarks(view.report.value, view.marks.value, choices, theme, color),
  ];
}

/** The learning rate, of several optimizers one each. */
function learningRates({ view, choices }: Store): LegendItem[] {
  const theme = view.theme.value;
  const isAlone = view.shown.value.length === 1;
  const hidden = choices.hidden.value;
  const caveat = caveatIn(view, "learning_rate");
  const drawn = view.drawn.value;
  const items: LegendItem[] = [];
  if (drawn.length === 0 || drawn.some(({ overview }) => overview.learning_rates.size === 0)) {
    const color = isAlone ? theme.learningRate : theme.muted;
    items.push(item("learning rate", color, "steps", 1, "learning_rate", hidden, null, caveat));
  }
  const names = new Set(drawn.flatMap(({ overview }) => [...overview.learning_rates.keys()]));
  for (const [index, name] of [...names].entries()) {
    const run = view.shown.value[0] ?? "";
    const color = isAlone ? view.colors.value({ run, kind: "learning_rate", index }) : theme.muted;
    const hint = "One of several optimizers that train this model.";
    items.push(
      item(lrLabel(name), color, "steps", 1, lrKey(name), hidden, hint, index === 0 ? caveat : null),
    );
  }
  return items;
}

function effectiveLR({ view, choices }: Store): LegendItem {
  const theme = view.theme.value;
  const isAlone = view.shown.value.length === 1;
  const columns = view.drawn.value.map((run) => run.overview.columns);
  // Nothing is claimed of what is still loading.
  const hasValues =
    columns.length === 0 || columns.some((column) => column.effective_learning_rate.some(finite));
  const isSame =
    columns.length > 0 &&
    hasValues &&
    columns.every((column) =>
      column.effective_learning_rate.every((value, index) => value === column.learning_rate[index]),
    );
  const fits = view.drawn.value.flatMap((run) => run.overview.about.fits);
  const corrected = fits.length > 0 && fits.every(hasBiasCorrection);
  const caveat = caveatIn(view, "effective_learning_rate");
  const label = isSame
    ? "effective LR (the same)"
    : hasValues || caveat?.label === "unavailable"
      ? `effective LR${corrected ? " (bias correction)" : ""}`
      : "no effective LR";
  const notes = new Set(fits.map(effectiveNote).filter((note) => note !== null));
  const hint = isSame
    ? "This optimizer applies the learning rate as it is."
    : hasValues
      ? notes.size === 0
        ? "The learning rate times the factors of the optimizer; see the Run tab."
        : [...notes].join(" ")
      : "This optimizer has no single effective learning rate, or none was recorded.";
  return item(
    label,
    isAlone ? theme.effectiveLR : theme.muted,
    "steps",
    isAlone ? 1 : 0.55,
    "effective_learning_rate",
    choices.hidden.value,
    hint,
    caveat,
  );
}

/** The distribution of the step sizes of single weights, of the focused run. */
function sampled({ view, choices }: Store): LegendItem[] {
  const run = view.drawn.value.find(({ name }) => name === view.focused.value);
  const samples = run?.overview.samples ?? null;
  if (run === undefined || samples === null || !hasStepSizes(samples)) return [];
  const sampled =
    samples.sampled === null || samples.parameters === null
      ? ""
      : ` From ${formatCount(samples.sampled)} of ${plural(samples.parameters, "weight")}`;
  const interval = samples.every === null ? "" : `, every ${plural(samples.every, "step")}`;
  const whose = view.drawn.value.length > 1 ? ` Of ${run.name}.` : "";
  const selected =
    samples.step.length < samples.total
      ? ` ${formatCount(samples.step.length)} of ${plural(samples.total, "sample")} are drawn.`
      : "";
  const hint = `The factor between the gradient of a single weight and its update, for example learning rate · cₜ / (√v + ε). Pale band: 5 to 95 % of the weights. Strong band: 25 to 75 %. Line: the median.${sampled}${sampled === "" ? "" : interval}${sampled === "" ? "" : "."}${selected}${whose}`;
  const color = view.colors.value({ run: run.name, kind: "step_size", index: 0 });
  return [item("step size of weights, 5–95 %", color, "band", 0.4, "step_size", choices.hidden.value, hint)];
}

function skipped({ view, choices }: Store): LegendItem[] {
  const all = view.drawn.value.map(({ overview }) => overview.skipped);
  const total = all.reduce((sum, skipped) => sum + skipped.total, 0);
  const marked = all.reduce((sum, { step }) => sum + step.length, 0);
  if (total === 0) return [];
  const hint = `Loss scaling skipped ${plural(total, "step")} because a gradient was not finite; the learning rate there was not used.${marked < total ? ` ${formatCount(marked)} are marked; zoom in to see the others.` : ""}`;
  return [item(SKIPPED, view.theme.value.danger, "ticks", 1, null, choices.hidden.value, hint)];
}

/** What the report of the focused run adds above. */
function lrMarks(
  report: Report | null,
  marks: Marks | null,
  choices: Choices,
  theme: Theme,
  color: string,
): LegendItem[] {
  if (report === null) return [];
  const hidden = choices.hidden.value;
  const { lr_changes: lrChanges, lr_changes_total: total } = report.lr;
  const items: LegendItem[] = [];
  if (lrChanges.length > 0 && !changesEveryEpoch(report.lr)) {
    const known = lrChanges.some((lrChange) => lrChange.offset !== null);
    const off = known && lrChanges.some((lrChange) => !lrChange.on_boundary);
    const on = known && lrChanges.some((lrChange) => lrChange.on_boundary);
    const more =
      total > lrChanges.length
        ? ` Only the first ${formatCount(lrChanges.length)} of ${formatCount(total)} are marked.`
        : "";
    const hint = `Where the learning rate changes: +19/76 means 19 of 76 steps after the start of an epoch.${more}`;
    const add = (label: string, swatch: string): void => {
      items.push(item(label, swatch, "markers", 1, "lr_changes", hidden, hint));
    };
    if (!known) add("LR changes", theme.muted);
    if (off) add("LR change inside an epoch", theme.warning);
    if (on) add("LR change at epoch start", theme.good);
  }
  if (report.planned !== null) {
    const axis = choices.axis.value;
    const timed = axis === "relative" || axis === "wall";
    const hint = `The learning rate that ${report.planned.schedule} plans by its formula${timed ? ", at the pace of the run so far" : ""}.`;
    items.push(
      item(timed ? "planned, at the pace so far" : "planned", color, "dotted", 1, "planned", hidden, hint),
    );
  }
  if (marks?.plateaus && report.plateaus.reductions.some(({ kind }) => kind !== "did")) {
    const hint =
      "The learning rate if ReduceLROnPlateau with these settings were the only rule that changes it.";
    items.push(item("LR under this rule", theme.rule, "dashed", 1, "would", hidden, hint));
  }
  return items;
}
