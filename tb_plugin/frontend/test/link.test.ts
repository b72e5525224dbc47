import { expect, test } from "vitest";
import { decodeState, encodeState, hashValues, type LinkState, linkAddress } from "../src/model/link";
import { assignPlaces, defaultSelection, filterOf, NO_FILTER, sortedNames } from "../src/model/selection";
import { info, runsOf } from "./built";

const STATE: LinkState = {
  runs: ["a,b/c&d=e", "übung #1", "100%"],
  filter: "^(a|b).*$",
  axis: "epoch",
  zoom: [0.5, 1.25],
  zoomRate: [1e-5, 0.1],
  zoomLoss: [-1, 2],
  smoothing: 0.935,
  rateScale: "log",
  lossScale: "linear",
  metrics: ["val_loss", "top 5, accuracy"],
  layers: ["block_1/conv", "a,b"],
  hidden: ["effective_learning_rate", "learning_rate/my, head"],
  kind: "range_test",
  sweeps: ["tests/one"],
  sweep: "tests/two",
  training: "digits/adam",
  zoomLayers: [1e-6, 1e-2],
  zoomSweep: [-5, -1.5],
  zoomSweepLoss: [0.1, 2],
  zoomSlope: [-1, 1],
  layerScale: "linear",
  sweepScale: "log",
};

test("a link brings back the state that it was made of, whatever the names hold", () => {
  const address = linkAddress("http://host:6006/tb/?darkMode=true#scalars&x=1", encodeState(STATE));
  expect(address.startsWith("http://host:6006/tb/?darkMode=true#lrmon&p.lrmon.runs=")).toBe(true);
  expect(decodeState(hashValues(new URL(address).hash))).toEqual(STATE);
});

test("no selected run is not the same as no word on runs", () => {
  expect(decodeState(encodeState({ runs: [] }))).toEqual({ runs: [] });
  expect(decodeState({})).toEqual({});
});

test("what cannot be read in a link is left out", () => {
  const broken = {
    x: "parsec",
    zoom: "5,1",
    zoom_lr: "1",
    smoothing: "2",
    scale_lr: "cubic",
    runs: "%E0%A4%A",
    later: "1",
  };
  expect(decodeState(broken)).toEqual({ runs: ["%E0%A4%A"] });
  expect(hashValues("#lrmon&p.other.x=1&p.lrmon.x=step&nonsense")).toEqual({ x: "step" });
});

test("an invalid pattern is said and goes on matching as the one before", () => {
  const valid = filterOf("^DIGITS/", NO_FILTER);
  expect(valid.matches("digits/cosine")).toBe(true);
  const broken = filterOf("^digits/[", valid);
  expect(broken.problem).toContain("Not a regular expression");
  expect(broken.matches("digits/cosine")).toBe(true);
  expect(broken.matches("iris")).toBe(false);
  expect(filterOf("", broken).problem).toBeNull();
});

test("names are sorted as people count", () => {
  expect(sortedNames(runsOf({ run10: info(), run9: info(), run1: info() }))).toEqual([
    "run1",
    "run9",
    "run10",
  ]);
});

test("the run that began last is shown first", () => {
  expect(
    defaultSelection(
      runsOf({ a: info({ start_time: 1 }), b: info({ start_time: 3 }), c: info({ start_time: 2 }) }),
    ),
  ).toEqual(["b"]);
  expect(defaultSelection(runsOf({ a: info({ start_time: null }) }))).toEqual(["a"]);
  expect(defaultSelection(new Map())).toEqual([]);
});

test("a run keeps its colour while others come and go, and a new one takes the first that is free", () => {
  const first = assignPlaces(new Map(), ["a", "b", "c"]);
  expect([...first]).toEqual([
    ["a", 0],
    ["b", 1],
    ["c", 2],
  ]);
  const later = assignPlaces(first, ["d", "c", "a"]);
  expect(Object.fromEntries(later)).toEqual({ a: 0, c: 2, d: 1 });
});
