import { expect, test } from "vitest";
import { decodeRuns, decodeSeries, decodeValue, UnexpectedAnswer } from "../src/api/decode";
import { routesBase, seriesArguments } from "../src/api/routes";
import { layersOf } from "../src/model/panes/layers";
import { readingAt } from "../src/model/panes/readout";
import { splice } from "../src/model/panes/splice";
import { namesOf, sortedNames } from "../src/model/runs/selection";
import { info, runsOf, sentAs, series } from "./built";

test("the strings for non-finite numbers become these numbers, and null stays apart from them", () => {
  expect(["NaN", "Infinity", "-Infinity", 0.5, null].map(decodeValue)).toEqual([
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
    0.5,
    null,
  ]);
});

test("an answer of the server is read as it was sent", () => {
  const sent = series({ loss: (step) => step });
  expect(decodeSeries(sentAs(sent))).toEqual(sent);
});

test("columns of different lengths are refused", () => {
  const sent = sentAs(series()) as { columns: { loss: unknown[] } };
  sent.columns.loss.pop();
  expect(() => decodeSeries(sent)).toThrow(UnexpectedAnswer);
  expect(() => decodeRuns(null)).toThrow(UnexpectedAnswer);
});

const STRANGE = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", ""];

test("runs, metrics, optimizers and layers may have the names of what every object has", () => {
  const byName = <T>(value: T): Record<string, T> => Object.fromEntries(STRANGE.map((name) => [name, value]));
  const runs = decodeRuns(sentAs({ version: "1", notices: [], runs: runsOf(byName(info())) }));
  const samples = {
    step: [0],
    quantiles: [],
    step_size: null,
    update_to_weight: new Map(STRANGE.map((name) => [name, [0.5]])),
    sampled: null,
    parameters: null,
    every: null,
    total: 1,
  };
  const shown = decodeSeries(sentAs(series({ metrics: byName([1, 2]), lrs: byName(() => 0.1), samples })));

  expect([...runs.runs.keys()]).toEqual(STRANGE);
  expect(sortedNames(runs.runs).toSorted()).toEqual(STRANGE.toSorted());
  expect(namesOf("training", runs.runs)).toEqual(STRANGE);
  expect([...shown.epochs.metrics.keys()]).toEqual(STRANGE);
  expect([...shown.learning_rates.keys()]).toEqual(STRANGE);
  expect(layersOf(shown.samples).toSorted()).toEqual(STRANGE.toSorted());
  const joined = splice(shown, shown);
  expect([...joined.learning_rates.keys()]).toEqual(STRANGE);
  const reading = readingAt({ name: "__proto__", overview: joined, shown: joined }, "step", 3);
  expect([...(reading?.metrics.keys() ?? [])]).toEqual(STRANGE);
  expect([...(reading?.sample?.layers ?? [])]).toEqual(STRANGE.map((name) => [name, 0.5]));
});

test("a run that is not there is not found by the name of what every object has", () => {
  const runs = decodeRuns({ version: "1", runs: {} });
  expect(STRANGE.map((name) => runs.runs.get(name))).toEqual(STRANGE.map(() => undefined));
  expect(STRANGE.map(decodeValue)).toEqual(STRANGE.map(() => null));
});

test("the routes lie beside the bundle or above its folder, under any prefix", () => {
  const at = (path: string): string => routesBase(`http://host:6006${path}`).pathname;
  expect(at("/data/plugin/lrmon/index.js")).toBe("/data/plugin/lrmon/");
  expect(at("/tb/data/plugin/lrmon/static/index.js")).toBe("/tb/data/plugin/lrmon/");
});

test("a range is asked for with its exact numbers, the whole run without any", () => {
  const query = { run: "a b", x: "time", width: 800, smoothing: 0.6 } as const;
  expect(seriesArguments({ ...query, range: null })).not.toHaveProperty("start");
  expect(seriesArguments({ ...query, range: [1700000000.123456, 1700000001] })).toMatchObject({
    start: "1700000000.123456",
    end: "1700000001",
  });
});
