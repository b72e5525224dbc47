import type { LearningRate, LRChange, Planned, Plateaus, Report } from "../../api/report";
import type { Series, Value } from "../../api/types";
import { type Axis, epochEnds } from "../axes/axis";
import { formatCount } from "../axes/format";
import { finite, lowerBound } from "../axes/lookup";
import { type PositionOf, positionsOf } from "./positions";
import {
  lrChangeLabel,
  lrChangeSentence,
  reductionLabel,
  reductionSentence,
  waitSentence,
} from "./sentences";

/** What a click in the legend hides. */
export type MarkKind = "lr_changes" | "planned" | "would" | "plateaus" | "corridor" | "fuse";

/** A change of the learning rate on the chart. */
export interface Marker {
  readonly x: number;
  readonly step: number;
  /** The new learning rate. */
  readonly y: number;
  readonly isIncrease: boolean;
  /** On the boundary of an epoch, off it, or one step late; null where nothing is known of epochs. */
  readonly tone: "on" | "off" | "late" | null;
  readonly label: string;
  readonly sentence: string;
}

/** A plateau, from the best value to the reduction. */
export interface Band {
  readonly start: number;
  readonly end: number;
  readonly step: number;
  /** Solid where the learning rate really was reduced. */
  readonly isSolid: boolean;
  readonly label: string;
  /** Where the label finds no room. */
  readonly short: string;
  readonly sentence: string;
}

/** Values that count as no better than the best: a step in x with its best and the best ± min_delta. */
export interface CorridorPiece {
  readonly start: number;
  readonly end: number;
  readonly best: number;
  readonly low: number;
  readonly high: number;
}

/** How much of the patience is used up over a stretch of x, at its start and at its end. */
export interface FuseCell {
  readonly start: number;
  readonly end: number;
  readonly from: number;
  readonly to: number;
  readonly isReduction: boolean;
  readonly isCoolingDown: boolean;
  readonly sentence: string;
}

export interface Curve {
  readonly xs: readonly number[];
  readonly ys: readonly Value[];
}

/** All that a report adds to the charts of its run, with positions on the axis. */
export interface Marks {
  readonly run: string;
  readonly markers: readonly Marker[];
  readonly bands: readonly Band[];
  readonly corridor: { readonly monitor: string; readonly pieces: readonly CorridorPiece[] } | null;
  readonly fuse: readonly FuseCell[];
  readonly planned: Curve | null;
  readonly would: Curve | null;
  /** The position of a finding that the user asked to see. */
  readonly highlight: readonly [start: number, end: number] | null;
  /** Whether what ReduceLROnPlateau does is drawn, or could be: its own did something, or the user asks. */
  readonly plateaus: boolean;
}

export interface MarkOptions {
  readonly hidden: ReadonlySet<string>;
  /** The steps of a finding that the user asked to see. */
  readonly shown: readonly [first: number, last: number] | null;
  /**
   * The user asks what if: what a rule would have done is drawn, and what it counts also where it never reduces
   * anything. Else only what the run's own ReduceLROnPlateau did is of interest.
   */
  readonly isAsking: boolean;
}

export function marksOf(report: Report, series: Series, axis: Axis, options: MarkOptions): Marks {
  const { hidden, shown } = options;
  const positionOf = positionsOf(series, axis);
  const isHidden = (kind: MarkKind): boolean => hidden.has(kind);
  const { plateaus } = report;
  const overlaid = options.isAsking || plateaus.applied;
  const counted =
    overlaid &&
    (plateaus.reductions.length > 0 || (options.isAsking && plateaus.wait.some((count) => count > 0)));
  return {
    run: report.run,
    markers:
      isHidden("lr_changes") || changesEveryEpoch(report.lr)
        ? []
        : markersOf(report.lr.lr_changes, report.lr.late, positionOf),
    bands: isHidden("plateaus") || !overlaid ? [] : bandsOf(report, positionOf),
    corridor: isHidden("corridor") || !counted ? null : corridorOf(plateaus, series, axis, positionOf),
    fuse: isHidden("fuse") || !counted ? [] : fuseOf(report, positionOf),
    planned:
      isHidden("planned") || report.planned === null ? null : plannedOf(report.planned, axis, positionOf),
    would: isHidden("would") || !overlaid ? null : wouldOf(report, positionOf),
    highlight: shown === null ? null : between(positionOf(shown[0]), positionOf(shown[1] + 1)),
    plateaus: overlaid,
  };
}

/** Whether the learning rate is set anew at every epoch by one rule: then no epoch's start is an LR change. */
export function changesEveryEpoch({ shape }: LearningRate): boolean {
  return shape !== null && shape.unit === "epoch" && shape.every === 1;
}

function markersOf(lrChanges: readonly LRChange[], late: string | null, positionOf: PositionOf): Marker[] {
  return lrChanges.flatMap((lrChange) => {
    const x = positionOf(lrChange.step);
    if (x === null) return [];
    const known = lrChange.offset !== null;
    return [
      {
        x,
        step: lrChange.step,
        y: lrChange.to,
        isIncrease: lrChange.to > lrChange.from,
        tone: lrChange.late ? "late" : known ? (lrChange.on_boundary ? "on" : "off") : null,
        label: lrChangeLabel(lrChange),
        sentence: lrChangeSentence(lrChange, late),
      },
    ];
  });
}

function bandsOf(report: Report, positionOf: PositionOf): Band[] {
  const { reductions, unit } = report.plateaus;
  const before = { rule: Number.NEGATIVE_INFINITY, record: Number.NEGATIVE_INFINITY };
  return reductions.flatMap((reduction) => {
    const end = positionOf(reduction.step + 1);
    if (end === null) return [];
    const best = reduction.best_step === null ? null : positionOf(reduction.best_step);
    // After an LR reduction the wait starts again, also where the best value is as far back as before.
    const whose = reduction.kind === "did" ? "record" : "rule";
    const start = Math.min(Math.max(best ?? end, before[whose]), end);
    before[whose] = end;
    return [
      {
        start,
        end,
        step: reduction.step,
        isSolid: reduction.kind !== "would",
        label: reductionLabel(reduction, unit),
        short: `${unit} ${formatCount(unit === "epoch" && reduction.epoch !== null ? reduction.epoch : reduction.step)}`,
        sentence: reductionSentence(reduction, report),
      },
    ];
  });
}

/** Where the monitored values are drawn: an epoch's at its end, a batch's at its step. */
function corridorOf(
  { rule, best, step, unit }: Plateaus,
  series: Series,
  axis: Axis,
  positionOf: PositionOf,
): Marks["corridor"] {
  const xs: readonly Value[] = unit === "epoch" ? epochEnds(series, axis) : step.map(positionOf);
  const pieces: CorridorPiece[] = [];
  for (const [index, value] of best.entries()) {
    const start = xs[index] ?? null;
    const end = xs[index + 1] ?? start;
    if (!finite(value) || start === null || end === null) continue;
    const delta = Math.abs(rule.min_delta);
    const last = pieces.at(-1);
    if (last !== undefined && last.best === value && last.end === start)
      pieces[pieces.length - 1] = { ...last, end };
    else pieces.push({ start, end, best: value, low: value - delta, high: value + delta });
  }
  return pieces.length === 0 ? null : { monitor: rule.monitor, pieces };
}

function fuseOf(report: Report, positionOf: PositionOf): FuseCell[] {
  const { plateaus, epochs } = report;
  const { step, wait, reductions, unit, rule } = plateaus;
  const reductionSteps = new Set(
    reductions.filter(({ kind }) => kind !== "did").map((reduction) => reduction.step),
  );
  const patience = Math.max(1, rule.patience);
  const part = (count: number): number => Math.min(1, count / patience);
  return step.flatMap((at, index) => {
    const isReduction = reductionSteps.has(at);
    const next = step[index + 1];
    const [from, until] =
      unit === "epoch"
        ? [epochs.first_step[index] ?? null, (epochs.last_step[index] ?? at) + 1]
        : [at, next ?? at + 1];
    const [start, end] = [from === null ? null : positionOf(from), positionOf(until)];
    if (start === null || end === null) return [];
    const used = isReduction ? 1 : part(wait[index] as number);
    // Between two rows of a batch series the wait grows by one a step.
    const to = unit === "epoch" || next === undefined ? used : part(wait[index + 1] as number);
    return [
      {
        start,
        end,
        from: unit === "step" && isReduction ? 0 : used,
        to: unit === "step" && next !== undefined && reductionSteps.has(next) ? 1 : to,
        isReduction,
        isCoolingDown: plateaus.in_cooldown[index] === true,
        sentence: waitSentence(plateaus, index, isReduction),
      },
    ];
  });
}

function plannedOf(planned: Planned, axis: Axis, positionOf: PositionOf): Curve | null {
  const xs: number[] = [];
  const ys: Value[] = [];
  for (const [index, step] of planned.step.entries()) {
    const x = axis === "epoch" ? (planned.epoch[index] ?? null) : positionOf(step);
    if (x === null) continue;
    xs.push(x);
    ys.push(planned.learning_rate[index] ?? null);
  }
  const end = positionOf(planned.last_step + 1);
  if (end !== null && end > (xs.at(-1) ?? end)) {
    xs.push(end);
    ys.push(ys.at(-1) ?? null);
  }
  return xs.length < 2 ? null : { xs, ys };
}

/** The learning rate under this rule alone, null where it never reduces it. */
function wouldOf({ plateaus, epochs }: Report, positionOf: PositionOf): Curve | null {
  const { lr, step, reductions, unit } = plateaus;
  if (!reductions.some(({ kind }) => kind !== "did")) return null;
  const xs: number[] = [];
  const ys: Value[] = [];
  const add = (at: number, value: Value): void => {
    const x = positionOf(at);
    if (x === null || x < (xs.at(-1) ?? x)) return;
    xs.push(x);
    ys.push(finite(value) ? value : null);
  };
  for (const [index, value] of lr.entries()) {
    add(unit === "epoch" ? (epochs.first_step[index] ?? 0) : (step[index] as number), value);
  }
  const last = step.at(-1);
  if (last !== undefined) {
    const reduction = reductions.find((reduction) => reduction.step === last && reduction.kind !== "did");
    add(last + 1, reduction === undefined ? (lr.at(-1) ?? null) : reduction.lr_to);
  }
  return xs.length < 2 ? null : { xs, ys };
}

function between(start: Value, end: Value): readonly [number, number] | null {
  return start === null || end === null || end < start ? null : [start, end];
}

/** The sentence of the mark that stands at a step, for a cursor that the keyboard moves. */
export function sentenceAt(marks: Marks, step: number): string | null {
  const lrChange =
    marks.markers[
      lowerBound(
        marks.markers.map((marker) => marker.step),
        step,
      )
    ];
  if (lrChange?.step === step) return lrChange.sentence;
  return marks.bands.find((band) => band.step === step)?.sentence ?? null;
}
