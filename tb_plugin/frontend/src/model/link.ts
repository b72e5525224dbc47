import { type RuleTexts, SETTINGS } from "../api/report";
import type { Range } from "../api/types";
import { AXES, type Axis } from "./axis";
import type { ScaleChoice } from "./scale";
import { KINDS, type Kind } from "./selection";

/** What a link holds: everything that decides what is seen. An absent part stands for the page's own choice. */
export interface LinkState {
  readonly runs?: readonly string[];
  readonly filter?: string;
  readonly axis?: Axis;
  readonly zoom?: Range;
  readonly zoomRate?: Range;
  readonly zoomLayers?: Range;
  readonly zoomLoss?: Range;
  readonly smoothing?: number;
  readonly rateScale?: ScaleChoice;
  readonly layerScale?: ScaleChoice;
  readonly lossScale?: ScaleChoice;
  readonly metrics?: readonly string[];
  /** Layers that are told apart by colour. */
  readonly layers?: readonly string[];
  /** What is hidden by its entry in a legend. */
  readonly hidden?: readonly string[];
  readonly kind?: Kind;
  /** Selected range tests. */
  readonly sweeps?: readonly string[];
  /** The range test that a training is compared with, and the training that range tests are. */
  readonly sweep?: string;
  readonly training?: string;
  readonly zoomSweep?: Range;
  readonly zoomSweepLoss?: Range;
  readonly zoomSlope?: Range;
  readonly sweepScale?: ScaleChoice;
  /** The run that the side panel is about. */
  readonly focus?: string;
  readonly tab?: Tab;
  readonly rule?: RuleTexts;
}

export const TABS = ["findings", "what-if", "run", "sweep"] as const;

/** A tab of the side panel. */
export type Tab = (typeof TABS)[number];

export const LINK_PREFIX = "p.lrmon.";

/** The state as the values that TensorBoard hands a plugin: of `p.lrmon.x=epoch` the pair x, epoch. */
export function encodeState(state: LinkState): Record<string, string> {
  const values: Record<string, string> = {};
  if (state.runs !== undefined) values.runs = list(state.runs);
  if (state.filter) values.filter = state.filter;
  if (state.axis !== undefined) values.x = state.axis;
  if (state.zoom !== undefined) values.zoom = state.zoom.join(",");
  if (state.zoomRate !== undefined) values.zoom_lr = state.zoomRate.join(",");
  if (state.zoomLoss !== undefined) values.zoom_loss = state.zoomLoss.join(",");
  if (state.smoothing !== undefined) values.smoothing = String(state.smoothing);
  if (state.rateScale !== undefined) values.scale_lr = state.rateScale;
  if (state.zoomLayers !== undefined) values.zoom_layers = state.zoomLayers.join(",");
  if (state.layerScale !== undefined) values.scale_layers = state.layerScale;
  if (state.lossScale !== undefined) values.scale_loss = state.lossScale;
  if (state.metrics !== undefined) values.metrics = list(state.metrics);
  if (state.layers !== undefined) values.layers = list(state.layers);
  if (state.hidden !== undefined && state.hidden.length > 0) values.hidden = list(state.hidden);
  if (state.kind !== undefined) values.kind = state.kind;
  if (state.sweeps !== undefined) values.sweeps = list(state.sweeps);
  if (state.sweep !== undefined) values.sweep = state.sweep;
  if (state.training !== undefined) values.training = state.training;
  if (state.zoomSweep !== undefined) values.zoom_sweep = state.zoomSweep.join(",");
  if (state.zoomSweepLoss !== undefined) values.zoom_sweep_loss = state.zoomSweepLoss.join(",");
  if (state.zoomSlope !== undefined) values.zoom_slope = state.zoomSlope.join(",");
  if (state.sweepScale !== undefined) values.scale_sweep = state.sweepScale;
  if (state.focus !== undefined) values.focus = state.focus;
  if (state.tab !== undefined) values.tab = state.tab;
  for (const [setting, text] of Object.entries(state.rule ?? {})) values[`rule_${setting}`] = text;
  return values;
}

/** The state in the values of a link. What cannot be read is left out: a link from a newer page still opens. */
export function decodeState(values: Readonly<Record<string, string>>): LinkState {
  const axis = AXES.find((name) => name === values.x);
  const tab = TABS.find((name) => name === values.tab);
  const kind = KINDS.find((name) => name === values.kind);
  const rule: RuleTexts = Object.fromEntries(
    SETTINGS.flatMap((setting) => {
      const text = values[`rule_${setting}`];
      return text === undefined ? [] : [[setting, text]];
    }),
  );
  const smoothing = values.smoothing === undefined ? Number.NaN : Number(values.smoothing);
  return {
    ...part("runs", names(values.runs)),
    ...(values.filter === undefined ? {} : { filter: values.filter }),
    ...(axis === undefined ? {} : { axis }),
    ...part("zoom", range(values.zoom)),
    ...part("zoomRate", range(values.zoom_lr)),
    ...part("zoomLoss", range(values.zoom_loss)),
    ...(smoothing >= 0 && smoothing < 1 ? { smoothing } : {}),
    ...part("rateScale", scale(values.scale_lr)),
    ...part("zoomLayers", range(values.zoom_layers)),
    ...part("layerScale", scale(values.scale_layers)),
    ...part("lossScale", scale(values.scale_loss)),
    ...part("metrics", names(values.metrics)),
    ...part("layers", names(values.layers)),
    ...part("hidden", names(values.hidden)),
    ...part("kind", kind),
    ...part("sweeps", names(values.sweeps)),
    ...part("sweep", values.sweep),
    ...part("training", values.training),
    ...part("zoomSweep", range(values.zoom_sweep)),
    ...part("zoomSweepLoss", range(values.zoom_sweep_loss)),
    ...part("zoomSlope", range(values.zoom_slope)),
    ...part("sweepScale", scale(values.scale_sweep)),
    ...part("focus", values.focus),
    ...part("tab", tab),
    ...(Object.keys(rule).length === 0 ? {} : { rule }),
  };
}

/** The address of TensorBoard with this state in it; `page` is the address of TensorBoard's own page. */
export function linkAddress(page: string, values: Readonly<Record<string, string>>): string {
  const parts = Object.entries(values).map(
    ([key, value]) => `${LINK_PREFIX}${key}=${encodeURIComponent(value)}`,
  );
  return `${page.replace(/#.*$/, "")}#${["lrmon", ...parts].join("&")}`;
}

/** The values in the hash of TensorBoard's address, by their names after `p.lrmon.`. */
export function hashValues(hash: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const token of hash.replace(/^#/, "").split("&")) {
    const [key = "", value, ...rest] = token.split("=").map(decoded);
    if (key.startsWith(LINK_PREFIX) && value !== undefined && rest.length === 0) {
      values[key.slice(LINK_PREFIX.length)] = value;
    }
  }
  return values;
}

function part<K extends string, V>(key: K, value: V | undefined): Partial<Record<K, V>> {
  return value === undefined ? {} : ({ [key]: value } as Record<K, V>);
}

/** A name may hold a comma, so each is encoded by itself. */
function list(all: readonly string[]): string {
  return all.map(encodeURIComponent).join(",");
}

function names(text: string | undefined): readonly string[] | undefined {
  return text === undefined ? undefined : text === "" ? [] : text.split(",").map(decoded);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function range(text: string | undefined): Range | undefined {
  const [start, end, ...rest] = (text ?? "")
    .split(",")
    .map((bound) => (bound === "" ? Number.NaN : Number(bound)));
  if (start === undefined || end === undefined || rest.length > 0) return undefined;
  return Number.isFinite(start) && Number.isFinite(end) && end > start ? [start, end] : undefined;
}

function scale(text: string | undefined): ScaleChoice | undefined {
  return text === "linear" || text === "log" || text === "auto" ? text : undefined;
}
