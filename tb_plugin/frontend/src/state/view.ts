import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Range, RunInfo } from "../api/types";
import { fullRange, origin, serverAxis, serverRange } from "../model/axis";
import { allMetrics, defaultMetrics, isLossLike } from "../model/metrics";
import type { Colours, DrawnRun, PaneId, PaneView } from "../model/pane";
import { lossPane, ratePane } from "../model/panes";
import { type Reading, readingAt } from "../model/readout";
import { assignPlaces, defaultSelection, sortedNames } from "../model/selection";
import { splice } from "../model/splice";
import { type Coverage, coverageOf } from "../model/status";
import { DARK, LIGHT, type Theme } from "../theme/tokens";
import type { Choices } from "./choices";
import { createFocus, type Focus } from "./focus";
import type { ReportStore } from "./reports";
import type { RunsStore } from "./runs";
import { type SeriesStore, slotName } from "./series";

/** Runs that are drawn at once; more are said, not drawn. */
export const MOST_DRAWN = 40;

const NO_RUNS: Readonly<Record<string, RunInfo>> = {};

export interface Cursor {
  readonly pane: PaneId;
  /** Where it stands on the x axis. */
  readonly x: number;
  /** The pointer's height as a part of the pane, null where the keyboard moved the cursor. */
  readonly y: number | null;
}

/** All that is seen, derived from the choices and the data. */
export interface View extends Focus {
  readonly dark: Signal<boolean>;
  readonly theme: ReadonlySignal<Theme>;
  readonly infos: ReadonlySignal<Readonly<Record<string, RunInfo>>>;
  readonly names: ReadonlySignal<readonly string[]>;
  readonly matching: ReadonlySignal<readonly string[]>;
  readonly selected: ReadonlySignal<readonly string[]>;
  /** Selected and matching, the first of them if they are too many. */
  readonly shown: ReadonlySignal<readonly string[]>;
  readonly notDrawn: ReadonlySignal<number>;
  readonly drawn: ReadonlySignal<readonly DrawnRun[]>;
  readonly fullRange: ReadonlySignal<Range>;
  readonly range: ReadonlySignal<Range>;
  readonly hasEpochs: ReadonlySignal<boolean>;
  readonly metricNames: ReadonlySignal<readonly string[]>;
  readonly metrics: ReadonlySignal<readonly string[]>;
  readonly colours: ReadonlySignal<Colours>;
  /** Muted for runs that are not drawn. */
  readonly runColour: ReadonlySignal<(run: string) => string>;
  readonly ratePane: ReadonlySignal<PaneView>;
  readonly lossPane: ReadonlySignal<PaneView>;
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
): View {
  const dark = signal(false);
  const theme = computed(() => {
    const choice = choices.theme.value;
    return choice === "dark" || (choice === "auto" && dark.value) ? DARK : LIGHT;
  });
  const infos = computed(() => runs.list.value.answer?.runs ?? NO_RUNS);
  const names = computed(() => sortedNames(infos.value));
  const matching = computed(() => names.value.filter(choices.filter.value.matches));
  const selected = computed(() => {
    const chosen = choices.selection.value ?? defaultSelection(infos.value);
    return chosen.filter((name) => name in infos.value);
  });
  const wanted = computed(() => {
    const chosen = new Set(selected.value);
    return matching.value.filter((name) => chosen.has(name));
  });
  const shown = computed(() => wanted.value.slice(0, MOST_DRAWN));
  const notDrawn = computed(() => wanted.value.length - shown.value.length);

  const drawn = computed(() => {
    const loaded = series.loaded.value;
    const result: DrawnRun[] = [];
    for (const name of shown.value) {
      const overview = loaded.get(slotName("overview", name))?.series;
      if (overview == null || overview.columns.step.length === 0) continue;
      const detail = choices.zoom.value.x === null ? null : loaded.get(slotName("detail", name))?.series;
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

  const metricNames = computed(() =>
    allMetrics(shown.value.map((name) => infos.value[name]?.monitors ?? [])).filter(
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

  let lastPlaces: ReadonlyMap<string, number> = new Map();
  const places = computed(() => {
    lastPlaces = assignPlaces(lastPlaces, shown.value);
    return lastPlaces;
  });
  const runColour = computed(() => {
    const { runs: colours, muted } = theme.value;
    const placeOf = places.value;
    return (run: string) => {
      const place = placeOf.get(run);
      return place === undefined ? muted : (colours[place % colours.length] as string);
    };
  });
  const colours = computed<Colours>(() => {
    const tokens = theme.value;
    const alone = shown.value.length === 1;
    const ofRun = runColour.value;
    const ofMetrics = metricNames.value;
    const shownMetrics = metrics.value;
    return ({ run, kind, metric }) => {
      if (kind === "would") return tokens.rule;
      if (!alone) return ofRun(run);
      switch (kind) {
        case "learning_rate":
        case "planned":
          return tokens.learningRate;
        case "effective_learning_rate":
          return tokens.effectiveRate;
        case "loss":
        case "loss_smoothed":
          return tokens.loss;
        case "metric": {
          const place = ofMetrics.indexOf(shownMetrics[metric] ?? "");
          return tokens.metrics[metricColour(ofMetrics, place) % tokens.metrics.length] as string;
        }
        default:
          return kind satisfies never;
      }
    };
  });

  const paneInput = computed(() => ({
    runs: drawn.value,
    axis: choices.axis.value,
    range: range.value,
    colours: colours.value,
    hidden: choices.hidden.value,
    marks: focus.marks.value,
  }));
  const rate = computed(() =>
    ratePane({ ...paneInput.value, zoom: choices.zoom.value.rate, scale: choices.rateScale.value }),
  );
  const loss = computed(() =>
    lossPane({
      ...paneInput.value,
      zoom: choices.zoom.value.loss,
      scale: choices.lossScale.value,
      metrics: metrics.value.map((name) => ({ name, side: isLossLike(name) ? "left" : "right" })),
      smoothing: choices.smoothing.value,
    }),
  );

  const cursor = signal<Cursor | null>(null);
  const readings = computed(() => {
    const at = cursor.value;
    if (at === null) return [];
    return drawn.value.map((run) => readingAt(run, choices.axis.value, at.x)).filter((one) => one !== null);
  });

  const coverage = computed(() => {
    const axis = choices.axis.value;
    const { x } = choices.zoom.value;
    return drawn.value.map(({ name, overview }) => {
      if (x === null || overview.every_step) return coverageOf(overview, axis, x);
      const detail = series.loaded.value.get(slotName("detail", name));
      const wanted = serverRange(x, axis, origin(overview));
      const isOfRange = detail?.query.x === serverAxis(axis) && String(detail.query.range) === String(wanted);
      if (isOfRange && detail.series !== null) return coverageOf(detail.series, axis, x);
      return detail?.problem == null ? null : coverageOf(overview, axis, x);
    });
  });

  return {
    ...focus,
    dark,
    theme,
    infos,
    names,
    matching,
    selected,
    shown,
    notDrawn,
    drawn,
    fullRange: full,
    range,
    hasEpochs,
    metricNames,
    metrics,
    colours,
    runColour,
    ratePane: rate,
    lossPane: loss,
    cursor,
    readings,
    coverage,
  };
}

/** A metric keeps its colour whatever else is chosen: val_loss the first, the others in their order. */
function metricColour(names: readonly string[], place: number): number {
  const validation = names.indexOf("val_loss");
  if (validation < 0) return Math.max(0, place);
  if (place === validation) return 0;
  return place < validation ? place + 1 : place;
}

/** The place of x in the range as a part of the axis, and back. */
export function partOf(x: number, [start, end]: Range): number {
  return (x - start) / (end - start);
}

export function valueAt(part: number, [start, end]: Range): number {
  return start + part * (end - start);
}
