import { expect, test } from "vitest";
import { colorIndices } from "../src/model/runs/runColors";

const NAMES = Array.from({ length: 40 }, (_none, index) => `digits/lr-${index}`);

/** Each selection of `count` neighbours among the names. */
function selections(count: number): string[][] {
  return NAMES.slice(0, NAMES.length - count).map((_name, index) => NAMES.slice(index, index + count));
}

test("the order in which runs are chosen has no say in their colors", () => {
  for (const names of selections(5)) {
    const turned = [...names.slice(2), ...names.slice(0, 2)].reverse();
    expect(new Map([...colorIndices(turned, 10)].sort())).toEqual(
      new Map([...colorIndices(names, 10)].sort()),
    );
  }
});

test("no two runs share a color while there are colors left, and few runs have those that differ most", () => {
  for (const names of selections(10)) expect(new Set(colorIndices(names, 10).values()).size).toBe(10);
  for (const names of selections(6)) expect(Math.max(...colorIndices(names, 10).values())).toBe(5);
  const all = [...colorIndices(NAMES, 10).values()];
  expect([...Array(10).keys()].map((index) => all.filter((other) => other === index).length)).toEqual(
    Array(10).fill(4),
  );
});

test("a run has its own color, also beside others that want another one", () => {
  const alone = new Map(NAMES.map((name) => [name, colorIndices([name], 10).get(name)]));
  expect(new Set(alone.values()).size).toBe(6);
  let moved = 0;
  for (const names of selections(2)) {
    const [first = "", second = ""] = names;
    const indices = colorIndices(names, 10);
    if (alone.get(first) !== alone.get(second)) {
      expect(names.map((name) => indices.get(name))).toEqual(names.map((name) => alone.get(name)));
    } else moved += 1;
  }
  expect(moved).toBeLessThan(NAMES.length / 2);
});
