import { type ReadonlySignal, signal } from "@preact/signals";
import type { Routes } from "../api/routes";
import type { Runs } from "../api/types";

/** The list of runs: before the first answer, with it, or with what went wrong. */
export interface RunList {
  readonly answer: Runs | null;
  /** Why the latest request failed, null where it did not. */
  readonly problem: string | null;
  readonly isLoading: boolean;
}

export interface RunsStore {
  readonly list: ReadonlySignal<RunList>;
  /** Asks again now; the answer replaces the list only where something changed. */
  reload(): Promise<void>;
}

/** While a run is under way the list is asked for this often; less and less often where nothing comes. */
const SOON_MS = 2000;
const LATE_MS = 60_000;
/** Where no run is under way, a new one may start. */
const IDLE_MS = 10_000;

export function createRuns(routes: Routes): RunsStore {
  const list = signal<RunList>({ answer: null, problem: null, isLoading: true });
  let current: AbortController | null = null;
  let timer = 0;
  let pause = SOON_MS;

  const load = async (): Promise<void> => {
    current?.abort();
    const abort = new AbortController();
    current = abort;
    const before = list.peek();
    if (before.answer === null) list.value = { ...before, isLoading: true };
    try {
      const answer = await routes.runs(abort.signal);
      if (abort.signal.aborted) return;
      const changed = answer.version !== before.answer?.version;
      pause = changed ? SOON_MS : Math.min(pause * 1.5, LATE_MS);
      if (changed || before.problem !== null || before.isLoading) {
        list.value = { answer: changed ? answer : before.answer, problem: null, isLoading: false };
      }
    } catch (error) {
      if (abort.signal.aborted) return;
      pause = Math.min(pause * 1.5, LATE_MS);
      list.value = { answer: before.answer, problem: sentence(error), isLoading: false };
    } finally {
      if (current === abort) {
        current = null;
        schedule();
      }
    }
  };

  const schedule = (): void => {
    window.clearTimeout(timer);
    const runs = [...(list.peek().answer?.runs.values() ?? [])];
    const running = runs.some((run) => run.state === "running");
    const idle = runs.length === 0 ? Math.min(pause, IDLE_MS) : Math.max(pause, IDLE_MS);
    timer = window.setTimeout(tick, running ? pause : idle);
  };
  const tick = (): void => {
    // TensorBoard keeps the frames of its other tabs, without a size.
    if (document.hidden || window.innerWidth === 0) schedule();
    else void load();
  };
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) void load();
  });

  return {
    list,
    reload: () => {
      pause = SOON_MS;
      return load();
    },
  };
}

export function sentence(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
