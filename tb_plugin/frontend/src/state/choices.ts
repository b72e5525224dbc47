import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { RuleTexts } from "../api/report";
import type { Range } from "../api/types";
import { remember, remembered } from "../host/browser";
import type { Axis } from "../model/axis";
import type { LinkState, Tab } from "../model/link";
import type { ScaleChoice } from "../model/scale";
import { type Filter, filterOf, type Kind, NO_FILTER } from "../model/selection";

/** The visible part; null is all of it. */
export interface Zoom {
  readonly x: Range | null;
  readonly rate: Range | null;
  readonly layers: Range | null;
  readonly loss: Range | null;
}

export const NO_ZOOM: Zoom = { x: null, rate: null, layers: null, loss: null };

/** The visible part of range tests; null is all of it. */
export interface SweepZoom {
  readonly x: Range | null;
  readonly sweep: Range | null;
  readonly slope: Range | null;
}

export const NO_SWEEP_ZOOM: SweepZoom = { x: null, sweep: null, slope: null };

export const DEFAULT_SMOOTHING = 0.6;
export const MOST_SMOOTHING = 0.999;

export type ThemeChoice = "auto" | "light" | "dark";

/** What the user decides; a null leaves the decision to the page. */
export interface Choices {
  /** Which kind of runs is shown, and which of each kind are selected. */
  readonly kind: Signal<Kind | null>;
  readonly selections: Readonly<Record<Kind, Signal<readonly string[] | null>>>;
  readonly filter: Signal<Filter>;
  readonly axis: Signal<Axis>;
  readonly zoom: Signal<Zoom>;
  readonly smoothing: Signal<number>;
  readonly rateScale: Signal<ScaleChoice>;
  readonly lossScale: Signal<ScaleChoice>;
  readonly layerScale: Signal<ScaleChoice>;
  readonly metrics: Signal<readonly string[] | null>;
  /** Layers that are told apart by colour. */
  readonly layers: Signal<readonly string[] | null>;
  readonly hidden: Signal<ReadonlySet<string>>;
  readonly theme: Signal<ThemeChoice>;
  readonly panelOpen: Signal<boolean | null>;
  readonly tab: Signal<Tab | null>;
  /** Of several drawn runs, the one that the side panel and the marks of the charts are about. */
  readonly focus: Signal<string | null>;
  /** ReduceLROnPlateau's settings, where they are not the run's own. */
  readonly rule: Signal<RuleTexts>;
  /** The range test that a training is compared with; null is the latest. */
  readonly sweep: Signal<string | null>;
  /** The training whose learning rates are drawn over the range tests. */
  readonly training: Signal<string | null>;
  readonly sweepZoom: Signal<SweepZoom>;
  readonly sweepScale: Signal<ScaleChoice>;
  readonly isZoomed: ReadonlySignal<boolean>;
}

export function createChoices(): Choices {
  const zoom = signal<Zoom>(NO_ZOOM);
  const theme = remembered("theme");
  const panel = remembered("panel");
  return {
    kind: signal<Kind | null>(null),
    selections: {
      training: signal<readonly string[] | null>(null),
      range_test: signal<readonly string[] | null>(null),
    },
    filter: signal(NO_FILTER),
    axis: signal<Axis>("step"),
    zoom,
    smoothing: signal(DEFAULT_SMOOTHING),
    rateScale: signal<ScaleChoice>("auto"),
    lossScale: signal<ScaleChoice>("auto"),
    layerScale: signal<ScaleChoice>("auto"),
    metrics: signal<readonly string[] | null>(null),
    layers: signal<readonly string[] | null>(null),
    hidden: signal<ReadonlySet<string>>(new Set()),
    theme: signal<ThemeChoice>(theme === "light" || theme === "dark" ? theme : "auto"),
    panelOpen: signal<boolean | null>(panel === null ? null : panel === "open"),
    tab: signal<Tab | null>(null),
    focus: signal<string | null>(null),
    rule: signal<RuleTexts>({}),
    sweep: signal<string | null>(null),
    training: signal<string | null>(null),
    sweepZoom: signal(NO_SWEEP_ZOOM),
    sweepScale: signal<ScaleChoice>("auto"),
    isZoomed: computed(() => Object.values(zoom.value).some((range) => range !== null)),
  };
}

export function chooseTheme(choices: Choices, theme: ThemeChoice): void {
  choices.theme.value = theme;
  remember("theme", theme);
}

export function choosePanel(choices: Choices, open: boolean): void {
  choices.panelOpen.value = open;
  remember("panel", open ? "open" : "closed");
}

/** Hides what an entry of a legend names, or shows it again. */
export function toggleHidden(choices: Choices, name: string): void {
  const hidden = new Set(choices.hidden.value);
  if (!hidden.delete(name)) hidden.add(name);
  choices.hidden.value = hidden;
}

export function chooseFilter(choices: Choices, pattern: string): void {
  choices.filter.value = filterOf(pattern, choices.filter.value);
}

/** What a link has to hold so that another reader sees the same; `kind` and `runs` are those that are shown now. */
export function linkState(choices: Choices, kind: Kind, runs: readonly string[]): LinkState {
  const { x, rate, layers, loss } = choices.zoom.value;
  const { x: sweepX, sweep, slope } = choices.sweepZoom.value;
  const trainings = kind === "training" ? runs : choices.selections.training.value;
  const sweeps = kind === "range_test" ? runs : choices.selections.range_test.value;
  return {
    ...given("runs", trainings),
    ...given("sweeps", sweeps),
    ...(kind === "training" ? {} : { kind }),
    axis: choices.axis.value,
    smoothing: choices.smoothing.value,
    filter: choices.filter.value.pattern,
    ...given("zoom", x),
    ...given("zoomRate", rate),
    ...given("zoomLayers", layers),
    ...given("zoomLoss", loss),
    ...given("zoomSweep", sweepX),
    ...given("zoomSweepLoss", sweep),
    ...given("zoomSlope", slope),
    ...given("rateScale", chosen(choices.rateScale.value)),
    ...given("lossScale", chosen(choices.lossScale.value)),
    ...given("layerScale", chosen(choices.layerScale.value)),
    ...given("sweepScale", chosen(choices.sweepScale.value)),
    ...given("metrics", choices.metrics.value),
    ...given("layers", choices.layers.value),
    hidden: [...choices.hidden.value].sort(),
    ...given("focus", choices.focus.value),
    ...given("tab", choices.tab.value),
    ...given("sweep", choices.sweep.value),
    ...given("training", choices.training.value),
    rule: choices.rule.value,
  };
}

function chosen(scale: ScaleChoice): ScaleChoice | null {
  return scale === "auto" ? null : scale;
}

function given<K extends keyof LinkState, V>(key: K, value: V | null): Partial<Record<K, V>> {
  return value === null ? {} : ({ [key]: value } as Record<K, V>);
}

export function applyLink(choices: Choices, state: LinkState): void {
  batch(() => {
    choices.kind.value = state.kind ?? null;
    if (state.runs !== undefined) choices.selections.training.value = state.runs;
    if (state.sweeps !== undefined) choices.selections.range_test.value = state.sweeps;
    if (state.filter !== undefined) choices.filter.value = filterOf(state.filter, NO_FILTER);
    if (state.axis !== undefined) choices.axis.value = state.axis;
    if (state.smoothing !== undefined) choices.smoothing.value = Math.min(state.smoothing, MOST_SMOOTHING);
    if (state.metrics !== undefined) choices.metrics.value = state.metrics;
    if (state.layers !== undefined) choices.layers.value = state.layers;
    if (state.focus !== undefined) choices.focus.value = state.focus;
    if (state.tab !== undefined) choices.tab.value = state.tab;
    if (state.sweep !== undefined) choices.sweep.value = state.sweep;
    choices.training.value = state.training ?? null;
    choices.hidden.value = new Set(state.hidden ?? []);
    choices.rule.value = state.rule ?? {};
    choices.rateScale.value = state.rateScale ?? choices.rateScale.value;
    choices.lossScale.value = state.lossScale ?? choices.lossScale.value;
    choices.layerScale.value = state.layerScale ?? choices.layerScale.value;
    choices.sweepScale.value = state.sweepScale ?? choices.sweepScale.value;
    choices.zoom.value = {
      x: state.zoom ?? null,
      rate: state.zoomRate ?? null,
      layers: state.zoomLayers ?? null,
      loss: state.zoomLoss ?? null,
    };
    choices.sweepZoom.value = {
      x: state.zoomSweep ?? null,
      sweep: state.zoomSweepLoss ?? null,
      slope: state.zoomSlope ?? null,
    };
  });
}
