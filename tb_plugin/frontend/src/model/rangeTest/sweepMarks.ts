import { METHODS, type Method, type RangeTest, type Summary } from "../../api/rangeTest";
import type { Range } from "../../api/types";
import { plural } from "../axes/format";
import { finite } from "../axes/lookup";
import { formatSuggestion, METHOD_NAMES, METHOD_TEXTS, overall, spreadText } from "./suggestions";

/** Whose a mark is: what is recommended, the other suggestions, where a sweep stopped. */
export type SweepTone = "recommended" | "method" | "divergence" | "stopped";

/** A learning rate that is marked: an upright line, and where several sweeps differ the band that they span. */
export interface SweepLine {
  /** Logarithm (base 10) of the learning rate. */
  readonly x: number;
  readonly spread: Range | null;
  readonly tone: SweepTone;
  /** Null gives each tone its own color. */
  readonly color: string | null;
  /** What stands beside it where there is room, and where there is little; nothing where it is empty. */
  readonly label: string;
  readonly short: string;
  readonly sentence: string;
}

/** The learning rates that a training used. */
export interface TrainedBand {
  readonly range: Range;
  readonly median: number | null;
  readonly label: string;
  readonly sentence: string;
}

/** What a range test adds to its charts. */
export interface SweepMarks {
  readonly lines: readonly SweepLine[];
  readonly trained: TrainedBand | null;
}

export interface DrawnTest {
  readonly name: string;
  readonly test: RangeTest;
}

export interface SweepMarkOptions {
  readonly hidden: ReadonlySet<string>;
  /** Of a run, where several are drawn. */
  readonly color: (run: string) => string;
}

/** Of one test every suggestion is marked; of several each one's recommended LR in its color, and their median. */
export function sweepMarksOf(tests: readonly DrawnTest[], { hidden, color }: SweepMarkOptions): SweepMarks {
  const [first] = tests;
  const lines: SweepLine[] = [];
  if (first !== undefined && !hidden.has("suggestions")) {
    if (tests.length === 1) lines.push(...linesOfOne(first.test));
    else {
      for (const { name, test } of tests) {
        const line = lineOf(test.recommended, "method", "", `Recommended by ${name}.`);
        if (line !== null) lines.push({ ...line, color: color(name) });
      }
      const { recommended } = overall(tests.map(({ test }) => test));
      const sentence = `Median of the recommended LRs of ${plural(recommended.found, "test")}.`;
      const median = lineOf(recommended, "recommended", "median", sentence);
      if (median !== null) lines.push(median);
    }
  }
  return { lines, trained: hidden.has("trained") || first === undefined ? null : trainedOf(first.test) };
}

function linesOfOne(test: RangeTest): SweepLine[] {
  const lines: SweepLine[] = [];
  const add = (line: SweepLine | null): void => {
    if (line !== null) lines.push(line);
  };
  add(lineOf(test.recommended, "recommended", "recommended", test.recommended.reason));
  for (const method of METHODS) {
    const summary = test.suggestions[method];
    // What is recommended needs no second label at the same position.
    if (method !== "divergence" && isSame(summary, test.recommended)) continue;
    const tone = method === "divergence" ? "divergence" : "method";
    add(lineOf(summary, tone, METHOD_NAMES[method].toLowerCase(), sentenceOf(method, summary)));
  }
  const ends = test.sweeps.flatMap(({ stopped, stopped_reason: reason, columns }) => {
    const last = columns.learning_rate.at(-1) ?? null;
    if (stopped === null || !finite(last) || last <= 0) return [];
    return [{ x: Math.log10(last), sentence: reason ?? `Stopped: ${stopped}.` }];
  });
  const lastEnd = Math.max(...ends.map(({ x }) => x));
  for (const end of ends) {
    // Of several sweeps one has the label.
    const label = end.x === lastEnd ? "stopped" : "";
    lines.push({ ...end, spread: null, tone: "stopped", color: null, label, short: "" });
  }
  return lines;
}

function sentenceOf(method: Method, summary: Summary): string {
  return summary.reason || METHOD_TEXTS[method];
}

function isSame(first: Summary, second: Summary): boolean {
  return first.learning_rate !== null && first.learning_rate === second.learning_rate;
}

function lineOf(summary: Summary, tone: SweepTone, label: string, sentence: string): SweepLine | null {
  const { learning_rate: lr, low, high } = summary;
  if (!finite(lr) || lr <= 0) return null;
  const value = formatSuggestion(lr);
  const spread = finite(low) && finite(high) && low > 0 && high > low ? ([low, high] as const) : null;
  return {
    x: Math.log10(lr),
    spread: spread === null ? null : [Math.log10(spread[0]), Math.log10(spread[1])],
    tone,
    color: null,
    label: label === "" ? value : `${label} ${value}`,
    short: tone === "recommended" ? value : "",
    sentence: [`${value}. ${sentence}`, spread === null ? "" : spreadText(summary)].join(" ").trim(),
  };
}

function trainedOf({ training }: RangeTest): TrainedBand | null {
  if (training === null || !finite(training.low) || !finite(training.high) || training.low <= 0) return null;
  return {
    range: [Math.log10(training.low), Math.log10(training.high)],
    median: finite(training.median) && training.median > 0 ? Math.log10(training.median) : null,
    label: `LR of ${training.run}`,
    sentence: training.text,
  };
}
