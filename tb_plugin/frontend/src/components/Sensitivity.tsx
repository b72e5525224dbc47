import type { Plateaus, Sensitivity as Table } from "../api/report";
import { formatCount } from "../model/format";
import { earliness, settingText, withSetting } from "../model/whatIf";
import { useStore } from "./context";

const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** A count for a narrow cell; its title has the whole number. */
function short(count: number): string {
  return count < 1000 ? String(count) : SHORT.format(count);
}

/** When the rule first reduces, by patience and min_delta: how much the answer depends on either. */
export function Sensitivity({ plateaus, table }: { plateaus: Plateaus; table: Table }) {
  const { choices } = useStore();
  const { rule, defaults, unit } = plateaus;
  const take = (patience: number, minDelta: number): void => {
    const texts = withSetting(choices.rule.value, defaults, "patience", String(patience));
    choices.rule.value = withSetting(texts, defaults, "min_delta", settingText(minDelta));
  };
  return (
    <section class="sensitivity" aria-label="How sensitive the first reduction is">
      <table>
        <caption>First reduction, after {unit}</caption>
        <thead>
          <tr>
            <th scope="col">
              <small>min_delta \ patience</small>
            </th>
            {table.patience.map((patience) => (
              <th scope="col" key={patience} title={formatCount(patience)}>
                {short(patience)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {table.min_delta.map((minDelta, column) => (
            <tr key={minDelta}>
              <th scope="row">{settingText(minDelta)}</th>
              {table.patience.map((patience, row) => {
                const first = table.first_trigger[row]?.[column] ?? null;
                const early = earliness(first, table.first_trigger);
                const current = patience === rule.patience && minDelta === rule.min_delta;
                const says = first === null ? "never" : `first reduction after ${unit} ${formatCount(first)}`;
                return (
                  <td key={patience}>
                    <button
                      type="button"
                      class={early === null ? "cell" : "cell cell-some"}
                      style={early === null ? {} : { "--early": early.toFixed(2) }}
                      aria-pressed={current}
                      aria-label={`patience ${patience}, min_delta ${settingText(minDelta)}: ${says}`}
                      title={`patience ${patience}, min_delta ${settingText(minDelta)}: ${says}`}
                      onClick={() => take(patience, minDelta)}
                    >
                      {first === null ? "–" : short(first)}
                    </button>
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
