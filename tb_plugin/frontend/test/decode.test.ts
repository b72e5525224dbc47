import { expect, test } from "vitest";
import { decodeRuns, decodeSeries, decodeValue, UnexpectedAnswer } from "../src/api/decode";
import { routesBase, seriesArguments } from "../src/api/routes";
import { series } from "./built";

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
  expect(decodeSeries(JSON.parse(JSON.stringify(sent)))).toEqual(sent);
});

test("columns of different lengths are refused", () => {
  const sent = JSON.parse(JSON.stringify(series()));
  sent.columns.loss.pop();
  expect(() => decodeSeries(sent)).toThrow(UnexpectedAnswer);
  expect(() => decodeRuns(null)).toThrow(UnexpectedAnswer);
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
