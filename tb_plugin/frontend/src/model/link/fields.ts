import { type RuleTexts, SETTINGS } from "../../api/report";
import type { Range } from "../../api/types";
import { AXES } from "../axes/axis";
import type { ScaleChoice } from "../axes/scale";
import { filterOf, KINDS, NO_FILTER } from "../runs/selection";

/** The values of a link by their names after `p.lrmon.`. */
export type LinkValues = Readonly<Record<string, string>>;

/** One thing that the user decides and that a link holds. */
export interface Field<T> {
  /** The page's own choice: a link does not name it. */
  readonly initial: T;
  /** The values of a link that hold the choice. */
  readonly write: (value: T) => Record<string, string>;
  /** The choice in the values of a link; the initial one where there is none or it cannot be read. */
  readonly read: (values: LinkValues) => T;
}

export const TABS = ["findings", "what-if", "run", "sweep"] as const;

/** A tab of the side panel. */
export type Tab = (typeof TABS)[number];

/** The visible part of the charts of trainings; null is all of it. */
export interface Zoom {
  readonly x: Range | null;
  readonly lr: Range | null;
  readonly layers: Range | null;
  readonly loss: Range | null;
}

export const NO_ZOOM: Zoom = { x: null, lr: null, layers: null, loss: null };

/** The visible part of range tests; null is all of it. */
export interface SweepZoom {
  readonly x: Range | null;
  readonly sweep: Range | null;
  readonly slope: Range | null;
}

export const NO_SWEEP_ZOOM: SweepZoom = { x: null, sweep: null, slope: null };

export const MOST_SMOOTHING = 0.999;

/**
 * Everything that decides what is visible, each with its name in a link. A null leaves the decision to the page. A new
 * entry here is a new signal of the choices, and part of every link.
 */
export const FIELDS = {
  kind: chosen("kind", oneOf(KINDS)),
  /** Selected trainings, and selected range tests. */
  runs: chosen("runs", names()),
  sweeps: chosen("sweeps", names()),
  filter: whole("filter", NO_FILTER, {
    write: ({ pattern }) => pattern,
    read: (text) => filterOf(text, NO_FILTER),
  }),
  axis: whole("x", "step", oneOf(AXES)),
  zoom: ranges(NO_ZOOM, { x: "zoom", lr: "zoom_lr", layers: "zoom_layers", loss: "zoom_loss" }),
  sweepZoom: ranges(NO_SWEEP_ZOOM, { x: "zoom_sweep", sweep: "zoom_sweep_loss", slope: "zoom_slope" }),
  /** Null follows how many steps a pixel holds. */
  smoothing: chosen("smoothing", { write: String, read: smoothingOf }),
  lrScale: whole("scale_lr", "auto", scale()),
  layerScale: whole("scale_layers", "auto", scale()),
  lossScale: whole("scale_loss", "auto", scale()),
  sweepScale: whole("scale_sweep", "auto", scale()),
  /** Null folds the pane of the learning rate where there is nothing to see in it. */
  lrPane: chosen("pane_lr", oneOf(["open", "folded"] as const)),
  metrics: chosen("metrics", names()),
  /** Layers that have their own color. */
  layers: chosen("layers", names()),
  /** What is hidden by its entry in a legend. */
  hidden: whole<ReadonlySet<string>>("hidden", new Set(), {
    write: (hidden) => (hidden.size === 0 ? "" : names().write([...hidden].sort())),
    read: (text) => new Set(names().read(text)),
  }),
  /** The run that the side panel and the marks of the charts are about. */
  focus: chosen("focus", text()),
  tab: chosen("tab", oneOf(TABS)),
  /** The range test that a training is compared with; null is the latest. */
  sweep: chosen("sweep", text()),
  /** The training whose learning rates are drawn over the range tests. */
  training: chosen("training", text()),
  /** ReduceLROnPlateau's settings, where they are not the run's own. */
  rule: {
    initial: {},
    write: (rule) => Object.fromEntries(Object.entries(rule).map(([name, text]) => [`rule_${name}`, text])),
    read: (values) =>
      Object.fromEntries(
        SETTINGS.flatMap((setting) => {
          const text = values[`rule_${setting}`];
          return text === undefined ? [] : [[setting, text]];
        }),
      ),
  } satisfies Field<RuleTexts> as Field<RuleTexts>,
};

/** What a link holds: a value for each of the fields. */
export type LinkState = {
  readonly [K in keyof typeof FIELDS]: (typeof FIELDS)[K] extends Field<infer T> ? T : never;
};

/** A value as the text of a link; undefined where the text cannot be read. */
interface Text<T> {
  readonly write: (value: T) => string;
  readonly read: (text: string) => T | undefined;
}

/** A field with one name in the link, which names nothing but the page's own choice by its absence. */
function whole<T>(key: string, initial: T, { write, read }: Text<T>): Field<T> {
  return {
    initial,
    write: (value) => (write(value) === write(initial) ? {} : { [key]: write(value) }),
    read: (values) => {
      const text = values[key];
      return text === undefined ? initial : (read(text) ?? initial);
    },
  };
}

/** A field that the page decides by itself until the user does. */
function chosen<T>(key: string, { write, read }: Text<T>): Field<T | null> {
  return {
    initial: null,
    write: (value) => (value === null ? {} : { [key]: write(value) }),
    read: (values) => {
      const text = values[key];
      return text === undefined ? null : (read(text) ?? null);
    },
  };
}

/** A field of several ranges, each with a name of its own in the link. */
function ranges<Z extends { readonly [K in keyof Z]: Range | null }>(
  initial: Z,
  keys: Readonly<Record<keyof Z, string>>,
): Field<Z> {
  const parts = Object.keys(initial) as (keyof Z)[];
  return {
    initial,
    write: (zoom) =>
      Object.fromEntries(
        parts.flatMap((part) => {
          const range = zoom[part];
          return range === null ? [] : [[keys[part], range.join(",")]];
        }),
      ),
    read: (values) =>
      Object.fromEntries(parts.map((part) => [part, rangeOf(values[keys[part]])])) as unknown as Z,
  };
}

function oneOf<T extends string>(all: readonly T[]): Text<T> {
  return { write: (value) => value, read: (text) => all.find((value) => value === text) };
}

function scale(): Text<ScaleChoice> {
  return oneOf<ScaleChoice>(["auto", "linear", "log"]);
}

function text(): Text<string> {
  return { write: (value) => value, read: (text) => text };
}

/** A name may hold a comma, so each is encoded by itself. */
function names(): Text<readonly string[]> {
  return {
    write: (all) => all.map(encodeURIComponent).join(","),
    read: (text) => (text === "" ? [] : text.split(",").map(decoded)),
  };
}

export function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function smoothingOf(text: string): number | undefined {
  const value = text === "" ? Number.NaN : Number(text);
  return value >= 0 && value < 1 ? Math.min(value, MOST_SMOOTHING) : undefined;
}

function rangeOf(text: string | undefined): Range | null {
  const [start, end, ...rest] = (text ?? "")
    .split(",")
    .map((bound) => (bound === "" ? Number.NaN : Number(bound)));
  if (start === undefined || end === undefined || rest.length > 0) return null;
  return Number.isFinite(start) && Number.isFinite(end) && end > start ? [start, end] : null;
}
