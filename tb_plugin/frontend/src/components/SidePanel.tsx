import { type ComponentType, Fragment } from "preact";
import type { Severity } from "../api/report";
import type { Tab } from "../model/link/fields";
import { worst } from "../model/runs/findings";
import { choosePanel } from "../state/choices";
import { hasRangeTests } from "../state/focus";
import { useStore } from "./context";
import { FindingsTab } from "./FindingsTab";
import { RunTab } from "./RunTab";
import { ColumnSplitter, widthOf } from "./Splitter";
import { CompareTab, TestTab } from "./SweepTab";
import { WhatIfTab } from "./WhatIfTab";

interface Entry {
  readonly id: Tab;
  readonly title: string;
  readonly content: ComponentType;
}

const FINDINGS: Entry = { id: "findings", title: "Findings", content: FindingsTab };
const OF_TRAININGS: readonly Entry[] = [
  FINDINGS,
  { id: "what-if", title: "What if", content: WhatIfTab },
  { id: "run", title: "Run", content: RunTab },
];
const COMPARE: Entry = { id: "sweep", title: "Range test", content: CompareTab };
const OF_TESTS: readonly Entry[] = [{ id: "run", title: "Range test", content: TestTab }];

export function SidePanel() {
  const { choices, view, sizes } = useStore();
  const shown = view.shown.value;
  const badge = useCount();
  const trainings = view.kind.value === "training";
  const entries = trainings
    ? [...OF_TRAININGS, ...(hasRangeTests(view.infos.value) ? [COMPARE] : [])]
    : OF_TESTS;
  if (!view.isPanelOpen.value) {
    return (
      <aside class="panel panel-closed" aria-label="Details">
        <button
          type="button"
          class="panel-rail"
          data-testid="open-details"
          aria-expanded={false}
          title="Open the details"
          onClick={() => choosePanel(choices, true)}
        >
          <span aria-hidden="true">‹</span>{" "}
          {entries.map((entry, index) => (
            <Fragment key={entry.id}>
              {index > 0 && " · "}
              {entry.title}
              {entry === FINDINGS && <Badge {...badge} />}
            </Fragment>
          ))}
        </button>
      </aside>
    );
  }
  const current = entries.find((entry) => entry.id === view.tab.value) ?? (entries[0] as Entry);
  const { title, content: Content } = current;
  return (
    <aside class="panel" aria-label="Details" style={widthOf(sizes.value.panel)}>
      <div class="tabs">
        <div
          class="tab-list"
          role="tablist"
          aria-label="Details"
          onKeyDown={(event) => {
            const to = neighbor(event.key, entries.indexOf(current), entries.length);
            const next = to === null ? undefined : entries[to];
            if (next === undefined) return;
            event.preventDefault();
            choices.tab.value = next.id;
            event.currentTarget.querySelector<HTMLElement>(`#tab-${next.id}`)?.focus();
          }}
        >
          {entries.map((entry) => (
            <button
              key={entry.id}
              id={`tab-${entry.id}`}
              type="button"
              role="tab"
              aria-selected={entry === current}
              aria-controls={entry === current ? "tab-panel" : undefined}
              // One stop of the Tab key; from there the arrow keys go on.
              tabIndex={entry === current ? 0 : -1}
              onClick={() => {
                choices.tab.value = entry.id;
              }}
            >
              {entry.title}
              {entry === FINDINGS && <Badge {...badge} />}
            </button>
          ))}
        </div>
        <button
          type="button"
          class="panel-close"
          aria-expanded={true}
          aria-label="Close the details"
          title="Close the details"
          onClick={() => choosePanel(choices, false)}
        >
          <span aria-hidden="true">›</span>
        </button>
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, by keyboard too. */}
      <div class="tab" id="tab-panel" role="tabpanel" aria-label={title} tabIndex={0}>
        <h2 class="unseen">{title}</h2>
        {shown.length > 1 && <About whole={current !== FINDINGS} />}
        {trainings && view.focused.value === null ? <p class="quiet">No run is drawn.</p> : <Content />}
      </div>
      <ColumnSplitter column="panel" />
    </aside>
  );
}

/** In a comparison: which run the marks of the charts, and what stands below as a `whole`, are about. */
function About({ whole }: { whole: boolean }) {
  const { choices, view } = useStore();
  const run = view.focused.value ?? "";
  return (
    <label class="run-choice">
      {whole ? "This tab and the marks in the charts show" : "The marks in the charts show"}
      <span class="run-choice-line">
        <span class="swatch swatch-run" style={{ "--swatch": view.runColor.value(run) }} aria-hidden="true" />
        <select
          aria-label="Run"
          value={run}
          title={run}
          onChange={(event) => {
            choices.focus.value = event.currentTarget.value;
          }}
        >
          {view.shown.value.map((name) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </span>
    </label>
  );
}

/** The index that an arrow key, Home or End leads to among `count`; null for other keys. */
function neighbor(key: string, at: number, count: number): number | null {
  switch (key) {
    case "ArrowRight":
      return (at + 1) % count;
    case "ArrowLeft":
      return (at - 1 + count) % count;
    case "Home":
      return 0;
    case "End":
      return count - 1;
    default:
      return null;
  }
}

interface Count {
  readonly count: number;
  readonly severity: Severity;
}

/** How many findings the drawn runs have, from the list of runs until the reports are there. */
function useCount(): Count {
  const { view, comparison } = useStore();
  const findings = comparison.findings.value;
  const severities = findings.flatMap(({ run, report }): Severity[] => {
    if (report !== null) return report.findings.map(({ severity }) => severity);
    const severity = view.infos.value.get(run)?.severity ?? null;
    return severity === null ? [] : [severity];
  });
  return { count: findings.reduce((sum, { count }) => sum + count, 0), severity: worst(severities) };
}

function Badge({ count, severity }: Count) {
  return count === 0 ? null : <span class={`badge badge-${severity}`}>{count}</span>;
}
