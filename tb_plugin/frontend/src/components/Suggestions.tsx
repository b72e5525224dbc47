import { METHODS, type Method, type Summary } from "../api/rangeTest";
import { copyText } from "../host/browser";
import { formatNumber, plural } from "../model/axes/format";
import {
  endSentences,
  formatSuggestion,
  METHOD_NAMES,
  METHOD_TEXTS,
  rangeText,
} from "../model/rangeTest/suggestions";
import type { DrawnTest } from "../model/rangeTest/sweepMarks";
import { useStore } from "./context";

/** What the shown range tests suggest: one in cards, several in a table. */
export function Suggestions() {
  const { sweeps } = useStore();
  const tests = sweeps.tests.value;
  const [first, ...others] = tests;
  if (first === undefined) return null;
  return others.length === 0 ? <OneTest drawn={first} /> : <ManyTests tests={tests} />;
}

function OneTest({ drawn: { test } }: { drawn: DrawnTest }) {
  const { recommended, suggestions } = test;
  const ends = endSentences(test);
  return (
    <section class="suggestions" aria-label="Suggested learning rates">
      <div class="suggestion-cards">
        <div
          class={`suggestion suggestion-first${recommended.learning_rate === null ? "" : " suggestion-recommended"}`}
          data-testid="recommended"
        >
          <h2>Recommended</h2>
          <Value summary={recommended} name="the recommended learning rate" />
          <p>{recommended.reason}</p>
        </div>
        <ul>
          {METHODS.map((method) => {
            const summary = suggestions[method];
            return (
              <li
                key={method}
                class="suggestion"
                data-method={method}
                title={summary.reason || METHOD_TEXTS[method]}
              >
                <h3>{METHOD_NAMES[method]}</h3>
                <Value summary={summary} name={METHOD_NAMES[method]} />
                <p>{summary.reason === recommended.reason ? "" : noteOf(method, summary)}</p>
              </li>
            );
          })}
        </ul>
      </div>
      <p class="ends" data-testid="ends" title={ends.join("\n")}>
        {ends[0]}
        {ends.length > 1 && ` See the Range test tab for all ${ends.length} sweeps.`}
      </p>
    </section>
  );
}

function noteOf(method: Method, summary: Summary): string {
  if (summary.learning_rate === null) return summary.reason;
  return rangeText(summary) ?? (method === "divergence" ? "an upper bound" : "");
}

/** A learning rate with a button that copies it. */
function Value({ summary, name }: { summary: Summary; name: string }) {
  const store = useStore();
  const { learning_rate: lr } = summary;
  if (lr === null || !Number.isFinite(lr)) return <p class="value value-none">none</p>;
  const text = formatSuggestion(lr);
  const copy = async (): Promise<void> => {
    store.say((await copyText(text)) ? `${text} copied.` : `Copy this number: ${text}`);
  };
  return (
    <p class="value">
      <span class="lr">{text}</span>
      <button
        type="button"
        class="copy"
        aria-label={`Copy ${text}, ${name}`}
        title={`Copy ${text}`}
        onClick={() => void copy()}
      >
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path d="M5.5 5.5v-3h8v8h-3M2.5 5.5h8v8h-8z" />
        </svg>
      </button>
    </p>
  );
}

/** Tests that the table lists; the median is that of all. */
const LISTED = 8;

function ManyTests({ tests }: { tests: readonly DrawnTest[] }) {
  const { view, sweeps } = useStore();
  const all = sweeps.overall.value;
  const cells = (
    test: { recommended: Summary; suggestions: Readonly<Record<Method, Summary>> },
    owner: string,
  ) => (
    <>
      <td class="cell-recommended">
        <Value summary={test.recommended} name={`recommended, ${owner}`} />
      </td>
      {METHODS.map((method) => (
        <td key={method} title={test.suggestions[method].reason}>
          <Value summary={test.suggestions[method]} name={`${METHOD_NAMES[method]}, ${owner}`} />
        </td>
      ))}
    </>
  );
  const spread = ({ spread: decades }: Summary): string =>
    decades === null ? "–" : `${formatNumber(decades, 2)} ${decades === 1 ? "decade" : "decades"}`;
  return (
    <section class="suggestions" aria-label="Suggested learning rates">
      <div class="suggestion-scroll">
        <table class="suggestion-table">
          <thead>
            <tr>
              <th scope="col">{plural(tests.length, "range test")}</th>
              <th scope="col">Recommended</th>
              {METHODS.map((method) => (
                <th scope="col" key={method} title={METHOD_TEXTS[method]}>
                  {METHOD_NAMES[method]}
                </th>
              ))}
              <th scope="col" class="ended">
                end
              </th>
            </tr>
          </thead>
          <tbody>
            {tests.slice(0, LISTED).map(({ name, test }) => (
              <tr key={name}>
                <th scope="row" title={name}>
                  <span class="swatch" style={{ "--swatch": view.runColor.value(name) }} />
                  {name}
                </th>
                {cells(test, name)}
                <td class="ended" title={endSentences(test).join(" ")}>
                  {endOf(test)}
                </td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr data-testid="median">
              <th scope="row">median</th>
              {cells(all, "median of all tests")}
              <td class="ended" />
            </tr>
            <tr data-testid="spread">
              <th scope="row">lowest to highest</th>
              <td>{spread(all.recommended)}</td>
              {METHODS.map((method) => (
                <td key={method}>{spread(all.suggestions[method])}</td>
              ))}
              <td class="ended" />
            </tr>
          </tfoot>
        </table>
      </div>
      {tests.length > LISTED && <p class="ends">{plural(tests.length - LISTED, "more test")} not listed.</p>}
    </section>
  );
}

function endOf({ state, sweeps }: DrawnTest["test"]): string {
  if (state === "running") return "running";
  return [...new Set(sweeps.map(({ stopped }) => stopped ?? "all steps"))].join(", ");
}
