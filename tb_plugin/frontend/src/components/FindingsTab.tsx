import type { Finding, Report } from "../api/report";
import { plural, shortName } from "../model/axes/format";
import {
  describeFinding,
  findingKey,
  hasWhatIf,
  positionLabel,
  SEVERITY_WORDS,
} from "../model/runs/findings";
import { choosePanel } from "../state/choices";
import { useStore } from "./context";

/** The findings, the most important first, each with a link to its position in the charts. */
export function FindingsTab() {
  const { view, reports } = useStore();
  if (view.shown.value.length > 1) return <FindingsOfRuns />;
  const report = view.report.value;
  if (report === null) {
    const failed = reports.loaded.value?.problem != null;
    return <p class="quiet">{failed ? "The findings could not be loaded." : "Loading the findings…"}</p>;
  }
  if (report.findings.length === 0) {
    return (
      <>
        <p class="nothing">No findings.</p>
        <p class="quiet">No problems found in the learning rate, the loss or the metrics.</p>
        <Checked report={report} />
      </>
    );
  }
  return (
    <>
      <Cards report={report} />
      <Checked report={report} />
    </>
  );
}

/** Of several runs: the findings of each below its name, then the runs that have none. */
function FindingsOfRuns() {
  const { view, comparison } = useStore();
  const all = comparison.findings.value;
  const withFindings = all.filter(({ count }) => count > 0);
  const without = all.filter(({ count }) => count === 0).map(({ run }) => run);
  return (
    <>
      {withFindings.map(({ run, report, problem }) => (
        <section key={run} class="run-findings" data-run={run} aria-label={`Findings of ${run}`}>
          <h3 title={run}>
            <span
              class="swatch swatch-run"
              style={{ "--swatch": view.runColor.value(run) }}
              aria-hidden="true"
            />
            <span class="name">{shortName(run)}</span>
          </h3>
          {report !== null ? (
            <Cards report={report} />
          ) : problem === null ? (
            <p class="quiet">Loading the findings…</p>
          ) : (
            <p class="notice notice-bad" role="alert">
              {problem}
              <button type="button" class="link" data-testid="retry" onClick={() => comparison.retry()}>
                Try again
              </button>
            </p>
          )}
        </section>
      ))}
      {without.length > 0 && (
        <p class="quiet" data-testid="without-findings" title={without.join("\n")}>
          {withFindings.length === 0
            ? "No findings in any of the runs."
            : `No findings in ${namesOf(without)}.`}
        </p>
      )}
    </>
  );
}

/** Runs without findings that are named; of more runs only the number is given. */
const NAMED = 3;

function namesOf(runs: readonly string[]): string {
  const short = runs.slice(0, NAMED).map((run) => shortName(run));
  return runs.length > NAMED ? plural(runs.length, "other run") : short.join(", ");
}

function Cards({ report }: { report: Report }) {
  return (
    <ol class="findings">
      {report.findings.map((finding) => (
        <Card key={findingKey(finding)} finding={finding} report={report} />
      ))}
    </ol>
  );
}

/** The checks that passed and those that were not run, folded. */
function Checked({ report }: { report: Report }) {
  const good = report.checks.filter(({ state }) => state === "in order");
  const unchecked = report.checks.filter(({ state }) => state === "not checked");
  if (good.length + unchecked.length === 0) return null;
  const missing = unchecked.length === 0 ? "" : `, ${unchecked.length} not checked`;
  return (
    <details class="quiet" data-testid="checks">
      <summary>{`${plural(good.length, "check")} in order${missing}`}</summary>
      <ul>
        {good.map(({ name }) => (
          <li key={name}>{`✓ ${name}`}</li>
        ))}
        {unchecked.map(({ name, reason }) => (
          <li key={name}>{`– ${name}: not checked, ${reason}`}</li>
        ))}
      </ul>
    </details>
  );
}

function Card({ finding, report }: { finding: Finding; report: Report }) {
  const { view, navigation, choices } = useStore();
  const { title, text } = describeFinding(finding);
  const Heading = view.shown.value.length > 1 ? "h4" : "h3";
  const elsewhere = finding.consequences.filter(({ step }) => step !== null && step !== finding.step);
  const occurrences = [finding, ...elsewhere.map((occurrence) => ({ ...finding, ...occurrence }))];
  const isShown = (occurrence: Finding) =>
    view.highlight.value?.run === report.run && view.highlight.value.finding === findingKey(occurrence);
  return (
    <li
      data-code={finding.code}
      class={`finding finding-${finding.severity}${occurrences.some(isShown) ? " finding-shown" : ""}`}
    >
      <Heading>
        <span class="unseen">{SEVERITY_WORDS[finding.severity]}: </span>
        {title}
      </Heading>
      {text !== "" && <p>{text}</p>}
      <p class="advice">{finding.advice}</p>
      <div class="finding-links">
        {occurrences.map((occurrence) => {
          const label = positionLabel(occurrence, report);
          return (
            label !== null && (
              <button
                key={findingKey(occurrence)}
                type="button"
                class="link"
                data-step={occurrence.step ?? undefined}
                aria-pressed={isShown(occurrence)}
                aria-label={`${label}: ${title}`}
                onClick={() => navigation.showFinding(occurrence, report)}
              >
                {label}
              </button>
            )
          );
        })}
        {hasWhatIf(finding) && (
          <button
            type="button"
            class="link"
            onClick={() => {
              choices.focus.value = report.run;
              choices.tab.value = "what-if";
            }}
          >
            what if
          </button>
        )}
      </div>
    </li>
  );
}

/** The findings in one line, where the panel that lists them is closed. */
export function FindingsLine() {
  const { choices, view } = useStore();
  const [first, ...others] = view.report.value?.findings ?? [];
  if (view.isPanelOpen.value || first === undefined) return null;
  const { title, text } = describeFinding(first);
  return (
    <button
      type="button"
      class={`finding-line finding-${first.severity}`}
      data-code={first.code}
      onClick={() => {
        choices.tab.value = "findings";
        choosePanel(choices, true);
      }}
    >
      <b>
        {view.shown.value.length > 1 && `${shortName(view.report.value?.run ?? "")}: `}
        {title}
      </b>
      <span>{text}</span>
      <small>{others.length === 0 ? "more" : `and ${plural(others.length, "other")}`}</small>
    </button>
  );
}

/** The findings as plain sentences, wherever the panel stands. */
export function FindingsText() {
  const { comparison } = useStore();
  return (
    <>
      {comparison.findings.value.map(
        ({ run, report }) =>
          report !== null &&
          report.findings.length > 0 && (
            <section
              key={run}
              class="unseen"
              aria-label={`Findings of ${run} as text`}
              data-run={run}
              data-testid="findings-text"
            >
              <ul>
                {report.findings.map((finding) => (
                  <li key={findingKey(finding)}>
                    {`${SEVERITY_WORDS[finding.severity]}. ${finding.text} ${finding.advice}`}
                  </li>
                ))}
              </ul>
            </section>
          ),
      )}
    </>
  );
}
