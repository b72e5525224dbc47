import type { Columns, Series } from "../api/types";
import { lowerBound } from "./lookup";

/** The whole run with one range of it at full resolution: between two answers there is never a hole. */
export function splice(overview: Series, detail: Series): Series {
  const rows = detail.columns.step;
  const [first, last] = [rows[0], rows.at(-1)];
  if (first === undefined || last === undefined) return overview;
  const before = lowerBound(overview.columns.step, first);
  const after = lowerBound(overview.columns.step, last + 1);
  const join = <K extends keyof Columns>(name: K): Columns[K] =>
    [
      ...overview.columns[name].slice(0, before),
      ...detail.columns[name],
      ...overview.columns[name].slice(after),
    ] as unknown as Columns[K];
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
  };
}
