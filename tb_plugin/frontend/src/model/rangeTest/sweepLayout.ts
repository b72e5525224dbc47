import { EMPTY_LAYOUT, type Frame, type Label, type Layout, type Upright } from "../marks/layout";
import type { SweepMarks } from "./sweepMarks";

const LINE = 14;
const ROWS = 7;
const ROW = LINE + 2;
const TOP = 4;
/** A narrower plot has no room for all labels. */
const ROOMY = 460;

/**
 * The learning rates that a range test marks. Their labels hang on them like flags, each to the right of its line and
 * below those that reach over it: a line begins at its flag, so that none crosses a label.
 */
export function layoutSweep(marks: SweepMarks, labelled: boolean, frame: Frame): Layout {
  const lines = marks.lines
    .map((line) => ({ line, at: frame.x(line.x) }))
    .filter(({ at }) => at >= 0 && at <= frame.width)
    .sort((a, b) => a.at - b.at);
  const uprights: Upright[] = [];
  const labels: Label[] = [];
  const roomy = frame.width >= ROOMY;
  for (const { line, at } of lines) {
    const { spread } = line;
    const text = !labelled ? "" : roomy ? line.label : line.short;
    // What is recommended is written in bold.
    const width = Math.ceil(frame.measure(text) * (line.tone === "recommended" ? 1.1 : 1));
    const left = at + 5 + width <= frame.width ? at + 5 : at - 5 - width;
    const inTheWay = (label: Label): boolean => {
      const [start, end] = [label.left - 3, label.left + label.width + 3];
      return (at >= start && at <= end) || (text !== "" && left <= end && left + width >= start);
    };
    const below = labels.filter(inTheWay).map((label) => Math.round((label.top - TOP) / ROW) + 1);
    const row = Math.max(0, ...below);
    uprights.push({
      at,
      top: row === 0 || row >= ROWS ? 0 : TOP - 2 + row * ROW,
      spread: spread === null ? null : [frame.x(spread[0]), frame.x(spread[1])],
      line,
    });
    if (text === "" || row >= ROWS) continue;
    const tone = line.tone === "recommended" && line.color === null ? "strong" : "plain";
    labels.push({ left, top: TOP + row * ROW, width, height: LINE, text, tone, sentence: line.sentence });
  }
  return { ...EMPTY_LAYOUT, labels, uprights };
}
