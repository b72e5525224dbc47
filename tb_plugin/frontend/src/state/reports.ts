import { type ReadonlySignal, signal } from "@preact/signals";
import type { Report, RuleTexts } from "../api/report";
import { RequestError, type Routes } from "../api/routes";
import { sentence } from "./runs";

export interface WantedReport {
  readonly run: string;
  readonly rule: RuleTexts;
  /** Changes when the run has grown. */
  readonly stamp: string;
}

export interface LoadedReport {
  readonly run: string;
  /** The latest answer; while a newer one is under way, or was refused, the one before it. */
  readonly report: Report | null;
  /** Why there is no newer one, null where nothing is wrong. */
  readonly problem: string | null;
  /** What is wrong with the settings, in a sentence. */
  readonly refusal: string | null;
}

/** The report of one run at a time: the one that the side panel is about. */
export interface ReportStore {
  readonly loaded: ReadonlySignal<LoadedReport | null>;
  /** Loads what is wanted; an older request is cancelled. */
  want(wanted: WantedReport | null): void;
  /** Forgets failures, so that they are tried again. */
  retry(): void;
}

export function createReports(routes: Routes): ReportStore {
  const loaded = signal<LoadedReport | null>(null);
  let current: {
    readonly key: string;
    readonly wanted: WantedReport;
    readonly abort: AbortController;
  } | null = null;

  const load = async (key: string, wanted: WantedReport): Promise<void> => {
    current?.abort.abort();
    const abort = new AbortController();
    current = { key, wanted, abort };
    const { run, rule } = wanted;
    // The report of another run is not about this one.
    if (loaded.peek()?.run !== run) loaded.value = { run, report: null, problem: null, refusal: null };
    const put = (change: Partial<LoadedReport>): void => {
      const before = loaded.peek();
      if (abort.signal.aborted || before === null) return;
      loaded.value = { ...before, problem: null, refusal: null, ...change };
    };
    try {
      put({ report: await routes.report(run, rule, abort.signal) });
    } catch (error) {
      if (abort.signal.aborted) return;
      if (!(error instanceof RequestError && error.refused)) {
        put({ problem: sentence(error) });
        return;
      }
      const refusal = sentence(error);
      put({ refusal });
      // A link with settings that this run cannot have still brings its findings.
      if (loaded.peek()?.report === null) {
        await routes.report(run, {}, abort.signal).then(
          (report) => put({ report, refusal }),
          (other) => put({ problem: sentence(other) }),
        );
      }
    }
  };

  return {
    loaded,
    want(wanted) {
      if (wanted === null) {
        current?.abort.abort();
        current = null;
        if (loaded.peek() !== null) loaded.value = null;
        return;
      }
      const key = JSON.stringify(wanted);
      if (current?.key !== key) void load(key, wanted);
    },
    retry() {
      if (current !== null) void load(current.key, current.wanted);
    },
  };
}
