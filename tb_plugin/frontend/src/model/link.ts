import { type RuleTexts, SETTINGS } from "../api/report";
import type { Range } from "../api/types";
import { AXES, type Axis } from "./axis";
import type { ScaleChoice } from "./scale";

/** What a link holds: everything that decides what is seen. An absent part stands for the page's own choice. */
export interface LinkState {
  readonly runs?: readonly string[];
  readonly filter?: string;
  readonly axis?: Axis;
  readonly zoom?: Range;
  readonly zoomRate?: Range;
  readonly zoomLoss?: Range;
  readonly smoothing?: number;
  readonly rateScale?: ScaleChoice;
  readonly lossScale?: ScaleChoice;
  readonly metrics?: readonly string[];
  /** The run that the side panel is about. */
  readonly focus?: string;
  readonly tab?: Tab;
  readonly rule?: RuleTexts;
}

export const TABS = ["findings", "what-if", "run"] as const;

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
  if (state.lossScale !== undefined) values.scale_loss = state.lossScale;
  if (state.metrics !== undefined) values.metrics = list(state.metrics);
  if (state.focus !== undefined) values.focus = state.focus;
  if (state.tab !== undefined) values.tab = state.tab;
  for (const [setting, text] of Object.entries(state.rule ?? {})) values[`rule_${setting}`] = text;
  return values;
}

/** The state in the values of a link. What cannot be read is left out: a link from a newer page still opens. */
export function decodeState(values: Readonly<Record<string, string>>): LinkState {
  const axis = AXES.find((name) => name === values.x);
  const tab = TABS.find((name) => name === values.tab);
  const rule: RuleTexts = Object.fromEntries(
    SETTINGS.flatMap((setting) => {
      const text = values[`rule_${setting}`];
      return text === undefined ? [] : [[setting, text]];
    }),
  );
  const smoothing = values.smoothing === undefined ? Number.NaN : Number(values.smoothing);
  return {
    ...(values.runs === undefined ? {} : { runs: unlist(values.runs) }),
    ...(values.filter === undefined ? {} : { filter: values.filter }),
    ...(axis === undefined ? {} : { axis }),
    ...part("zoom", range(values.zoom)),
    ...part("zoomRate", range(values.zoom_lr)),
    ...part("zoomLoss", range(values.zoom_loss)),
    ...(smoothing >= 0 && smoothing < 1 ? { smoothing } : {}),
    ...part("rateScale", scale(values.scale_lr)),
    ...part("lossScale", scale(values.scale_loss)),
    ...(values.metrics === undefined ? {} : { metrics: unlist(values.metrics) }),
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
function list(names: readonly string[]): string {
  return names.map(encodeURIComponent).join(",");
}

function unlist(text: string): readonly string[] {
  return text === "" ? [] : text.split(",").map(decoded);
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
