import { type ReadonlySignal, signal } from "@preact/signals";
import type { Routes } from "../api/routes";
import type { Series, SeriesQuery } from "../api/types";
import { sentence } from "./runs";

/** Each run is loaded whole, and once more in the range that is seen. */
export type Slot = "overview" | "detail";

export interface Wanted {
  readonly slot: Slot;
  readonly query: SeriesQuery;
  /** Changes when the run has grown: what was loaded before is out of date. */
  readonly stamp: string;
}

export interface Loaded {
  readonly key: string;
  readonly query: SeriesQuery;
  /** The latest answer; while a newer one is under way the one before it. */
  readonly series: Series | null;
  readonly problem: string | null;
}

export interface SeriesStore {
  readonly loaded: ReadonlySignal<ReadonlyMap<string, Loaded>>;
  /** How many answers are awaited. */
  readonly pending: ReadonlySignal<number>;
  /** Loads what is wanted and not there, cancels what is under way and no longer wanted. */
  want(wanted: readonly Wanted[]): void;
  /** Forgets failures, so that they are tried again. */
  retry(): void;
}

const AT_ONCE = 4;

export function slotName(slot: Slot, run: string): string {
  return `${slot} ${run}`;
}

export function createSeries(routes: Routes): SeriesStore {
  const loaded = signal<ReadonlyMap<string, Loaded>>(new Map());
  const pending = signal(0);
  const inFlight = new Map<string, { readonly key: string; readonly abort: AbortController }>();
  let wanted: ReadonlyMap<string, Wanted> = new Map();

  const put = (name: string, value: Loaded): void => {
    loaded.value = new Map(loaded.peek()).set(name, value);
  };

  const pump = (): void => {
    for (const [name, want] of wanted) {
      if (inFlight.size >= AT_ONCE) break;
      const key = keyOf(want);
      if (!inFlight.has(name) && loaded.peek().get(name)?.key !== key) void load(name, key, want);
    }
    pending.value = inFlight.size;
  };

  const load = async (name: string, key: string, { query }: Wanted): Promise<void> => {
    const abort = new AbortController();
    inFlight.set(name, { key, abort });
    const before = loaded.peek().get(name)?.series ?? null;
    try {
      const series = await routes.series(query, abort.signal);
      if (!abort.signal.aborted) put(name, { key, query, series, problem: null });
    } catch (error) {
      if (!abort.signal.aborted) put(name, { key, query, series: before, problem: sentence(error) });
    } finally {
      if (inFlight.get(name)?.abort === abort) inFlight.delete(name);
      pump();
    }
  };

  return {
    loaded,
    pending,
    want(list) {
      wanted = new Map(list.map((want) => [slotName(want.slot, want.query.run), want]));
      for (const [name, { key, abort }] of inFlight) {
        const want = wanted.get(name);
        if (want === undefined || keyOf(want) !== key) {
          inFlight.delete(name);
          abort.abort();
        }
      }
      const kept = [...loaded.peek()].filter(([name]) => wanted.has(name) || name.startsWith("overview"));
      if (kept.length < loaded.peek().size) loaded.value = new Map(kept);
      pump();
    },
    retry() {
      loaded.value = new Map(
        [...loaded.peek()].map(([name, one]) => [
          name,
          one.problem === null ? one : { ...one, key: "", problem: null },
        ]),
      );
      pump();
    },
  };
}

function keyOf({ query, stamp }: Wanted): string {
  return JSON.stringify([query, stamp]);
}
