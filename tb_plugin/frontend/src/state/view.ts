import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Range, RunInfo } from "../api/types";
import { fullRange, origin, serverAxis, serverRange } from "../model/axes/axis";
import { constantLRs } from "../model/panes/constantLR";
import { defaultLayers, layersOf } from "../model/panes/layers";
import { layersPane } from "../model/panes/layersPane";
import { lossPane } from "../model/panes/lossPane";
import { lrPane } from "../model/panes/lrPane";
import type { DrawnRun, PaneView } from "../model/panes/pane";
import { type Reading, readingAt } from "../model/panes/readout";
import { autoSmoothing, isDense } from "../model/panes/smoothing";
import { splice } from "../model/panes/splice";
import { allMetrics, defaultMetrics, isLossLike } from "../model/runs/metrics";
import { type Kind, kindShown, latestOf, sortedNames } from "../model/runs/selection";
import { type Coverage, coverageOf } from "../model/runs/status";
import { DARK, LIGHT, type Theme } from "../theme/tokens";
import type { Choices } from "./choices";
import { type ColorView, createColors } from "./colors";
import { createFocus, type Focus } from "./focus";
import type { ReportStore } from "./reports";
import type { RunsStore } from "./runs";
import { type SeriesStore, slotName } from "./series";
import type { Cursor } from "./stage";

/** Runs that are drawn at once; the number of more runs is given. */
export const MOST_DRAWN = 40;

const NO_RUNS: ReadonlyMap<string, RunInfo> = new Map();

/** Everything that is visible, derived from the choices and the data. */
export interface View extends Focus, ColorView {
  readonly isDark: Signal<boolean>;
  readonly theme: ReadonlySignal<Theme>;
  readonly infos: ReadonlySignal<ReadonlyMap<string, RunInfo>>;
  /** The kind of runs that is shown; names, matching, selected and listed are of this kind. */
  readonly kind: ReadonlySignal<Kind>;
  readonly names: ReadonlySignal<readonly string[]>;
  readonly matching: ReadonlySignal<readonly string[]>;
  readonly selected: ReadonlySignal<readonly string[]>;
  /** Selected and matching, the first of them if they are too many. */
  readonly listed: ReadonlySignal<readonly string[]>;
  /** Those of them that are trainings. */
  readonly shown: ReadonlySignal<readonly string[]>;
  readonly notDrawn: ReadonlySignal<number>;
  readonly drawn: ReadonlySignal<readonly DrawnRun[]>;
  readonly fullRange: ReadonlySignal<Range>;
  readonly range: ReadonlySignal<Range>;
  readonly hasEpochs: ReadonlySignal<boolean>;
  /** Of the loss, where the user has not chosen one, and the one that is drawn. */
  readonly autoSmoothing: ReadonlySignal<number>;
  readonly smoothing: ReadonlySignal<number>;
  readonly metricNames: ReadonlySignal<readonly string[]>;
  readonly metrics: ReadonlySignal<readonly string[]>;
  /** Of the focused run: all layers whose updates were sampled, and those that have their own color. */
  readonly layerNames: ReadonlySignal<readonly string[]>;
  readonly layers: ReadonlySignal<readonly string[]>;
  readonly lrPane: ReadonlySignal<PaneView>;
  /** The learning rates of the runs, where none of them ever changes; null where one does. */
  readonly constantLRs: ReadonlySignal<readonly number[] | null>;
  /** Whether the pane of the learning rate is open. */
  readonly isLROpen: ReadonlySignal<boolean>;
  /** Null where no updates were sampled. */
  readonly layersPane: ReadonlySignal<PaneView | null>;
  readonly lossPane: ReadonlySignal<PaneView>;
  /** Those that are open, from above. */
  readonly panes: ReadonlySignal<readonly PaneView[]>;
  readonly cursor: Signal<Cursor | null>;
  readonly readings: ReadonlySignal<readonly Reading[]>;
  /** Of each drawn run; null while the answer on the visible range is awaited. */
  readonly coverage: ReadonlySignal<readonly (Coverage | null)[]>;
}

export function createView(
  choices: Choices,
  runs: RunsStore,
  series: SeriesStore,
  reports: ReportStore,
  plotWidth: ReadonlySignal<number>,
): View {
  const isDark = signal(false);
  const theme = computed(() => {
    const choice = choices.theme.value;
    return choice === "dark" || (choice === "auto" && isDark.value) ? DARK : LIGHT;
  });
  const infos = computed(() => runs.list.value.answer?.runs ?? NO_RUNS);
  const kind = computed(() => kindShown(choices.kind.value, infos.value));
  const names = computed(() =>
    sortedNames(infos.value).filter((name) => infos.value.get(name)?.kind === kind.value),
  );
  const matching = computed(() => names.value.filter(choices.filter.value.matches));
  const selected = computed(() => {
    const latest = latestOf(kind.value, infos.value);
    const chosen = choices.selections[kind.value].value ?? (latest === null ? [] : [latest]);
    return chosen.filter((name) => infos.value.get(name)?.kind === kind.value);
  });
  const wanted = computed(() => {
    const chosen = new Set(selected.value);
    return matching.value.filter((name) => chosen.has(name));
  });
  const listed = computed(() => wanted.value.slice(0, MOST_DRAWN));
  const shown = computed(() => (kind.value === "training" ? listed.value : []));
  const notDrawn = computed(() => wanted.value.length - listed.value.length);

  const drawn = computed(() => {
    const loaded = series.loaded.value;
    const result: DrawnRun[] = [];
    for (const name of shown.value) {
      const overview = loaded.get(slotName("overview", name))?.answer;
      if (overview == null || overview.columns.step.length === 0) continue;
      const detail = choices.zoom.value.x === null ? null : loaded.get(slotName("detail", name))?.answer;
      result.push({ name, overview, shown: detail == null ? overview : splice(overview, detail) });
    }
    return result;
  });
  const hasEpochs = computed(() => drawn.value.some((run) => run.overview.extent.epoch !== null));
  const focus = createFocus(choices, reports, { shown, infos, drawn });
  const full = computed((): Range => {
    const recorded = fullRange(
      drawn.value.map((run) => run.overview),
      choices.axis.value,
    );
    // What is planned lies ahead of what was recorded.
    return [recorded[0], Math.max(recorded[1], focus.marks.value?.planned?.xs.at(-1) ?? recorded[1])];
  });
  const range = computed(() => choices.zoom.value.x ?? full.value);

  const steps = computed(() => Math.max(0, ...shown.value.map((name) => infos.value.get(name)?.steps ?? 0)));
  const visibleSteps = computed(() => {
    const [start, end] = full.value;
    const part = (range.value[1] - range.value[0]) / (end - start);
    return steps.value * Math.min(1, part);
  });
  const auto = computed(() => autoSmoothing(visibleSteps.value, plotWidth.value));
  const dense = computed(() => isDense(visibleSteps.value, plotWidth.value));
  const smoothing = computed(() => choices.smoothing.value ?? auto.value);

  const metricNames = computed(() =>
    allMetrics(shown.value.map((name) => infos.value.get(name)?.metric_names ?? [])).filter(
      (name) => name !== "learning_rate",
    ),
  );
  const metrics = computed(() => {
    const hasBatchLoss = drawn.value.some((run) => run.overview.columns.loss.some((loss) => loss !== null));
    const watched = choices.rule.value.monitor;
    const chosen = choices.metrics.value ?? [
      ...defaultMetrics(metricNames.value, hasBatchLoss),
      // What the rule is asked to watch is to be seen.
      ...(watched === undefined ? [] : [watched]),
    ];
    return metricNames.value.filter((name) => chosen.includes(name));
  });

  const { colors, runColor } = createColors({ theme, drawn: listed, metricNames, metrics });

  const layerNames = computed(() => {
    const run = drawn.value.find((run) => run.name === focus.focused.value);
    return layersOf(run?.overview.samples ?? null);
  });
  const layers = computed(() => {
    const chosen = choices.layers.value?.filter((layer) => layerNames.value.includes(layer));
    return chosen === undefined || chosen.length === 0 ? defaultLayers(layerNames.value) : chosen;
  });

  const paneInput = computed(() => ({
    runs: drawn.value,
    axis: choices.axis.value,
    range: range.value,
    colors: colors.value,
    hidden: choices.hidden.value,
    marks: focus.marks.value,
  }));
  const lr = computed(() =>
    lrPane({
      ...paneInput.value,
      zoom: choices.zoom.value.lr,
      scale: choices.lrScale.value,
      sampled: focus.focused.value,
    }),
  );
  const layersBelow = computed(() =>
    layerNames.value.length === 0
      ? null
      : layersPane({
          ...paneInput.value,
          zoom: choices.zoom.value.layers,
          scale: choices.layerScale.value,
          sampled: focus.focused.value,
          layers: layerNames.value,
          chosen: layers.value,
        }),
  );
  const loss = computed(() =>
    lossPane({
      ...paneInput.value,
      zoom: choices.zoom.value.loss,
      scale: choices.lossScale.value,
      metrics: metrics.value.map((name) => ({ name, side: isLossLike(name) ? "left" : "right" })),
      smoothing: smoothing.value,
      isDense: dense.value,
    }),
  );

  const constant = computed(() => {
    if (drawn.value.length > 0) return constantLRs(drawn.value);
    // Until the curves are there, what the list shows of them decides: a pane that closes later would be a jump.
    const lines = shown.value.map((name) => infos.value.get(name)?.sparkline ?? []);
    const lrs = lines.flatMap(([first = null, ...others]) =>
      first !== null && others.every((run) => run === first) ? [first] : [],
    );
    return lrs.length > 0 && lrs.length === lines.length ? lrs : null;
  });
  const isLROpen = computed(() => {
    const chosen = choices.lrPane.value;
    if (chosen !== null) return chosen === "open";
    const { would, planned } = focus.marks.value ?? {};
    return constant.value === null || would != null || planned != null;
  });
  const panes = computed(() => {
    const folded = choices.hidden.value.has("layers");
    return [isLROpen.value ? lr.value : null, folded ? null : layersBelow.value, loss.value].filter(
      (pane) => pane !== null,
    );
  });

  const cursor = signal<Cursor | null>(null);
  const readings = computed(() => {
    const at = cursor.value;
    if (at === null) return [];
    return drawn.value.map((run) => readingAt(run, choices.axis.value, at.x)).filter((run) => run !== null);
  });

  const coverage = computed(() => {
    const axis = choices.axis.value;
    const { x } = choices.zoom.value;
    return drawn.value.map(({ name, overview }) => {
      if (x === null || overview.every_step) return coverageOf(overview, axis, x);
      const detail = series.loaded.value.get(slotName("detail", name));
      const wanted = serverRange(x, axis, origin(overview));
      const isOfRange = detail?.query.x === serverAxis(axis) && String(detail.query.range) === String(wanted);
      if (isOfRange && detail.answer !== null) return coverageOf(detail.answer, axis, x);
      return detail?.problem == null ? null : coverageOf(overview, axis, x);
    });
  });

  return {
    ...focus,
    isDark,
    theme,
    infos,
    kind,
    names,
    matching,
    selected,
    listed,
    shown,
    notDrawn,
    drawn,
    fullRange: full,
    range,
    hasEpochs,
    autoSmoothing: auto,
    smoothing,
    metricNames,
    metrics,
    colors,
    runColor,
    layerNames,
    layers,
    lrPane: lr,
    constantLRs: constant,
    isLROpen,
    layersPane: layersBelow,
    lossPane: loss,
    panes,
    cursor,
    readings,
    coverage,
  };
}
