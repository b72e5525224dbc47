import type { Routes } from "../api/routes";
import type { Series, SeriesQuery } from "../api/types";
import { createLoader, type Loader } from "./loader";

/** Each run is loaded whole, and once more in the range that is seen. */
export type Slot = "overview" | "detail";

export type SeriesStore = Loader<SeriesQuery, Series>;

export function slotName(slot: Slot, run: string): string {
  return `${slot} ${run}`;
}

export function createSeries(routes: Routes): SeriesStore {
  return createLoader(routes.series, (name) => name.startsWith("overview"));
}
