import { expect, test } from "vitest";
import { FIELDS, type LinkState } from "../src/model/link/fields";
import {
  decodeState,
  encodeState,
  hashValues,
  hasSameValues,
  isAnotherShown,
  linkAddress,
} from "../src/model/link/link";
import { defaultSelection, filterOf, NO_FILTER, sortedNames } from "../src/model/runs/selection";
import { info, runsOf } from "./built";

/** Another choice than the page's own for each of the fields. */
const STATE: LinkState = {
  kind: "range_test",
  runs: ["a,b/c&d=e", "übung #1", "100%"],
  sweeps: ["tests/one"],
  filter: filterOf("^(a|b).*$", NO_FILTER),
  axis: "epoch",
  zoom: { x: [0.5, 1.25], lr: [1e-5, 0.1], layers: [1e-6, 1e-2], loss: [-1, 2] },
  sweepZoom: { x: [-5, -1.5], sweep: [0.1, 2], slope: [-1, 1] },
  smoothing: 0.935,
  lrScale: "log",
  layerScale: "linear",
  lossScale: "linear",
  sweepScale: "log",
  lrPane: "folded",
  metrics: ["val_loss", "top 5, accuracy"],
  layers: ["block_1/conv", "a,b"],
  hidden: new Set(["effective_learning_rate", "learning_rate/my, head"]),
  focus: "a,b/c&d=e",
  tab: "what-if",
  sweep: "tests/two",
  training: "digits/adam",
  rule: { patience: "5", min_delta: "1e-4" },
};

/** A state as plain data, without the functions of its filter. */
function plain({ filter, ...state }: LinkState): unknown {
  return { ...state, filter: filter.pattern };
}

const OWN = decodeState({});

test("a link brings back the state that it was made of, whatever the names hold", () => {
  const address = linkAddress("http://host:6006/tb/?darkMode=true#lrmon&p.lrmon.x=step", encodeState(STATE));
  expect(address.startsWith("http://host:6006/tb/?darkMode=true#lrmon&p.lrmon.kind=range_test&")).toBe(true);
  expect(plain(decodeState(hashValues(new URL(address).hash)))).toEqual(plain(STATE));
});

test("every field that a link has is part of the state above, and of the link", () => {
  for (const [name, { initial }] of Object.entries(FIELDS)) {
    expect(STATE[name as keyof LinkState], name).not.toEqual(initial);
    const alone = encodeState({ ...OWN, [name]: STATE[name as keyof LinkState] });
    expect(Object.keys(alone).length, name).toBeGreaterThan(0);
    expect(plain(decodeState(alone))).toEqual(plain({ ...OWN, [name]: STATE[name as keyof LinkState] }));
  }
});

test("the page's own choices need no word in a link", () => {
  expect(encodeState(OWN)).toEqual({});
});

test("no selected run is not the same as no word on runs", () => {
  expect(decodeState(encodeState({ ...OWN, runs: [] })).runs).toEqual([]);
  expect(OWN.runs).toBeNull();
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
  expect(plain(decodeState(broken))).toEqual(plain({ ...OWN, runs: ["%E0%A4%A"] }));
  expect(hashValues("#lrmon&p.other.x=1&p.lrmon.x=step&nonsense")).toEqual({ x: "step" });
});

test("an address keeps what it says of other plugins, and is left alone while another one is shown", () => {
  const page = "http://host/#lrmon&p.other.x=a%26b&p.lrmon.x=epoch&_smoothingWeight=0.6";
  expect(linkAddress(page, { x: "wall" })).toBe(
    "http://host/#lrmon&p.lrmon.x=wall&p.other.x=a%26b&_smoothingWeight=0.6",
  );
  expect(linkAddress("http://host/", {})).toBe("http://host/#lrmon");
  expect(["", "#", "#lrmon&p.lrmon.x=step", "#scalars&p.lrmon.x=step"].map(isAnotherShown)).toEqual([
    false,
    false,
    false,
    true,
  ]);
});

test("values are the same in whatever order", () => {
  expect(hasSameValues({ x: "a", y: "b" }, { y: "b", x: "a" })).toBe(true);
  expect(hasSameValues({ x: "a" }, { x: "a", y: "b" })).toBe(false);
  expect(hasSameValues({ x: "a" }, { x: "b" })).toBe(false);
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
