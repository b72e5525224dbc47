import { METHODS } from "../api/rangeTest";
import { formatCount } from "../model/axes/format";
import { endSentences, formatSuggestion, METHOD_NAMES, METHOD_TEXTS } from "../model/rangeTest/suggestions";
import type { DrawnTest } from "../model/rangeTest/sweepMarks";
import { type Attribute, fitAttributes, provenanceAttributes } from "../model/runs/about";
import { namesOf } from "../model/runs/selection";
import { Attributes } from "./Attributes";
import { useStore } from "./context";
import { SweepCard } from "./SweepPage";

/** On a training's page: a range test with the learning rates that the training used drawn over it. */
export function CompareTab() {
  const { choices, view, sweeps, rangeTests } = useStore();
  const tests = namesOf("range_test", view.infos.value);
  const [name] = sweeps.names.value;
  const drawn = sweeps.tests.value[0];
  const problem = name === undefined ? null : (rangeTests.loaded.value.get(name)?.problem ?? null);
  return (
    <>
      <label class="run-choice">
        Range test
        <select
          value={name ?? ""}
          onChange={(event) => {
            choices.sweep.value = event.currentTarget.value;
          }}
        >
          {tests.map((test) => (
            <option key={test} value={test}>
              {test}
            </option>
          ))}
        </select>
      </label>
      {problem !== null && (
        <p class="notice notice-bad" role="alert">
          {problem}
          <button type="button" class="link" data-testid="retry" onClick={() => rangeTests.retry()}>
            Try again
          </button>
        </p>
      )}
      {drawn?.test.training != null && (
        <p class="verdict" data-testid="verdict">
          {drawn.test.training.text}
        </p>
      )}
      <div class="compare">
        <SweepCard small pane="sweep" title="Loss against learning rate" />
      </div>
      {drawn !== undefined && <Suggested drawn={drawn} />}
      {name !== undefined && (
        <button
          type="button"
          class="button"
          data-testid="open-range-test"
          onClick={() => {
            choices.training.value = view.focused.value;
            choices.selections.range_test.value = [name];
            choices.kind.value = "range_test";
          }}
        >
          Open this range test
        </button>
      )}
    </>
  );
}

function Suggested({ drawn: { test } }: { drawn: DrawnTest }) {
  const lr = (value: number | null): string => (value === null ? "none" : formatSuggestion(value));
  const attributes: Attribute[] = [
    { name: "recommended", value: lr(test.recommended.learning_rate) },
    ...METHODS.map((method) => ({
      name: METHOD_NAMES[method].toLowerCase(),
      value: lr(test.suggestions[method].learning_rate),
    })),
  ];
  return <Attributes attributes={attributes} />;
}

/** On the page of range tests: how the first of them was set, how it ended, and what its suggestions mean. */
export function TestTab() {
  const { view, sweeps } = useStore();
  const drawn = sweeps.tests.value[0];
  if (drawn === undefined) return null;
  const { test } = drawn;
  return (
    <>
      {sweeps.tests.value.length > 1 && <p class="quiet">{drawn.name}</p>}
      <Attributes attributes={settingAttributes(drawn)} />
      {endSentences(test).map((sentence) => (
        <p class="aside" key={sentence}>
          {sentence}
        </p>
      ))}
      <section class="fit">
        <h3>Suggestions</h3>
        <Attributes
          isWide
          attributes={METHODS.map((method) => {
            const { learning_rate: lr, reason } = test.suggestions[method];
            const value = lr === null ? "none" : formatSuggestion(lr);
            return { name: `${METHOD_NAMES[method]}: ${value}`, value: reason || METHOD_TEXTS[method] };
          })}
        />
      </section>
      {test.about.fits.slice(0, 1).map((fit) => (
        <section class="fit" key={fit.start_time}>
          <Attributes attributes={fitAttributes(fit)} />
          {provenanceAttributes(fit).length > 0 && <h3>Where the numbers come from</h3>}
          <Attributes attributes={provenanceAttributes(fit)} isWide />
          {(fit.warnings ?? []).map((warning) => (
            <p key={warning} class="notice">
              {warning}
            </p>
          ))}
        </section>
      ))}
    </>
  );

  function settingAttributes({ name, test: { settings } }: DrawnTest): readonly Attribute[] {
    const info = view.infos.value.get(name);
    const lr = (value: number | null): string | null => (value === null ? null : formatSuggestion(value));
    const settingValues: readonly (readonly [string, string | null])[] = [
      ["state", info?.state ?? null],
      ["start LR", lr(settings.start_lr)],
      ["end LR", lr(settings.end_lr)],
      ["growth", settings.growth],
      ["planned steps", settings.steps === null ? null : formatCount(settings.steps)],
      ["stops above", settings.stop_factor === null ? null : `${settings.stop_factor} × the lowest loss`],
      ["sweeps", settings.repeats === null ? null : formatCount(settings.repeats)],
    ];
    return settingValues.flatMap(([name, value]) => (value === null ? [] : [{ name, value }]));
  }
}
