import type { Range, Series, Value } from "../../api/types";
import type { Axis, ChartAxis } from "../axes/axis";
import type { ScaleChoice, ScaleKind, Span } from "../axes/scale";
import type { EpochSpan } from "../marks/epochs";
import type { Marks } from "../marks/marks";
import type { SweepMarks } from "../rangeTest/sweepMarks";
import type { Stretch } from "./stretches";

/**
 * The charts. Of trainings: learning rates, how far each layer moves, loss and epoch metrics. Of range tests: loss
 * against learning rate, and its slope.
 */
export type PaneId = "lr" | "layers" | "loss" | "sweep" | "slope";

/** The quantity of a line. An epoch metric has its name. */
export type LineKind =
  | "learning_rate"
  | "effective_learning_rate"
  | "loss"
  | "loss_smoothed"
  | "metric"
  | "planned"
  | "would"
  | "step_size"
  | "layer"
  | "sweep_loss"
  | "sweep_smoothed"
  | "slope";

export interface DrawnRun {
  readonly name: string;
  /** The whole run. */
  readonly overview: Series;
  /** The visible range at full resolution, or the overview until it has arrived. */
  readonly shown: Series;
}

/** The color of a line; `index` is the one among the chosen metrics, the optimizers or the layers, -1 for none. */
export type Colors = (line: {
  readonly run: string;
  readonly kind: LineKind;
  readonly index: number;
}) => string;

export interface Line {
  readonly run: string;
  readonly kind: LineKind;
  /** Name of the quantity, as the legend and the tooltip call it. */
  readonly label: string;
  /** Which of several lines of its kind: the name of the metric, of the layer or of the optimizer. */
  readonly name?: string;
  /** Steps hold a value until the next; points are joined by a thin line. */
  readonly drawn: "steps" | "line" | "points";
  readonly side: "left" | "right";
  readonly color: string;
  readonly alpha: number;
  readonly width: number;
  readonly dash?: readonly number[];
  readonly xs: readonly number[];
  readonly ys: readonly Value[];
}

/** The area between two curves, behind the lines. */
export interface Area {
  readonly color: string;
  readonly alpha: number;
  readonly xs: readonly number[];
  readonly low: readonly Value[];
  readonly high: readonly Value[];
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

/** What a picture cannot show: a learning rate of 0, other values of 0 or less, what is below or above its axis. */
export type NoteCode = "zero" | "not-positive" | "below" | "above";

/** Something that the picture cannot show, in a word or two and in full. */
export interface Note {
  readonly code: NoteCode;
  readonly text: string;
  readonly more: string;
}

/** Everything that a chart draws, as plain data. */
export interface PaneView {
  readonly id: PaneId;
  readonly axis: ChartAxis;
  readonly range: Range;
  readonly lines: readonly Line[];
  readonly areas: readonly Area[];
  readonly left: YAxis;
  readonly right: YAxis | null;
  /** Of the first run. */
  readonly epochs: readonly EpochSpan[];
  readonly stretches: readonly RunStretch[];
  readonly notes: readonly Note[];
  /** Where on the x axis no update was made. */
  readonly skipped: readonly number[];
  /** What the report of one of the runs adds. */
  readonly marks: Marks | null;
  /** What a range test adds. */
  readonly sweep: SweepMarks | null;
}

/** What a pane of trainings has no need of. */
export const PLAIN = { areas: [], skipped: [], sweep: null, notes: [], marks: null } as const;

export interface PaneInput {
  readonly runs: readonly DrawnRun[];
  readonly axis: Axis;
  readonly range: Range;
  readonly zoom: Range | null;
  readonly scale: ScaleChoice;
  readonly colors: Colors;
  readonly hidden: ReadonlySet<string>;
  readonly marks?: Marks | null;
}

export interface LRPaneInput extends PaneInput {
  /** The run whose samples are drawn. */
  readonly sampled?: string | null;
}

export interface LossPaneInput extends PaneInput {
  readonly metrics: readonly { readonly name: string; readonly side: "left" | "right" }[];
  readonly smoothing: number;
  /** So many batches lie in a pixel that their losses are an area, not a line. */
  readonly isDense?: boolean;
}
