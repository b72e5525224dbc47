import type { RangeTest } from "../api/rangeTest";
import type { Routes } from "../api/routes";
import { createLoader, type Loader } from "./loader";

/** A range test, and the training whose learning rates are compared with it. */
export interface RangeTestQuery {
  readonly run: string;
  readonly training: string | null;
}

export type RangeTestStore = Loader<RangeTestQuery, RangeTest>;

export function createRangeTests(routes: Routes): RangeTestStore {
  return createLoader(
    ({ run, training }, signal) => routes.rangeTest(run, training, signal),
    () => true,
  );
}
