import { useState } from "preact/hooks";
import type { Plateaus, Sensitivity as Table } from "../api/report";
import { formatCount } from "../model/axes/format";
import { earliness, settingText, withSetting } from "../model/runs/whatIf";
import { useStore } from "./context";

const SHORT = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

/** A count for a narrow cell; its title has the whole number. */
function short(count: number): string {
  return count < 1000 ? String(count) : SHORT.format(count);
}

/** When the rule first reduces, by patience and min_delta: how much the answer depends on either. */
export function Sensitivity({ plateaus, table }: { plateaus: Plateaus; table: Table }) {
  const { choices } = useStore();
  const [stop, setStop] = useState<string | null>(null);
  const { rule, defaults, unit } = plateaus;
  const take = (patience: number, minDelta: number): void => {
    const texts = withSetting(choices.rule.value, defaults, "patience", String(patience));
    choices.rule.value = withSetting(texts, defaults, "min_delta", settingText(minDelta));
  };
  const { patience: columns, min_delta: rows } = table;
  // One cell is a stop of the Tab key: the one that the user went to, else that of the present settings.
  const keyOf = (row: number, column: number): string => `${rows[row]} ${columns[column]}`;
  const [row0, column0] = [rows.indexOf(rule.min_delta), columns.indexOf(rule.patience)];
  const present = keyOf(Math.max(0, row0), Math.max(0, column0));
  const all = rows.flatMap((_minDelta, row) => columns.map((_patience, column) => keyOf(row, column)));
  const tabbed = stop !== null && all.includes(stop) ? stop : present;
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }): void => {
    const at = all.indexOf(tabbed);
    const [row, column] = [Math.floor(at / columns.length), at % columns.length];
    const to = {
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      Home: [row, 0],
      End: [row, columns.length - 1],
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    const [nextRow = 0, nextColumn = 0] = to;
    if (rows[nextRow] === undefined || columns[nextColumn] === undefined) return;
    const next = keyOf(nextRow, nextColumn);
    setStop(next);
    event.currentTarget.querySelector<HTMLElement>(`[data-cell="${next}"]`)?.focus();
  };
  return (
    <section class="sensitivity" aria-label="First LR reduction by patience and min_delta">
      {/* biome-ignore lint/a11y/noNoninteractiveElementToInteractiveRole: the arrow keys go through its cells. */}
      <table role="grid" onKeyDown={onKey}>
        <caption>First LR reduction, after {unit}</caption>
        <thead>
          <tr>
            <th scope="col">
              <small>min_delta \ patience</small>
            </th>
            {columns.map((patience) => (
              <th scope="col" key={patience} title={formatCount(patience)}>
                {short(patience)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((minDelta, row) => (
            <tr key={minDelta}>
              <th scope="row">{settingText(minDelta)}</th>
              {columns.map((patience, column) => {
                const first = table.first_reduction[column]?.[row] ?? null;
                const key = keyOf(row, column);
                const early = earliness(first, table.first_reduction);
                const current = patience === rule.patience && minDelta === rule.min_delta;
                const result =
                  first === null ? "never" : `first LR reduction after ${unit} ${formatCount(first)}`;
                return (
                  <td key={patience}>
                    <button
                      type="button"
                      class={early === null ? "cell" : "cell cell-some"}
                      style={early === null ? {} : { "--early": early.toFixed(2) }}
                      aria-pressed={current}
                      data-cell={key}
                      tabIndex={key === tabbed ? 0 : -1}
                      onFocus={() => setStop(key)}
                      aria-label={`patience ${patience}, min_delta ${settingText(minDelta)}: ${result}`}
                      title={`patience ${patience}, min_delta ${settingText(minDelta)}: ${result}`}
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
