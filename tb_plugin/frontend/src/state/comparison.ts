import { computed, effect, type ReadonlySignal } from "@preact/signals";
import type { Report } from "../api/report";
import type { Routes } from "../api/routes";
import { createLoader } from "./loader";
import type { View } from "./view";

/** The findings of one of the compared runs. */
export interface RunFindings {
  readonly run: string;
  /** How many findings it has, as the list of runs says. */
  readonly count: number;
  /** Null until it is there, and where there is nothing to load. */
  readonly report: Report | null;
  /** Why there is none, null where nothing is wrong. */
  readonly problem: string | null;
}

/** The findings of all runs that are drawn, in their order. */
export interface Comparison {
  readonly findings: ReadonlySignal<readonly RunFindings[]>;
  /** Forgets failures, so that they are tried again. */
  retry(): void;
}

/** Keeps the findings of the drawn runs loaded while the panel lists them; a run without any needs no report. */
export function createComparison(view: View, routes: Routes): Comparison {
  const loader = createLoader<{ readonly run: string }, Report>(
    ({ run }, signal) => routes.report(run, {}, signal),
    () => false,
  );
  const countOf = (run: string): number => view.infos.value.get(run)?.findings ?? 0;
  effect(() => {
    const { shown, tab, isPanelOpen, infos } = view;
    const isListed = shown.value.length > 1 && isPanelOpen.value && tab.value === "findings";
    const runs = isListed ? shown.value.filter((run) => countOf(run) > 0) : [];
    loader.want(
      runs.map((run) => {
        const info = infos.value.get(run);
        return { name: run, query: { run }, stamp: `${info?.steps} ${info?.last_time} ${info?.findings}` };
      }),
    );
  });
  const findings = computed(() =>
    view.shown.value.map((run) => {
      const focused = view.report.value?.run === run ? view.report.value : null;
      const loaded = loader.loaded.value.get(run);
      const report = focused ?? loaded?.answer ?? null;
      return {
        run,
        count: report?.findings.length ?? countOf(run),
        report,
        problem: loaded?.problem ?? null,
      };
    }),
  );
  return { findings, retry: () => loader.retry() };
}
