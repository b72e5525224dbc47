import type { Plateaus, Setting } from "../api/report";
import { copyText } from "../host/browser";
import { formatCount, formatLR, shortName } from "../model/axes/format";
import { divergesSentence, reductionItem, reductionLabel } from "../model/marks/sentences";
import { MODES, settingOf, shownSetting, VERSIONS, withSetting } from "../model/runs/whatIf";
import { useStore } from "./context";
import { Sensitivity } from "./Sensitivity";

/** ReduceLROnPlateau's own settings, and where they would reduce the learning rate of this run. */
export function WhatIfTab() {
  const { view, reports, choices } = useStore();
  const report = view.report.value;
  const refusal = reports.loaded.value?.refusal ?? null;
  if (report === null) {
    const failed = reports.loaded.value?.problem != null;
    return <p class="quiet">{failed ? "The report could not be loaded." : "Loading…"}</p>;
  }
  const { plateaus } = report;
  const own = plateaus.defaults_from === "run" ? "the run's own settings" : "Keras' defaults";
  const changed = Object.keys(choices.rule.value).length > 0;
  return (
    <div class="what-if">
      <h3 class="what-if-title">What if: ReduceLROnPlateau</h3>
      <p class="quiet">
        Where this rule would reduce the learning rate of this run. The settings start from {own}.
      </p>
      <Form plateaus={plateaus} refusal={refusal} />
      <div class="what-if-tools">
        <CopyCode code={refusal === null ? plateaus.code : null} />
        <button
          type="button"
          class="button button-small"
          data-testid="reset-rule"
          disabled={!changed}
          onClick={() => {
            choices.rule.value = {};
          }}
        >
          Reset to {own}
        </button>
      </div>
      {plateaus.problem === null && (
        <>
          <Reductions plateaus={plateaus} />
          {plateaus.sensitivity !== null && <Sensitivity plateaus={plateaus} table={plateaus.sensitivity} />}
        </>
      )}
    </div>
  );
}

const NUMBERS: readonly { readonly setting: Setting; readonly hint: string; readonly whole: boolean }[] = [
  { setting: "patience", hint: "Epochs without improvement before an LR reduction", whole: true },
  { setting: "min_delta", hint: "A smaller change does not count as an improvement", whole: false },
  { setting: "factor", hint: "An LR reduction multiplies the learning rate by it", whole: false },
  { setting: "cooldown", hint: "Epochs after an LR reduction that do not count", whole: true },
  { setting: "min_lr", hint: "The learning rate never falls below it", whole: false },
];

function Form({ plateaus, refusal }: { plateaus: Plateaus; refusal: string | null }) {
  const { choices } = useStore();
  const texts = choices.rule.value;
  const { defaults, metric_names, problem } = plateaus;
  // The rule that cannot be judged is so for its mode, or for what it watches.
  const wrong = refusal !== null ? (settingOf(refusal) ?? "monitor") : null;
  const set = (setting: Setting, text: string): void => {
    choices.rule.value = withSetting(texts, defaults, setting, text);
  };
  const shown = (setting: Setting): string => shownSetting(texts, defaults, setting);
  const monitor = shown("monitor");
  const options = metric_names.includes(monitor) ? metric_names : [monitor, ...metric_names];
  const choice = (
    setting: Setting,
    label: string,
    entries: readonly { readonly value: string; readonly label: string }[],
  ) => (
    <label class={setting === "monitor" ? "field field-wide" : "field"} key={setting}>
      {label}
      <select
        name={setting}
        value={shown(setting)}
        aria-invalid={wrong === setting}
        aria-describedby={wrong === setting ? "rule-problem" : undefined}
        onChange={(event) => set(setting, event.currentTarget.value)}
      >
        {entries.map((entry) => (
          <option key={entry.value} value={entry.value}>
            {entry.label}
          </option>
        ))}
      </select>
    </label>
  );
  const plain = (values: readonly string[]) => values.map((value) => ({ value, label: shortName(value) }));
  return (
    <form class="fields" onSubmit={(event) => event.preventDefault()}>
      {choice("monitor", "monitor", plain(options))}
      {NUMBERS.map(({ setting, hint, whole }) => (
        <label class="field" key={setting} title={hint}>
          {setting}
          <input
            type="text"
            name={setting}
            inputMode={whole ? "numeric" : "decimal"}
            autocomplete="off"
            spellcheck={false}
            value={shown(setting)}
            aria-invalid={wrong === setting}
            aria-describedby={wrong === setting ? "rule-problem" : undefined}
            onInput={(event) => set(setting, event.currentTarget.value)}
            onKeyDown={(event) => {
              const by = { ArrowUp: 1, ArrowDown: -1 }[event.key];
              const now = Number(shown(setting));
              if (by === undefined || !whole || !Number.isInteger(now)) return;
              event.preventDefault();
              set(setting, String(Math.max(0, now + by)));
            }}
          />
        </label>
      ))}
      {choice("mode", "mode", plain(MODES))}
      {choice("version", "Keras version", VERSIONS)}
      {(refusal ?? problem) !== null && (
        <p class="field-problem" id="rule-problem" role="alert">
          {refusal === null ? problem : `${refusal}. The charts show the last valid settings.`}
        </p>
      )}
    </form>
  );
}

/** Reductions that are listed; more would push the table out of sight. */
const LISTED = 4;

function Reductions({ plateaus }: { plateaus: Plateaus }) {
  const { reductions, reductions_total: total, unit } = plateaus;
  return (
    <div class="reductions" data-testid="reductions" aria-live="polite">
      {reductions.length > 0 && (
        <h4>{reductions.some(({ kind }) => kind !== "would") ? "LR reductions" : "Would reduce"}</h4>
      )}
      {reductions.length > 0 && (
        <ul>
          {reductions.slice(0, LISTED).map((reduction) => (
            <li
              key={reduction.step}
              class={`reduction reduction-${reduction.kind}`}
              title={reductionLabel(reduction, unit)}
            >
              {reductionItem(reduction, unit)}
              <span>
                {reduction.kind === "did"
                  ? `${formatLR(reduction.did_from)} → ${formatLR(reduction.did_to)}`
                  : `${formatLR(reduction.lr_from)} → ${formatLR(reduction.lr_to)}`}
              </span>
            </li>
          ))}
          {total > LISTED && <li class="quiet">and {formatCount(total - LISTED)} more</li>}
        </ul>
      )}
      <p class={plateaus.diverges_at === null ? "quiet" : "aside diverges"}>{divergesSentence(plateaus)}</p>
    </div>
  );
}

function CopyCode({ code }: { code: string | null }) {
  const { say } = useStore();
  const copy = async (): Promise<void> => {
    if (code === null) return;
    const copied = await copyText(code);
    say(copied ? "Copied the Keras callback with these settings." : `Copy this: ${code}`);
  };
  return (
    <button
      type="button"
      class="button button-small"
      data-testid="copy-code"
      disabled={code === null}
      title={code ?? "Unavailable: Keras cannot monitor single batches, or the settings are invalid."}
      onClick={() => void copy()}
    >
      Copy as code
    </button>
  );
}
