import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { RuleTexts } from "../api/report";
import type { Range } from "../api/types";
import { remember, remembered } from "../host/browser";
import type { Axis } from "../model/axis";
import type { LinkState, Tab } from "../model/link";
import type { ScaleChoice } from "../model/scale";
import { type Filter, filterOf, NO_FILTER } from "../model/selection";

/** The visible part; null is all of it. */
export interface Zoom {
  readonly x: Range | null;
  readonly rate: Range | null;
  readonly loss: Range | null;
}

export const NO_ZOOM: Zoom = { x: null, rate: null, loss: null };

export const DEFAULT_SMOOTHING = 0.6;
export const MOST_SMOOTHING = 0.999;

export type ThemeChoice = "auto" | "light" | "dark";

/** What the user decides; a null leaves the decision to the page. */
export interface Choices {
  readonly selection: Signal<readonly string[] | null>;
  readonly filter: Signal<Filter>;
  readonly axis: Signal<Axis>;
  readonly zoom: Signal<Zoom>;
  readonly smoothing: Signal<number>;
  readonly rateScale: Signal<ScaleChoice>;
  readonly lossScale: Signal<ScaleChoice>;
  readonly metrics: Signal<readonly string[] | null>;
  readonly hidden: Signal<ReadonlySet<string>>;
  readonly theme: Signal<ThemeChoice>;
  readonly panelOpen: Signal<boolean | null>;
  readonly tab: Signal<Tab | null>;
  /** Of several drawn runs, the one that the side panel and the marks of the charts are about. */
  readonly focus: Signal<string | null>;
  /** ReduceLROnPlateau's settings, where they are not the run's own. */
  readonly rule: Signal<RuleTexts>;
  readonly isZoomed: ReadonlySignal<boolean>;
}

export function createChoices(): Choices {
  const zoom = signal<Zoom>(NO_ZOOM);
  const theme = remembered("theme");
  const panel = remembered("panel");
  return {
    selection: signal<readonly string[] | null>(null),
    filter: signal(NO_FILTER),
    axis: signal<Axis>("step"),
    zoom,
    smoothing: signal(DEFAULT_SMOOTHING),
    rateScale: signal<ScaleChoice>("auto"),
    lossScale: signal<ScaleChoice>("auto"),
    metrics: signal<readonly string[] | null>(null),
    hidden: signal<ReadonlySet<string>>(new Set()),
    theme: signal<ThemeChoice>(theme === "light" || theme === "dark" ? theme : "auto"),
    panelOpen: signal<boolean | null>(panel === null ? null : panel === "open"),
    tab: signal<Tab | null>(null),
    focus: signal<string | null>(null),
    rule: signal<RuleTexts>({}),
    isZoomed: computed(() => zoom.value.x !== null || zoom.value.rate !== null || zoom.value.loss !== null),
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

export function chooseFilter(choices: Choices, pattern: string): void {
  choices.filter.value = filterOf(pattern, choices.filter.value);
}

/** What a link has to hold so that another reader sees the same; `runs` are those that are selected now. */
export function linkState(choices: Choices, runs: readonly string[]): LinkState {
  const { x, rate, loss } = choices.zoom.value;
  const metrics = choices.metrics.value;
  return {
    runs,
    axis: choices.axis.value,
    smoothing: choices.smoothing.value,
    filter: choices.filter.value.pattern,
    ...(x === null ? {} : { zoom: x }),
    ...(rate === null ? {} : { zoomRate: rate }),
    ...(loss === null ? {} : { zoomLoss: loss }),
    ...(choices.rateScale.value === "auto" ? {} : { rateScale: choices.rateScale.value }),
    ...(choices.lossScale.value === "auto" ? {} : { lossScale: choices.lossScale.value }),
    ...(metrics === null ? {} : { metrics }),
    ...(choices.focus.value === null ? {} : { focus: choices.focus.value }),
    ...(choices.tab.value === null ? {} : { tab: choices.tab.value }),
    rule: choices.rule.value,
  };
}

export function applyLink(choices: Choices, state: LinkState): void {
  batch(() => {
    if (state.runs !== undefined) choices.selection.value = state.runs;
    if (state.filter !== undefined) choices.filter.value = filterOf(state.filter, NO_FILTER);
    if (state.axis !== undefined) choices.axis.value = state.axis;
    if (state.smoothing !== undefined) choices.smoothing.value = Math.min(state.smoothing, MOST_SMOOTHING);
    if (state.metrics !== undefined) choices.metrics.value = state.metrics;
    if (state.focus !== undefined) choices.focus.value = state.focus;
    if (state.tab !== undefined) choices.tab.value = state.tab;
    choices.rule.value = state.rule ?? {};
    choices.rateScale.value = state.rateScale ?? choices.rateScale.value;
    choices.lossScale.value = state.lossScale ?? choices.lossScale.value;
    choices.zoom.value = {
      x: state.zoom ?? null,
      rate: state.zoomRate ?? null,
      loss: state.zoomLoss ?? null,
    };
  });
}
