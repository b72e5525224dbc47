import { computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import type { Report } from "../api/report";
import type { RunInfo } from "../api/types";
import { watchMedia } from "../host/browser";
import type { Tab } from "../model/link/fields";
import type { Pointed } from "../model/marks/layout";
import { type Marks, marksOf } from "../model/marks/marks";
import type { DrawnRun, PaneId } from "../model/panes/pane";
import type { Choices } from "./choices";
import type { ReportStore } from "./reports";

/** The visible state of the run that the side panel is about. */
export interface Focus {
  /** The run that the side panel and the marks of the charts are about; null where none is drawn. */
  readonly focused: ReadonlySignal<string | null>;
  /** Of the focused run, null until it is there. */
  readonly report: ReadonlySignal<Report | null>;
  readonly marks: ReadonlySignal<Marks | null>;
  /** The mark that the pointer is on. */
  readonly pointed: Signal<(Pointed & { readonly pane: PaneId }) | null>;
  /** The finding whose position the charts show. */
  readonly highlight: Signal<Highlight | null>;
  readonly isPanelOpen: ReadonlySignal<boolean>;
  readonly tab: ReadonlySignal<Tab>;
}

export interface Highlight {
  readonly run: string;
  readonly finding: string;
  readonly first: number;
  readonly last: number;
}

/** The runs that may be in focus. */
interface Around {
  readonly shown: ReadonlySignal<readonly string[]>;
  readonly infos: ReadonlySignal<ReadonlyMap<string, RunInfo>>;
  readonly drawn: ReadonlySignal<readonly DrawnRun[]>;
}

/** Narrower windows start with the panel closed. */
const WIDE = "(min-width: 1200px)";

export function createFocus(choices: Choices, reports: ReportStore, { shown, infos, drawn }: Around): Focus {
  const focused = computed(() => {
    const chosen = choices.focus.value;
    return chosen !== null && shown.value.includes(chosen) ? chosen : (shown.value[0] ?? null);
  });
  const report = computed(() => {
    const loaded = reports.loaded.value;
    return loaded?.run === focused.value ? (loaded?.report ?? null) : null;
  });
  const isWide = signal(false);
  watchMedia(WIDE, (matches) => {
    isWide.value = matches;
  });
  const isPanelOpen = computed(() => choices.isPanelOpen.value ?? isWide.value);
  const tab = computed((): Tab => {
    const run = focused.value;
    const findings = run === null ? 0 : (infos.value.get(run)?.findings ?? 0);
    const chosen = choices.tab.value;
    const offered = chosen !== "sweep" || hasRangeTests(infos.value);
    return chosen !== null && offered ? chosen : findings > 0 ? "findings" : "run";
  });

  const highlight = signal<Highlight | null>(null);
  const marks = computed(() => {
    const run = drawn.value.find((candidate) => candidate.name === focused.value);
    if (report.value === null || run === undefined) return null;
    const highlighted = highlight.value?.run === run.name ? highlight.value : null;
    return marksOf(report.value, run.shown, choices.axis.value, {
      hidden: choices.hidden.value,
      shown: highlighted === null ? null : [highlighted.first, highlighted.last],
      isAsking: isPanelOpen.value && tab.value === "what-if",
    });
  });

  return {
    focused,
    report,
    marks,
    pointed: signal<(Pointed & { readonly pane: PaneId }) | null>(null),
    highlight,
    isPanelOpen,
    tab,
  };
}

/** Whether there are range tests that a training can be compared with. */
export function hasRangeTests(infos: ReadonlyMap<string, RunInfo>): boolean {
  return [...infos.values()].some((run) => run.kind === "range_test");
}
