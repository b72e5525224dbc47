import type { Value } from "../../api/types";

const GROUPED = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with thousands separators: 1,229. */
export function formatCount(value: number): string {
  return GROUPED.format(value);
}

/** A number with up to `digits` significant digits; below 1e-3 and from 1e6 on in exponent form. */
export function formatNumber(value: Value, digits = 4): string {
  if (value === null) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "+∞" : "−∞";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  const rounded = Number(magnitude.toPrecision(digits));
  const text = rounded < 1e-3 || rounded >= 1e6 ? exponent(rounded, digits) : String(rounded);
  return value < 0 ? `−${text}` : text;
}

/**
 * A learning rate as it was recorded: the shortest decimal that is the same float32, cut to six digits.
 * So 0.1 is 0.1, though the float32 nearest to it is 0.10000000149.
 */
export function formatLR(value: Value): string {
  if (value === null || !Number.isFinite(value)) return formatNumber(value);
  for (let digits = 1; digits < 6; digits += 1) {
    if (Math.fround(Number(value.toPrecision(digits))) === Math.fround(value))
      return formatNumber(value, digits);
  }
  return formatNumber(value, 6);
}

function exponent(value: number, digits: number): string {
  const [mantissa = "0", power = "0"] = value.toExponential(digits - 1).split("e");
  const short = mantissa.includes(".") ? mantissa.replace(/\.?0+$/, "") : mantissa;
  return `${short}e${power.replace("+", "")}`;
}

const SI = [
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
] as const;

/** A whole number for an axis: 950, 1,200, 20k, 1.5M; `increment` is the distance between two ticks. */
export function formatSteps(value: number, increment: number): string {
  if (Math.abs(value) < 10_000) return formatCount(value);
  for (const [unit, name] of SI) {
    if (Math.abs(value) >= unit) {
      const decimals = Math.max(0, Math.ceil(-Math.log10(increment / unit) - 1e-9)) + 1;
      const short = Number((value / unit).toFixed(decimals));
      // Where the unit would need many places, the plain number says it better.
      return String(short).length > 6 ? formatCount(value) : `${short}${name}`;
    }
  }
  return formatCount(value);
}

/** A length of time: 85 ms, 4.2 s, 2 m 14 s, 3 h 05 m, 2 d 4 h. */
export function formatDuration(seconds: number): string {
  const sign = seconds < 0 ? "−" : "";
  const length = Math.abs(seconds);
  if (length < 1) return `${sign}${Number((length * 1000).toPrecision(3))} ms`;
  if (length < 60) return `${sign}${Number(length.toPrecision(3))} s`;
  const whole = Math.round(length);
  const [days, hours] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24];
  const [minutes, rest] = [Math.floor(whole / 60) % 60, whole % 60];
  if (days > 0) return `${sign}${days} d ${hours} h`;
  if (hours > 0) return `${sign}${hours} h ${two(minutes)} m`;
  return `${sign}${minutes} m ${two(rest)} s`;
}

/** Date and time of day in the reader's time zone: 2025-11-20 09:55:12. */
export function formatTime(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  return `${day} ${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

export function two(value: number): string {
  return String(value).padStart(2, "0");
}

export function plural(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** Characters of a name that have room in a menu, a legend or a tooltip. */
const MOST_OF_A_NAME = 40;

/** A name as it is shown where room is short: of a very long one its two ends, since names differ there. */
export function shortName(name: string, most: number = MOST_OF_A_NAME): string {
  const letters = [...name];
  if (letters.length <= most) return name;
  const end = Math.floor((most - 1) / 2);
  return `${letters.slice(0, most - 1 - end).join("")}…${letters.slice(-end).join("")}`;
}
