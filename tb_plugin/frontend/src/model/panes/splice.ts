import type { Columned, Columns, Samples, Series, Value } from "../../api/types";
import { lowerBound } from "../axes/lookup";

/** The whole run with one range of it at full resolution: between two answers there is never a hole. */
export function splice(overview: Series, detail: Series): Series {
  const rows = detail.columns.step;
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return overview;
  const before = lowerBound(overview.columns.step, first);
  const after = lowerBound(overview.columns.step, last + 1);
  const joined = (around: readonly Value[], inside: readonly Value[]): readonly Value[] => [
    ...around.slice(0, before),
    ...inside,
    ...around.slice(after),
  ];
  const join = <K extends keyof Columns>(name: K): Columns[K] =>
    joined(overview.columns[name], detail.columns[name]) as Columns[K];
  const gap = rows.map(() => null);
  const joinNamed = (around: Columned, inside: Columned): Columned =>
    new Map([...around].map(([name, values]) => [name, joined(values, inside.get(name) ?? gap)]));
  return {
    ...overview,
    columns: {
      step: join("step"),
      epoch: join("epoch"),
      time: join("time"),
      learning_rate: join("learning_rate"),
      effective_learning_rate: join("effective_learning_rate"),
      loss: join("loss"),
      loss_smoothed: join("loss_smoothed"),
    },
    learning_rates: joinNamed(overview.learning_rates, detail.learning_rates),
    updates: joinNamed(overview.updates, detail.updates),
    skipped: {
      ...overview.skipped,
      step: [...new Set([...overview.skipped.step, ...detail.skipped.step])].sort((a, b) => a - b),
    },
    samples: joinSamples(overview.samples, detail.samples),
  };
}

function joinSamples(overview: Samples | null, detail: Samples | null): Samples | null {
  if (overview === null || detail === null) return overview ?? detail;
  const [first, last] = [detail.step[0], detail.step.at(-1)];
  if (first === undefined || last === undefined) return overview;
  const before = lowerBound(overview.step, first);
  const after = lowerBound(overview.step, last + 1);
  const join = <T>(around: readonly T[], inside: readonly T[]): readonly T[] => [
    ...around.slice(0, before),
    ...inside,
    ...around.slice(after),
  ];
  const gap = detail.step.map(() => null);
  const layers = [...overview.update_to_weight];
  return {
    ...overview,
    step: join(overview.step, detail.step),
    step_size:
      overview.step_size?.map((column, index) => join(column, detail.step_size?.[index] ?? gap)) ?? null,
    update_to_weight: new Map(
      layers.map(([layer, column]) => [layer, join(column, detail.update_to_weight.get(layer) ?? gap)]),
    ),
  };
}
