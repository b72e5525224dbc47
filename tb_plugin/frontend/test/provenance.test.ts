import { expect, test } from "vitest";
import { decodeSeries } from "../src/api/decode";
import type { Fit, Samples, Series } from "../src/api/types";
import { defaultLayers, layersOf, shortNames } from "../src/model/panes/layers";
import { layersPane } from "../src/model/panes/layersPane";
import { lrPane } from "../src/model/panes/lrPane";
import type { DrawnRun, LRPaneInput } from "../src/model/panes/pane";
import { dotsAt, readingAt } from "../src/model/panes/readout";
import { sampleAt } from "../src/model/panes/samples";
import { splice } from "../src/model/panes/splice";
import {
  effectiveNote,
  factorsOf,
  hasBiasCorrection,
  optimizerAttributes,
  productOf,
  provenanceAttributes,
} from "../src/model/runs/about";
import { caveatOf, exactnessOf } from "../src/model/runs/exactness";
import { series } from "./built";

const SAMPLES: Samples = {
  step: [0, 10],
  quantiles: [0.05, 0.25, 0.5, 0.75, 0.95],
  step_size: [
    [1e-5, 1e-5],
    [2e-5, 2e-5],
    [3e-5, 4e-5],
    [8e-5, 8e-5],
    [1e-4, Number.NaN],
  ],
  update_to_weight: new Map([
    ["net/head", [0.01, 0.02]],
    ["net/body/conv", [0.1, null]],
    ["net/still", [Number.NaN, 0]],
  ]),
  sampled: 100,
  parameters: 1000,
  every: 10,
  total: 2,
};

function drawn(overview: Series): DrawnRun {
  return { name: overview.run, overview, shown: overview };
}

function input(run: Series, changes: Partial<LRPaneInput> = {}): LRPaneInput {
  return {
    runs: [drawn(run)],
    axis: "step",
    range: [0, 20],
    zoom: null,
    scale: "auto",
    colors: ({ kind, index }) => `${kind} ${index}`,
    hidden: new Set(),
    sampled: "run",
    ...changes,
  };
}

const named = (fits: readonly Fit[]) => [{ name: "run", fits }];

test("where all is exact the chart has no caveat", () => {
  const fit: Fit = { loss_provenance: "each batch's own", exactness: { loss: "exact" } };
  expect(caveatOf(named([fit, {}]), "loss")).toBeNull();
  expect(provenanceAttributes(fit)).toEqual([
    { name: "loss", value: "each batch's own", exactness: "exact" },
  ]);
});

test("a column that is not exact has a caveat with its provenance", () => {
  const fit: Fit = {
    loss_provenance: "the tracker's difference, within 1e-3",
    exactness: { loss: "bounded" },
  };
  expect(caveatOf(named([fit]), "loss")).toEqual({
    label: "bounded",
    sentence: "The tracker's difference, within 1e-3.",
  });
});

test("of several runs and fits it says which, and that it is a part", () => {
  const bounded: Fit = { loss_provenance: "a", exactness: { loss: "bounded" } };
  const none: Fit = { loss_provenance: "none: no loss is returned" };
  const runs = [
    { name: "one", fits: [bounded] },
    { name: "two", fits: [{}, none] },
  ];
  expect(caveatOf(runs, "loss")).toEqual({
    label: "partly unavailable",
    sentence: "one: a. two, fit 2: none: no loss is returned.",
  });
});

test("a provenance without numbers is unavailable, though no exactness was recorded", () => {
  expect(
    exactnessOf({ effective_learning_rate_provenance: "none: data dependent" }, "effective_learning_rate"),
  ).toBe("unavailable");
  expect(exactnessOf({ exactness: { loss: "a word of a newer version" } }, "loss")).toBe("exact");
});

test("the factors of the effective learning rate are in their order", () => {
  const fit: Fit = {
    optimizer: { class_name: "Adam" },
    effective_learning_rate_factors: [
      { name: "schedule", formula: "s(i)" },
      { name: "bias correction", formula: "c" },
    ],
    effective_learning_rate_note: "A note.",
  };
  expect(factorsOf(fit).map(({ formula }) => formula)).toEqual(["s(i)", "c"]);
  expect(productOf(fit)).toBe("schedule · bias correction");
  expect(hasBiasCorrection(fit)).toBe(true);
  expect(effectiveNote(fit)).toBe("A note.");
});

test("a recorded list without a bias correction needs no note on it", () => {
  const fit: Fit = { optimizer: { class_name: "Adam" }, effective_learning_rate_factors: [] };
  expect(hasBiasCorrection(fit)).toBe(false);
  expect(effectiveNote(fit)).toBeNull();
  expect(productOf(fit)).toBeNull();
});

test("several optimizers are listed by their names", () => {
  const optimizers = [
    { name: "head", optimizer: { class_name: "SGD", config: { momentum: 0.9 } }, variables: 2 },
  ];
  expect(optimizerAttributes({ optimizers })).toEqual([
    { name: "head", value: "SGD", more: ["trains 2 variables", "momentum = 0.9"] },
  ]);
});

test("several optimizers have a line each, and the one of the column is not drawn twice", () => {
  const run = series({ lrs: { body: () => 0.1, head: (step) => 0.01 / (step + 1) } });
  const { lines } = lrPane(input(run));
  expect(lines.map(({ label, color }) => [label, color])).toEqual([
    ["effective LR", "effective_learning_rate 0"],
    ["LR of body", "learning_rate 0"],
    ["LR of head", "learning_rate 1"],
  ]);
  expect(readingAt(drawn(run), "step", 3)?.lrs).toEqual([
    ["body", 0.1],
    ["head", 0.0025],
  ]);
});

test("a step without an update is a gap in the learning rate, and what was used before holds up to it", () => {
  const run = series({ lr: (step) => 1 / (step + 1), skipped: [3, 4] });
  const view = lrPane(input(run, { range: [0, 20] }));
  const line = view.lines.find(({ label }) => label === "learning rate");
  const rows = line?.xs.map((x, row) => [x, line.ys[row]]).slice(2, 7);
  expect(rows).toEqual([
    [2, 1 / 3],
    [3, 1 / 3],
    [3, null],
    [4, null],
    [5, 1 / 6],
  ]);
  expect(view.skipped).toEqual([3, 4]);
});

test("a thinned curve has no wider gap than what was skipped", () => {
  const run = series({ steps: [0, 5, 10, 19], lastStep: 19, hasEveryStep: false, skipped: [5] });
  const line = lrPane(input(run)).lines.find(({ label }) => label === "learning rate");
  expect(line?.ys).not.toContain(null);
});

test("a run whose last update was skipped ends in a gap", () => {
  const line = lrPane(input(series({ skipped: [19] }))).lines.find(({ label }) => label === "learning rate");
  expect(line?.xs.slice(-3)).toEqual([19, 19, 20]);
  expect(line?.ys.slice(-3)).toEqual([0.1, null, null]);
});

test("the cursor has no dot on a learning rate that was not used", () => {
  const run = series({ skipped: [3] });
  const reading = readingAt(drawn(run), "step", 3);
  expect(reading?.skipped).toBe(true);
  expect(dotsAt(lrPane(input(run)), reading === null ? [] : [reading])).toEqual([]);
});

test("step sizes are two bands and a median, and a quantile that is not finite is a gap", () => {
  const view = lrPane(input(series({ samples: SAMPLES })));
  expect(view.areas.map(({ low, high }) => [low, high])).toEqual([
    [
      [1e-5, 1e-5],
      [1e-4, null],
    ],
    [
      [2e-5, 2e-5],
      [8e-5, 8e-5],
    ],
  ]);
  expect(view.lines.find(({ kind }) => kind === "step_size")?.ys).toEqual([3e-5, 4e-5]);
  expect(view.left).toMatchObject({ kind: "log", values: { min: 1e-5, max: 0.1 } });
});

test("hidden step sizes leave the axis to the learning rates", () => {
  const view = lrPane(input(series({ samples: SAMPLES }), { hidden: new Set(["step_size"]) }));
  expect(view.areas).toEqual([]);
  expect(view.left.kind).toBe("linear");
});

test("the nearest sample has its step", () => {
  expect(sampleAt(SAMPLES, 4)).toMatchObject({
    step: 0,
    layers: new Map([
      ["net/head", 0.01],
      ["net/body/conv", 0.1],
      ["net/still", Number.NaN],
    ]),
  });
  expect(sampleAt(SAMPLES, 7)?.step).toBe(10);
  expect(sampleAt(SAMPLES, 500)?.sizes.get(0.5)).toBe(4e-5);
  expect(sampleAt(null, 0)).toBeNull();
});

test("layers that move most come first, and their names lose what all begin with", () => {
  const layers = layersOf(SAMPLES);
  expect(layers).toEqual(["net/body/conv", "net/head", "net/still"]);
  expect([...shortNames(layers).values()]).toEqual(["body/conv", "head", "still"]);
  expect([...shortNames(["dense"]).values()]).toEqual(["dense"]);
  expect([...shortNames(["a/b", "a/b/c"]).values()]).toEqual(["b", "b/c"]);
  expect(defaultLayers(Array.from({ length: 40 }, (_none, index) => `${index}`))).toHaveLength(6);
});

test("layers without their own color are pale and below the others, on a log axis", () => {
  const view = layersPane({
    ...input(series({ samples: SAMPLES })),
    sampled: "run",
    layers: layersOf(SAMPLES),
    chosen: ["net/head"],
  });
  expect(view.left.kind).toBe("log");
  expect(view.lines.map(({ label, color }) => [label, color])).toEqual([
    ["net/body/conv", "layer -1"],
    ["net/still", "layer -1"],
    ["net/head", "layer 0"],
  ]);
  expect(view.notes.map(({ code }) => code)).toEqual(["not-positive"]);
});

test("a zoomed answer brings its own samples, skipped steps and learning rates", () => {
  const overview = series({ steps: [0, 10, 19], samples: SAMPLES, skipped: [1], lrs: { head: () => 1 } });
  const close = { ...SAMPLES, step: [10, 12], update_to_weight: new Map([["net/head", [0.2, 0.3]]]) };
  const detail = series({ steps: [9, 10, 11], samples: close, skipped: [10], lrs: { head: () => 2 } });
  const spliced = splice(overview, detail);
  expect(spliced.columns.step).toEqual([0, 9, 10, 11, 19]);
  expect(spliced.learning_rates).toEqual(new Map([["head", [1, 2, 2, 2, 1]]]));
  expect(spliced.skipped.step).toEqual([1, 10]);
  expect(spliced.samples?.step).toEqual([0, 10, 12]);
  expect(spliced.samples?.update_to_weight.get("net/head")).toEqual([0.01, 0.2, 0.3]);
  expect(spliced.samples?.update_to_weight.get("net/still")).toEqual([Number.NaN, null, null]);
});

test("an answer of an older backend has no skipped steps, samples and further learning rates", () => {
  const {
    learning_rates: _rates,
    updates: _updates,
    skipped: _skipped,
    samples: _samples,
    ...old
  } = series();
  expect(decodeSeries(old)).toMatchObject({
    learning_rates: {},
    skipped: { step: [], total: 0 },
    samples: null,
  });
});
