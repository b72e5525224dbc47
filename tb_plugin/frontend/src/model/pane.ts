import type { Range, Series, Value } from "../api/types";
import type { Axis } from "./axis";
import type { EpochSpan } from "./epochs";
import type { Marks } from "./marks";
import type { ScaleChoice, ScaleKind, Span } from "./scale";
import type { Stretch } from "./stretches";

/** The two charts of the page: learning rates above, loss and epoch metrics below. */
export type PaneId = "rate" | "loss";

/** What a line tells. An epoch metric goes by its name. */
export type LineKind =
  | "learning_rate"
  | "effective_learning_rate"
  | "loss"
  | "loss_smoothed"
  | "metric"
  | "planned"
  | "would";

export interface DrawnRun {
  readonly name: string;
  /** The whole run. */
  readonly overview: Series;
  /** The visible range at full resolution, or the overview until it has arrived. */
  readonly shown: Series;
}

/** The colour of a line; `metric` is its place among the chosen metrics. */
export type Colours = (line: {
  readonly run: string;
  readonly kind: LineKind;
  readonly metric: number;
}) => string;

export interface Line {
  readonly run: string;
  readonly kind: LineKind;
  /** Name of the quantity, as the legend and the tooltip call it. */
  readonly label: string;
  /** Steps hold a value until the next; points are joined by a thin line. */
  readonly drawn: "steps" | "line" | "points";
  readonly side: "left" | "right";
  readonly colour: string;
  readonly alpha: number;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly xs: readonly number[];
  readonly ys: readonly Value[];
}

export interface YAxis {
  readonly kind: ScaleKind;
  readonly range: Range;
  /** Of the values in view; null where there are none. */
  readonly values: Span | null;
}

export interface RunStretch extends Stretch {
  readonly run: string;
  readonly column: "learning_rate" | "loss";
}

/** Something that the picture cannot show, in a word or two and in full. */
export interface Note {
  readonly text: string;
  readonly more: string;
}

/** Everything that a chart draws, as plain data. */
export interface PaneView {
  readonly id: PaneId;
  readonly axis: Axis;
  readonly range: Range;
  readonly lines: readonly Line[];
  readonly left: YAxis;
  readonly right: YAxis | null;
  /** Of the first run. */
  readonly epochs: readonly EpochSpan[];
  readonly stretches: readonly RunStretch[];
  readonly notes: readonly Note[];
  /** What the report of one of the runs adds. */
  readonly marks: Marks | null;
}

export interface PaneInput {
  readonly runs: readonly DrawnRun[];
  readonly axis: Axis;
  readonly range: Range;
  readonly zoom: Range | null;
  readonly scale: ScaleChoice;
  readonly colours: Colours;
  readonly hidden: ReadonlySet<string>;
  readonly marks?: Marks | null;
}

export interface LossPaneInput extends PaneInput {
  readonly metrics: readonly { readonly name: string; readonly side: "left" | "right" }[];
  readonly smoothing: number;
}
