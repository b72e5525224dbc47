import { type ReadonlySignal, signal } from "@preact/signals";
import { sentence } from "./runs";

/** Something to load: a name, what to ask for, and a stamp that changes when that has grown. */
export interface Wanted<Q> {
  readonly name: string;
  readonly query: Q;
  readonly stamp: string;
}

export interface Loaded<Q, A> {
  readonly key: string;
  readonly query: Q;
  /** The latest answer; while a newer one is under way the one before it. */
  readonly answer: A | null;
  readonly problem: string | null;
}

/** Answers of one route by their names. */
export interface Loader<Q, A> {
  readonly loaded: ReadonlySignal<ReadonlyMap<string, Loaded<Q, A>>>;
  /** Loads what is wanted and not there, cancels what is under way and no longer wanted. */
  want(wanted: readonly Wanted<Q>[]): void;
  /** Forgets failures, so that they are tried again. */
  retry(): void;
}

const AT_ONCE = 4;

/** `keeps` returns for which names the answers stay when they are no longer wanted. */
export function createLoader<Q, A>(
  ask: (query: Q, signal: AbortSignal) => Promise<A>,
  keeps: (name: string) => boolean,
): Loader<Q, A> {
  const loaded = signal<ReadonlyMap<string, Loaded<Q, A>>>(new Map());
  const inFlight = new Map<string, { readonly key: string; readonly abort: AbortController }>();
  let wanted: ReadonlyMap<string, Wanted<Q>> = new Map();

  const put = (name: string, value: Loaded<Q, A>): void => {
    loaded.value = new Map(loaded.peek()).set(name, value);
  };

  const pump = (): void => {
    for (const [name, want] of wanted) {
      if (inFlight.size >= AT_ONCE) break;
      const key = keyOf(want);
      if (!inFlight.has(name) && loaded.peek().get(name)?.key !== key) void load(name, key, want);
    }
  };

  const load = async (name: string, key: string, { query }: Wanted<Q>): Promise<void> => {
    const abort = new AbortController();
    inFlight.set(name, { key, abort });
    const before = loaded.peek().get(name)?.answer ?? null;
    try {
      const answer = await ask(query, abort.signal);
      if (!abort.signal.aborted) put(name, { key, query, answer, problem: null });
    } catch (error) {
      if (!abort.signal.aborted) put(name, { key, query, answer: before, problem: sentence(error) });
    } finally {
      if (inFlight.get(name)?.abort === abort) inFlight.delete(name);
      pump();
    }
  };

  return {
    loaded,
    want(list) {
      wanted = new Map(list.map((want) => [want.name, want]));
      for (const [name, { key, abort }] of inFlight) {
        const want = wanted.get(name);
        if (want === undefined || keyOf(want) !== key) {
          inFlight.delete(name);
          abort.abort();
        }
      }
      const kept = [...loaded.peek()].filter(([name]) => wanted.has(name) || keeps(name));
      if (kept.length < loaded.peek().size) loaded.value = new Map(kept);
      pump();
    },
    retry() {
      loaded.value = new Map(
        [...loaded.peek()].map(([name, entry]) => [
          name,
          entry.problem === null ? entry : { ...entry, key: "", problem: null },
        ]),
      );
      pump();
    },
  };
}

function keyOf<Q>({ query, stamp }: Wanted<Q>): string {
  return JSON.stringify([query, stamp]);
}
