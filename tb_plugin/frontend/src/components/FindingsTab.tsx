import type { Finding, Report } from "../api/report";
import { asksWhatIf, findingKey, placeLabel, SEVERITY_WORDS, tellFinding } from "../model/findings";
import { plural } from "../model/format";
import { choosePanel } from "../state/choices";
import { useStore } from "./context";

/** What there is to point out, the most important first; each a click away from its place in the charts. */
export function FindingsTab() {
  const { view, reports } = useStore();
  const report = view.report.value;
  if (report === null) {
    const failed = reports.loaded.value?.problem != null;
    return <p class="quiet">{failed ? "The findings could not be loaded." : "Loading the findings…"}</p>;
  }
  if (report.findings.length === 0) {
    return (
      <>
        <p class="nothing">Nothing to point out.</p>
        <p class="quiet">
          The learning rate did what its settings say, and nothing in the loss or in the epoch metrics asks
          for a word.
        </p>
        <Checked report={report} />
      </>
    );
  }
  return (
    <>
      <ol class="findings">
        {report.findings.map((finding) => (
          <Card key={findingKey(finding)} finding={finding} report={report} />
        ))}
      </ol>
      <Checked report={report} />
    </>
  );
}

/** What was looked for and is in order, and what could not be looked for, folded. */
function Checked({ report }: { report: Report }) {
  const good = report.checks.filter(({ state }) => state === "in order");
  const unchecked = report.checks.filter(({ state }) => state === "not checked");
  if (good.length + unchecked.length === 0) return null;
  const missing = unchecked.length === 0 ? "" : `, ${unchecked.length} not checked`;
  return (
    <details class="quiet" data-testid="checks">
      <summary>{`${good.length} checks in order${missing}`}</summary>
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
  const { title, text } = tellFinding(finding);
  const elsewhere = finding.consequences.filter(({ step }) => step !== null && step !== finding.step);
  const places = [finding, ...elsewhere.map((one) => ({ ...finding, ...one }))];
  const isShown = (one: Finding) =>
    view.highlight.value?.run === report.run && view.highlight.value.finding === findingKey(one);
  return (
    <li class={`finding finding-${finding.severity}${places.some(isShown) ? " finding-shown" : ""}`}>
      <h3>
        <span class="unseen">{SEVERITY_WORDS[finding.severity]}: </span>
        {title}
      </h3>
      {text !== "" && <p>{text}</p>}
      <p class="advice">{finding.advice}</p>
      <div class="finding-links">
        {places.map((one) => {
          const place = placeLabel(one, report);
          return (
            place !== null && (
              <button
                key={findingKey(one)}
                type="button"
                class="link"
                aria-pressed={isShown(one)}
                aria-label={`${place}: ${title}`}
                onClick={() => navigation.showFinding(one)}
              >
                {place}
              </button>
            )
          );
        })}
        {asksWhatIf(finding) && (
          <button
            type="button"
            class="link"
            onClick={() => {
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

/** The findings in one line, where the panel that tells them is closed. */
export function FindingsLine() {
  const { choices, view } = useStore();
  const [first, ...others] = view.report.value?.findings ?? [];
  if (view.panelOpen.value || first === undefined) return null;
  const { title, text } = tellFinding(first);
  return (
    <button
      type="button"
      class={`finding-line finding-${first.severity}`}
      onClick={() => {
        choices.tab.value = "findings";
        choosePanel(choices, true);
      }}
    >
      <b>{title}</b>
      <span>{text}</span>
      <small>{others.length === 0 ? "more" : `and ${plural(others.length, "other")}`}</small>
    </button>
  );
}

/** The findings as plain sentences, wherever the panel stands. */
export function FindingsText() {
  const { view } = useStore();
  const report = view.report.value;
  if (report === null || report.findings.length === 0) return null;
  return (
    <section class="unseen" aria-label={`Findings of ${report.run} as text`} data-testid="findings-text">
      <ul>
        {report.findings.map((finding) => (
          <li key={findingKey(finding)}>
            {`${SEVERITY_WORDS[finding.severity]}. ${finding.text} ${finding.advice}`}
          </li>
        ))}
      </ul>
    </section>
  );
}
