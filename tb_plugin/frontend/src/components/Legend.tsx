import { shortName } from "../model/axes/format";
import type { Note } from "../model/panes/pane";
import { toggleHidden } from "../state/choices";
import { useStore } from "./context";
import type { LegendItem } from "./legendItem";

interface Properties {
  readonly items: readonly LegendItem[];
  readonly notes: readonly Note[];
  /** What all the lines are of, where their names do not say it. */
  readonly caption?: string | null;
}

/** What the lines of a pane mean, each a button that hides and shows it. */
export function Legend({ items, notes, caption = null }: Properties) {
  const { choices } = useStore();
  return (
    <ul class="legend">
      {caption !== null && <li class="legend-caption">{caption}</li>}
      {items.map(({ label, color, alpha, drawn, toggles, hidden, hint, caveat }) => {
        const swatch = (
          <span
            class={`swatch swatch-${drawn}`}
            style={{ "--swatch": color, opacity: alpha }}
            aria-hidden="true"
          />
        );
        return (
          <li key={label} data-legend={toggles ?? undefined} title={hint ?? undefined}>
            {toggles === null ? (
              <span class="legend-item">
                {swatch}
                {shortName(label)}
              </span>
            ) : (
              <button
                type="button"
                class="legend-item"
                aria-pressed={!hidden}
                onClick={() => toggleHidden(choices, toggles)}
                title={`${hidden ? "Show" : "Hide"}${hint === null ? "" : `. ${hint}`}`}
              >
                {swatch}
                {shortName(label)}
              </button>
            )}
            {caveat !== null && (
              <button
                type="button"
                class="caveat"
                aria-label={`${label}, ${caveat.label}: ${caveat.sentence}`}
              >
                {caveat.label}
                <span class="caveat-sentence" aria-hidden="true">
                  {caveat.sentence}
                </span>
              </button>
            )}
          </li>
        );
      })}
      {notes.map((note) => (
        <li class="note" key={note.code} data-note={note.code} title={note.more}>
          {note.text}
        </li>
      ))}
    </ul>
  );
}
