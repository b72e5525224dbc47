import { expect, test } from "vitest";
import { formatDuration, formatLR, formatNumber, formatSteps, shortName } from "../src/model/axes/format";

test("numbers below 1e-3 and from a million on are in exponent form", () => {
  expect(
    [0.5318, 0.001, 0.00099, 5e-4, 1.23456e-7, 999999, 2.5e6, 0, -0.25].map((value) => formatNumber(value)),
  ).toEqual(["0.5318", "0.001", "9.9e-4", "5e-4", "1.235e-7", "1e6", "2.5e6", "0", "−0.25"]);
});

test("what is not a finite number says so", () => {
  expect(
    [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, null].map((value) =>
      formatNumber(value),
    ),
  ).toEqual(["NaN", "+∞", "−∞", "–"]);
});

test("a learning rate shows as the decimal whose float32 was recorded", () => {
  expect([0.1, 0.001, 0.0814506, 0.09025, 1e-7].map((lr) => formatLR(Math.fround(lr)))).toEqual([
    "0.1",
    "0.001",
    "0.0814506",
    "0.09025",
    "1e-7",
  ]);
});

test("steps on an axis are short and still tell neighbours apart", () => {
  expect([0, 500, 1500, 20000, 1e6].map((step) => formatSteps(step, 500))).toEqual([
    "0",
    "500",
    "1,500",
    "20k",
    "1M",
  ]);
  expect([12500, 15000].map((step) => formatSteps(step, 2500))).toEqual(["12.5k", "15k"]);
  expect([1_000_001, 1_000_002].map((step) => formatSteps(step, 1))).toEqual(["1,000,001", "1,000,002"]);
});

test("durations are in the units in which people speak of them", () => {
  expect([0.085, 4.2, 134, 11100, 187200, -5].map(formatDuration)).toEqual([
    "85 ms",
    "4.2 s",
    "2 m 14 s",
    "3 h 05 m",
    "2 d 4 h",
    "−5 s",
  ]);
});

test("of a very long name the two ends are shown", () => {
  expect(shortName("val_loss")).toBe("val_loss");
  expect(shortName(`${"a".repeat(4000)}_loss`, 12)).toBe("aaaaaa…_loss");
  expect([...shortName("x".repeat(4000))].length).toBe(40);
  expect(shortName("😀".repeat(30), 5)).toBe("😀😀…😀😀");
});
