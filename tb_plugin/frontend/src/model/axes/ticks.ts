import type { Range } from "../../api/types";
import type { ChartAxis } from "./axis";
import { formatCount, formatDuration, formatNumber, formatSteps, two } from "./format";

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** Round numbers in the range, at most about `most` of them. */
export function linearTicks([start, end]: Range, most: number): number[] {
  const increment = niceIncrement((end - start) / Math.max(1, most));
  return multiples(start, end, increment);
}

/** The smallest of 1, 2, 2.5, 5 times a power of ten that is at least `least`. */
export function niceIncrement(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  const factor = [1, 2, 2.5, 5, 10].find((candidate) => candidate * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/**
 * Ticks for a logarithmic scale: powers of ten, thinned out where there are too many; with their multiples
 * 1, 2, 5 or 1, 3 where there is room; as a linear scale has them where less than a factor of two is seen.
 */
export function logTicks([start, end]: Range, most: number): number[] {
  if (end / start <= 2) return linearTicks([start, end], most);
  const [low, high] = [Math.floor(Math.log10(start)), Math.ceil(Math.log10(end))];
  const inside = (mantissas: readonly number[], stride: number): number[] => {
    const ticks: number[] = [];
    for (let power = low; power <= high; power += 1) {
      if (power % stride !== 0) continue;
      for (const mantissa of mantissas) {
        const tick = Number(`${mantissa}e${power}`);
        if (tick >= start * (1 - 1e-9) && tick <= end * (1 + 1e-9)) ticks.push(tick);
      }
    }
    return ticks;
  };
  for (const mantissas of [[1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 5, 7], [1, 2, 5], [1, 3], [1]]) {
    const ticks = inside(mantissas, 1);
    if (ticks.length <= most && ticks.length >= 2) return ticks;
  }
  for (const stride of [2, 3, 5, 10, 20, 50]) {
    const ticks = inside([1], stride);
    if (ticks.length <= most) return ticks;
  }
  return [];
}

/** Labels that distinguish the values: as many digits as the closest two of them need. */
export function numberLabels(values: readonly number[]): string[] {
  for (let digits = 1; digits < 12; digits += 1) {
    const labels = values.map((value) => formatNumber(value, digits));
    const exact = values.every(
      (value) => Math.abs(Number(value.toPrecision(digits)) - value) <= Math.abs(value) * 1e-9,
    );
    if (exact) return labels;
  }
  return values.map((value) => formatNumber(value, 12));
}

/** Ticks of an x axis of `width` pixels. */
export function xTicks(axis: ChartAxis, range: Range, width: number): Tick[] {
  const most = Math.max(2, Math.floor(width / 90));
  switch (axis) {
    case "step": {
      const increment = Math.max(1, Math.ceil(niceIncrement((range[1] - range[0]) / most)));
      return multiples(range[0], range[1], increment).map((at) => ({
        at,
        label: formatSteps(at, increment),
      }));
    }
    case "epoch": {
      const shown = niceIncrement((range[1] - range[0]) / most);
      const increment = shown > 1 ? Math.ceil(shown) : shown;
      return multiples(range[0], range[1], increment).map((at) => ({
        at,
        label: increment >= 1 ? formatCount(at) : String(at),
      }));
    }
    case "learning_rate":
      return logTicks([10 ** range[0], 10 ** range[1]], most).map((lr) => ({
        at: Math.log10(lr),
        label: formatNumber(lr, 4),
      }));
    case "relative":
      return durationTicks(range, most);
    case "wall":
      return clockTicks(range, most);
    default:
      return axis satisfies never;
  }
}

const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400];

function timeIncrement(least: number): number {
  if (least < 1) return niceIncrement(least);
  return SECONDS.find((increment) => increment >= least) ?? Math.ceil(least / 86400) * 86400;
}

function durationTicks(range: Range, most: number): Tick[] {
  const increment = timeIncrement((range[1] - range[0]) / most);
  return multiples(range[0], range[1], increment).map((at) => ({
    at,
    label: at === 0 ? "0" : formatDuration(at).replace(/ 00 [sm]$/, ""),
  }));
}

function clockTicks(range: Range, most: number): Tick[] {
  const increment = timeIncrement((range[1] - range[0]) / most);
  // Ticks are round in the reader's time zone, not in UTC.
  const offset = new Date(range[0] * 1000).getTimezoneOffset() * 60;
  return multiples(range[0] - offset, range[1] - offset, increment).map((local) => {
    const at = local + offset;
    return { at, label: clockLabel(at, increment) };
  });
}

function clockLabel(seconds: number, increment: number): string {
  const date = new Date(seconds * 1000);
  const day = `${date.getMonth() + 1}/${date.getDate()}`;
  const minute = `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (increment >= 86400) return day;
  if (increment >= 60) return minute === "00:00" ? day : minute;
  const second = `${minute}:${two(date.getSeconds())}`;
  if (increment >= 1) return second;
  const decimals = Math.min(6, Math.ceil(-Math.log10(increment) - 1e-9) + 1);
  const fraction = (seconds - Math.floor(seconds)).toFixed(decimals).slice(1);
  return `${second}${fraction.replace(/\.?0+$/, "")}`;
}

function multiples(start: number, end: number, increment: number): number[] {
  const first = Math.ceil(start / increment - 1e-9);
  const last = Math.floor(end / increment + 1e-9);
  const ticks: number[] = [];
  // Multiplied, not added up: 0.1 added ten times is not 1.
  for (let index = first; index <= last && ticks.length < 1000; index += 1) {
    ticks.push(Number((index * increment).toPrecision(15)));
  }
  return ticks;
}
