import { computed, effect, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Routes } from "../api/routes";
import type { RunInfo, SeriesQuery } from "../api/types";
import { connect, type Host, pageAddress, watchDark } from "../host/tensorboard";
import { origin, serverAxis, serverRange } from "../model/axes/axis";
import type { LinkValues } from "../model/link/fields";
import { decodeState, encodeState, hasSameValues, linkAddress } from "../model/link/link";
import { applyLink, type Choices, createChoices, linkState } from "./choices";
import { type Comparison, createComparison } from "./comparison";
import type { Wanted } from "./loader";
import { createNavigation, type Navigation } from "./navigation";
import { createRangeTests, type RangeTestStore } from "./rangeTests";
import { createReports, type ReportStore } from "./reports";
import { createRuns, type RunsStore } from "./runs";
import { createSeries, type SeriesStore, slotName } from "./series";
import { settled } from "./settled";
import { createSizes, type Sizes } from "./sizes";
import type { Stage } from "./stage";
import { createSweeps, type Sweeps } from "./sweeps";
import { createView, type View } from "./view";

/** The page's state: what the user chose, what the server answered, and all that follows from both. */
export interface Store {
  readonly routes: Routes;
  readonly choices: Choices;
  readonly runs: RunsStore;
  readonly series: SeriesStore;
  readonly reports: ReportStore;
  readonly rangeTests: RangeTestStore;
  readonly view: View;
  readonly sweeps: Sweeps;
  readonly comparison: Comparison;
  /** The charts of trainings. */
  readonly trainings: Stage;
  readonly navigation: Navigation;
  readonly sizes: Signal<Sizes>;
  /** Width of the plots in pixels, 0 while they have none: the tab is hidden or not laid out yet. */
  readonly plotWidth: Signal<number>;
  /** A sentence that comes and goes. */
  readonly message: ReadonlySignal<string | null>;
  say(sentence: string): void;
  link(): string;
}

const REST_MS = 60;
/** Browsers let a page change its address a few times a second. */
const ADDRESS_MS = 200;
/** Between two letters of one number; short, because the answer is to be there within a tenth of a second. */
const TYPING_MS = 15;
const MESSAGE_MS = 3500;

export function createStore(routes: Routes): Store {
  const choices = createChoices();
  const runs = createRuns(routes);
  const series = createSeries(routes);
  const reports = createReports(routes);
  const rangeTests = createRangeTests(routes);
  const plotWidth = signal(0);
  const view = createView(choices, runs, series, reports, plotWidth);
  const sweeps = createSweeps(choices, view, rangeTests);
  const navigation = createNavigation(choices, view);
  const message = signal<string | null>(null);
  let clearing = 0;

  loadVisible(choices, view, series, plotWidth);
  loadReport(choices, view, reports);
  loadRangeTests(view, sweeps, rangeTests);
  const host = connect();
  watchDark((dark) => {
    view.isDark.value = dark;
  });
  void begin(host, choices, view, runs);

  return {
    routes,
    choices,
    runs,
    series,
    reports,
    rangeTests,
    view,
    sweeps,
    comparison: createComparison(view, routes),
    navigation,
    sizes: createSizes(),
    trainings: { ...view, moves: navigation },
    plotWidth,
    message,
    say(sentence) {
      message.value = sentence;
      window.clearTimeout(clearing);
      clearing = window.setTimeout(() => {
        message.value = null;
      }, MESSAGE_MS);
    },
    link: () => linkAddress(pageAddress(), shownValues(choices, view)),
  };
}

/** The values of a link that shows another reader the same: the runs that are shown are named, chosen or not. */
function shownValues(choices: Choices, view: View): LinkValues {
  const state = linkState(choices);
  const shown = view.selected.value;
  return encodeState(
    view.kind.value === "training"
      ? { ...state, runs: shown }
      : { ...state, kind: "range_test", sweeps: shown },
  );
}

/**
 * Follows the address and writes the state back to it. The link decides what is loaded first: a default selection would
 * be loaded for nothing. An address without a word stands for the page's own choices, such as the latest run.
 */
async function begin(host: Host, choices: Choices, view: View, runs: RunsStore): Promise<void> {
  let known: LinkValues = {};
  const follow = async (): Promise<void> => {
    const values = await host.linkValues();
    if (Object.keys(values).length === 0 || hasSameValues(values, known)) return;
    known = values;
    applyLink(choices, decodeState(values));
  };
  const current = computed((): LinkValues => {
    const chosen = Object.keys(encodeState(linkState(choices))).length > 0;
    return chosen ? shownValues(choices, view) : {};
  });
  const show = (values: LinkValues): void => {
    if (host.showLink(values)) known = values;
  };
  host.onDataReloaded(() => void runs.reload());
  host.onLinkChanged(() => void follow().then(() => show(current.value)));
  await follow();
  await runs.reload();
  const rested = settled(current, ADDRESS_MS);
  effect(() => {
    // Before the runs are known nothing is shown that could be named.
    if (runs.list.value.answer !== null) show(rested.value);
  });
}

/** What of a run's entry in the list says that there is more to load. */
function stampOf(info: RunInfo): string {
  return [info.steps, info.last_step, info.last_time, info.epochs, info.state].join(" ");
}

/** Keeps the visible range tests loaded, with the learning rates of the chosen training. */
function loadRangeTests(view: View, sweeps: Sweeps, rangeTests: RangeTestStore): void {
  effect(() => {
    const infos = view.infos.value;
    const training = sweeps.training.value;
    const stamp = (run: string | null): string => {
      const info = run === null ? undefined : infos.get(run);
      return info === undefined ? "" : stampOf(info);
    };
    rangeTests.want(
      sweeps.names.value.map((run) => ({
        name: run,
        query: { run, training },
        stamp: `${stamp(run)} ${stamp(training)}`,
      })),
    );
  });
}

/** Keeps the report of the focused run loaded, by the settings that the user chose. */
function loadReport(choices: Choices, view: View, reports: ReportStore): void {
  const rule = settled(choices.rule, TYPING_MS);
  effect(() => {
    const run = view.focused.value;
    const info = run === null ? undefined : view.infos.value.get(run);
    reports.want(
      run === null || info === undefined
        ? null
        : { run, rule: rule.value, stamp: `${stampOf(info)} ${info.findings}` },
    );
  });
}

/** Keeps the series of the drawn runs loaded: whole, and the zoomed range of those that were thinned. */
function loadVisible(
  choices: Choices,
  view: View,
  series: SeriesStore,
  plotWidth: ReadonlySignal<number>,
): void {
  const cursorAt = settled(
    computed(() => ({ x: choices.zoom.value.x, axis: choices.axis.value })),
    REST_MS,
  );
  const chosen = settled(choices.smoothing, REST_MS);
  effect(() => {
    // Rounded up, so that a window that is dragged wider by a few pixels asks for nothing new.
    if (plotWidth.value === 0) return;
    const width = Math.min(4000, Math.ceil(plotWidth.value / 200) * 200);
    const infos = view.infos.value;
    const overviews: Wanted<SeriesQuery>[] = [];
    const details: Wanted<SeriesQuery>[] = [];
    for (const run of view.shown.value) {
      const info = infos.get(run);
      if (info === undefined) continue;
      const stamp = stampOf(info);
      const common = { run, width, smoothing: chosen.value ?? view.autoSmoothing.value };
      const query = { ...common, x: "step" as const, range: null };
      overviews.push({ name: slotName("overview", run), query, stamp });
      const overview = series.loaded.value.get(slotName("overview", run))?.answer;
      const { x, axis } = cursorAt.value;
      if (x === null || overview == null || overview.every_step) continue;
      const range = serverRange(x, axis, origin(overview));
      details.push({
        name: slotName("detail", run),
        query: { ...common, x: serverAxis(axis), range },
        stamp,
      });
    }
    series.want([...details, ...overviews]);
  });
}
