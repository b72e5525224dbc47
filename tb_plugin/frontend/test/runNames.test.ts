import { expect, test } from "vitest";
import { shortRunNames } from "../src/model/runs/runNames";

function short(names: readonly string[], most: number): string[] {
  return [...shortRunNames(names, most).values()];
}

test("names that have room stay as they are", () => {
  expect(short(["digits/adam", "digits/sgd"], 20)).toEqual(["digits/adam", "digits/sgd"]);
});

test("what all names begin with goes first, no more of it than needed", () => {
  const names = ["experiments/digits/adam-1", "experiments/digits/adam-10"];
  expect(short(names, 16)).toEqual(["…digits/adam-1", "…digits/adam-10"]);
  expect(short(names, 14)).toEqual(["…adam-1", "…adam-10"]);
  expect(short(names, 5)).toEqual(["…1", "…10"]);
  expect(short(["experiments/digits/adam", "experiments/digits/adagrad"], 14)).toEqual(["…adam", "…adagrad"]);
});

test("what all end with goes next: names that differ in their middle stay apart", () => {
  const names = [0.1, 0.01, 0.001].map((lr) => `imagenet_resnet50_sgd_lr${lr}_momentum0.9_batch256_seed1`);
  expect(short(names, 16)).toEqual(["…lr0.1…", "…lr0.01…", "…lr0.001…"]);
  expect(short(names, 22)).toEqual(["…lr0.1_momentum0.9…", "…lr0.01_momentum0.9…", "…lr0.001_momentum0.9…"]);
});

test("each folder loses what its own names begin with, but never what tells two folders apart", () => {
  const names = ["digits/convolution-seed0", "digits/dense-seed0", "imagenet/resnet50-adamw", "mystery"];
  expect(short(names, 18)).toEqual([
    "…convolution-seed0",
    "digits/dense-seed0",
    "…resnet50-adamw",
    "mystery",
  ]);
  const same = short(["first/experiment/run-1", "second/experiment/run-1"], 12);
  expect(new Set(same).size).toBe(2);
});

test("a single name, and what is still too long, is cut in its middle", () => {
  expect(short(["a-very-long-name-of-a-run"], 11)).toEqual(["a-ver…a-run"]);
  const long = short(["one/abcdefghijklmnop", "two/abcdefghijklmnopq"], 10);
  expect(long.every((name) => [...name].length <= 10)).toBe(true);
  expect(new Set(long).size).toBe(2);
});

test("a name that is short keeps its beginning beside long ones", () => {
  expect(short(["digits/a", "digits/a-much-longer-name-than-that"], 12)[0]).toBe("digits/a");
});
