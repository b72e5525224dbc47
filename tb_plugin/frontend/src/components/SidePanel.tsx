import { type ComponentType, Fragment } from "preact";
import type { Severity } from "../api/report";
import type { Tab } from "../model/fields";
import { worst } from "../model/findings";
import { choosePanel } from "../state/choices";
import { hasRangeTests } from "../state/focus";
import { useStore } from "./context";
import { FindingsTab } from "./FindingsTab";
import { widthOf } from "./RunList";
import { RunTab } from "./RunTab";
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
  const found = useFound();
  const trainings = view.kind.value === "training";
  const entries = trainings
    ? [...OF_TRAININGS, ...(hasRangeTests(view.infos.value) ? [COMPARE] : [])]
    : OF_TESTS;
  if (!view.panelOpen.value) {
    return (
      <aside class="panel panel-closed" aria-label="Details">
        <button
          type="button"
          class="panel-rail"
          aria-expanded={false}
          title="Open the details"
          onClick={() => choosePanel(choices, true)}
        >
          <span aria-hidden="true">‹</span>{" "}
          {entries.map((one, index) => (
            <Fragment key={one.id}>
              {index > 0 && " · "}
              {one.title}
              {one === FINDINGS && <Badge {...found} />}
            </Fragment>
          ))}
        </button>
      </aside>
    );
  }
  const current = entries.find((one) => one.id === view.tab.value) ?? (entries[0] as Entry);
  const { title, content: Content } = current;
  return (
    <aside class="panel" aria-label="Details" style={widthOf(sizes.value.panel)}>
      <div class="tabs" role="tablist">
        {entries.map((one) => (
          <button
            key={one.id}
            type="button"
            role="tab"
            aria-selected={one === current}
            onClick={() => {
              choices.tab.value = one.id;
            }}
          >
            {one.title}
            {one === FINDINGS && <Badge {...found} />}
          </button>
        ))}
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
      <div class="tab" role="tabpanel" aria-label={title}>
        {shown.length > 1 && (
          <label class="run-choice">
            Run
            <select
              aria-label="Run"
              value={view.focused.value ?? ""}
              onChange={(event) => {
                choices.focus.value = event.currentTarget.value;
              }}
            >
              {shown.map((name) => (
                <option key={name} value={name}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        )}
        {trainings && view.focused.value === null ? <p class="quiet">No run is drawn.</p> : <Content />}
      </div>
    </aside>
  );
}

interface Found {
  readonly count: number;
  readonly severity: Severity;
}

/** How many findings the focused run has, from the list of runs until the report is there. */
function useFound(): Found {
  const { view } = useStore();
  const run = view.focused.value;
  const report = view.report.value;
  if (report !== null) return { count: report.findings.length, severity: worst(report.findings) };
  const info = run === null ? undefined : view.infos.value.get(run);
  return { count: info?.findings ?? 0, severity: info?.severity ?? "info" };
}

function Badge({ count, severity }: Found) {
  return count === 0 ? null : <span class={`badge badge-${severity}`}>{count}</span>;
}
