import type { Range } from "../../api/types";
import { formatCount } from "../axes/format";
import { lowerBound } from "../axes/lookup";
import type { PaneId } from "../panes/pane";
import type { SweepLine } from "../rangeTest/sweepMarks";
import { clusters } from "./clusters";
import type { Band, Marker, Marks } from "./marks";

/** The plot in pixels from its upper left corner. */
export interface Frame {
  readonly width: number;
  readonly height: number;
  readonly x: (value: number) => number;
  readonly y: (value: number) => number;
  readonly measure: (text: string) => number;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** A marker, or several of them at one position. */
export interface Dot extends Box {
  readonly x: number;
  readonly y: number;
  readonly tone: Marker["tone"] | "mixed";
  readonly count: number;
  /** Null where there are several. */
  readonly marker: Marker | null;
  readonly sentence: string;
  /** What a click on a cluster zooms to. */
  readonly range: Range | null;
}

export interface Label extends Box {
  readonly text: string;
  readonly tone: Dot["tone"] | "band" | "strong" | "plain";
  readonly sentence: string;
}

/** A learning rate that a range test marks; null bounds where it has no spread. */
export interface Upright {
  readonly at: number;
  /** Where it begins, from above. */
  readonly top: number;
  readonly spread: Range | null;
  readonly line: SweepLine;
}

export interface DrawnBand {
  readonly left: number;
  readonly right: number;
  /** Where the learning rate is reduced; null where that lies outside of the plot. */
  readonly at: number | null;
  readonly band: Band;
}

/** Where everything that a report adds to a pane is drawn. */
export interface Layout {
  readonly dots: readonly Dot[];
  readonly labels: readonly Label[];
  readonly bands: readonly DrawnBand[];
  readonly uprights: readonly Upright[];
}

export const EMPTY_LAYOUT: Layout = { dots: [], labels: [], bands: [], uprights: [] };

const DOT = 9;
const PILL = 16;
const LINE = 14;
const GAP = 4;
const MANY = 8;

export function layoutMarks(pane: PaneId, marks: Marks, range: Range, frame: Frame): Layout {
  const bands = bandsIn(marks.bands, frame);
  const dots = dotsIn(pane, marks.markers, range, frame);
  const taken: Box[] = [...dots];
  const labels: Label[] = [];
  const addLabel = (
    text: string,
    tone: Label["tone"],
    sentence: string,
    own: Dot | null,
    spots: readonly Spot[],
  ): boolean => {
    const size = { width: frame.measure(text), height: LINE };
    const box = spots
      .map((spot) => spot(size))
      .find((box) => isInside(box, frame) && !taken.some((other) => other !== own && isTouching(box, other)));
    if (box === undefined) return false;
    taken.push(box);
    labels.push({ ...box, text, tone, sentence });
    return true;
  };
  if (pane === "loss") {
    for (const { at, band } of bands) {
      if (at === null) continue;
      const [first, second] = [5, 5 + LINE + 3];
      const right =
        (top: number): Spot =>
        (size) => ({ ...size, left: at + 6, top });
      const left: Spot = (size) => ({ ...size, left: at - 6 - size.width, top: first });
      const hasLongLabel = addLabel(band.label, "band", band.sentence, null, [right(first), right(second)]);
      // A long label to the left would reach over the reduction before.
      if (!hasLongLabel)
        addLabel(band.short, "band", band.sentence, null, [right(first), left, right(second)]);
    }
  } else {
    const single = dots.flatMap((dot) => (dot.marker === null ? [] : [{ dot, marker: dot.marker }]));
    // The same label on many markers adds nothing to their color.
    const plain = single.length > MANY && single.every(({ marker }) => marker.tone === "on");
    // Where not all find room, those that are off the boundary matter more.
    for (const { dot, marker } of (plain ? [] : single).sort((a, b) => rank(a.marker) - rank(b.marker))) {
      addLabel(marker.label, marker.tone, marker.sentence, dot, spotsOf(dot.x, dot.y, marker.isIncrease));
    }
  }
  return { ...EMPTY_LAYOUT, dots, labels, bands };
}

type Spot = (size: { readonly width: number; readonly height: number }) => Box;

function spotsOf(x: number, y: number, isIncrease: boolean): readonly Spot[] {
  const right = x + 6;
  const below: Spot = (size) => ({ ...size, left: right, top: y + GAP });
  const above: Spot = (size) => ({ ...size, left: right, top: y - GAP - size.height });
  const left: Spot = (size) => ({
    ...size,
    left: x - 6 - size.width,
    top: isIncrease ? y - GAP - size.height : y + GAP,
  });
  return isIncrease ? [above, left, below] : [below, above, left];
}

function rank(marker: Marker): number {
  return marker.tone === "on" ? 1 : 0;
}

function markersIn(markers: readonly Marker[], range: Range): readonly Marker[] {
  const xs = markers.map((marker) => marker.x);
  return markers
    .slice(lowerBound(xs, range[0]), lowerBound(xs, range[1] + Number.EPSILON * range[1]) + 1)
    .filter((marker) => marker.x <= range[1]);
}

function dotsIn(pane: PaneId, markers: readonly Marker[], range: Range, frame: Frame): Dot[] {
  const visible = markersIn(markers, range);
  const widths = new Map([[1, DOT + 1]]);
  const width = (size: number): number => {
    const known = widths.get(size) ?? frame.measure(countLabel(size)) + 12;
    widths.set(size, known);
    return known;
  };
  return clusters(visible, (marker) => frame.x(marker.x), width).map(({ members, x }) => {
    const middle = members[members.length >> 1] as Marker;
    const y = pane === "loss" ? frame.height - 6 : frame.y(middle.y);
    const [w, h] = [width(members.length), members.length === 1 ? DOT : PILL];
    const top = pane === "loss" ? frame.height - h - 1 : clamp(y - h / 2, 0, frame.height - h);
    const first = members[0] as Marker;
    const last = members.at(-1) as Marker;
    const pad = (last.x - first.x) * 0.08;
    return {
      left: clamp(x - w / 2, -w / 2, frame.width - w / 2),
      top,
      width: w,
      height: h,
      x,
      y: pane === "loss" ? y : top + h / 2,
      tone: members.every((marker) => marker.tone === first.tone) ? first.tone : "mixed",
      count: members.length,
      marker: members.length === 1 ? first : null,
      sentence: members.length === 1 ? first.sentence : clusterSentence(members),
      range: members.length === 1 ? null : [first.x - pad, last.x + pad],
    };
  });
}

export function countLabel(count: number): string {
  return `×${formatCount(count)}`;
}

function clusterSentence(members: readonly Marker[]): string {
  const [first, last] = [members[0] as Marker, members.at(-1) as Marker];
  const off = members.filter((marker) => marker.tone === "off" || marker.tone === "late").length;
  const known = members.some((marker) => marker.tone !== null);
  const where = !known
    ? ""
    : off === 0
      ? ", all at the start of an epoch"
      : off === members.length
        ? ", none at the start of an epoch"
        : `, ${formatCount(off)} not at the start of an epoch`;
  return `${formatCount(members.length)} LR changes from step ${formatCount(first.step)} to step ${formatCount(last.step)}${where}. Click to zoom in.`;
}

function bandsIn(bands: readonly Band[], frame: Frame): DrawnBand[] {
  return bands.flatMap((band) => {
    const [start, end] = [frame.x(band.start), frame.x(band.end)];
    if (end < 0 || start > frame.width) return [];
    return [
      {
        left: clamp(start, 0, frame.width),
        right: clamp(end, 0, frame.width),
        at: end >= 0 && end <= frame.width + 0.5 ? Math.min(end, frame.width) : null,
        band,
      },
    ];
  });
}

/** What the pointer is on: the sentence of a mark, and where a click on it leads. */
export interface Pointed {
  readonly sentence: string;
  readonly range: Range | null;
}

const NEAR = 4;
const BAND_HEAD = 20;

export function markAt({ dots, labels, bands, uprights }: Layout, x: number, y: number): Pointed | null {
  const within = (box: Box, pad: number): boolean =>
    x >= box.left - pad &&
    x <= box.left + box.width + pad &&
    y >= box.top - pad &&
    y <= box.top + box.height + pad;
  const dot = dots.find((box) => within(box, NEAR));
  if (dot !== undefined) return { sentence: dot.sentence, range: dot.range };
  const label = labels.find((box) => within(box, 1));
  if (label !== undefined) return { sentence: label.sentence, range: null };
  const upright = uprights.find(({ at }) => Math.abs(at - x) <= NEAR);
  if (upright !== undefined) return { sentence: upright.line.sentence, range: null };
  const line = bands.find(({ at }) => at !== null && Math.abs(at - x) <= NEAR);
  const band = line ?? bands.find(({ left, right }) => y <= BAND_HEAD && x >= left && x <= right);
  return band === undefined ? null : { sentence: band.band.sentence, range: null };
}

function isInside(box: Box, frame: Frame): boolean {
  return (
    box.left >= 0 &&
    box.top >= 0 &&
    box.left + box.width <= frame.width + 12 &&
    box.top + box.height <= frame.height
  );
}

function isTouching(box: Box, other: Box): boolean {
  return (
    box.left < other.left + other.width + 3 &&
    other.left < box.left + box.width + 3 &&
    box.top < other.top + other.height &&
    other.top < box.top + box.height
  );
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
