import { epochSpans } from "../model/epochs";
import type { Note, PaneId } from "../model/pane";
import { formatCoverage } from "../model/status";
import { useStore } from "./context";
import { legendOf } from "./legend";
import { MetricChooser } from "./MetricChooser";
import { Pane } from "./Pane";
import { Segmented } from "./Segmented";
import { Spoken } from "./Tooltip";

export function Panes() {
  return (
    <div class="panes">
      <Card pane="rate" title="Learning rate" />
      <Card pane="loss" title="Loss and epoch metrics" />
      <Spoken />
    </div>
  );
}

function Card({ pane, title }: { pane: PaneId; title: string }) {
  const { view, navigation } = useStore();
  const paneView = (pane === "rate" ? view.ratePane : view.lossPane).value;
  return (
    <section class={`card card-${pane}`} aria-label={title}>
      <div class="card-head">
        <Legend pane={pane} notes={paneView.notes} />
        <div class="card-tools">
          {pane === "rate" && <EpochsOf />}
          {pane === "rate" && <Coverage />}
          {pane === "loss" && <MetricChooser />}
          <Segmented
            small
            label={`Scale of the ${pane === "rate" ? "learning rate" : "loss"}`}
            name={`scale-${pane}`}
            value={paneView.left.kind}
            options={[
              { value: "linear", label: "linear" },
              { value: "log", label: "log" },
            ]}
            onChange={(kind) => navigation.setScale(pane, kind)}
          />
        </div>
      </div>
      <Pane pane={pane} title={title} />
    </section>
  );
}

/** How much of the runs is in the picture, and the way back to all of it. */
function Coverage() {
  const { view, choices, navigation } = useStore();
  if (view.drawn.value.length === 0) return null;
  return (
    <>
      <p class="quiet-note" data-testid="coverage">
        {formatCoverage(view.coverage.value)}
      </p>
      {choices.isZoomed.value && (
        <button
          type="button"
          class="button button-small button-accent"
          onClick={() => navigation.reset()}
          title="Show the whole run (Esc, or a double click)"
        >
          reset zoom
        </button>
      )}
    </>
  );
}

/** With several runs the hairlines are the first one's, unless the x axis counts epochs. */
function EpochsOf() {
  const { view, choices } = useStore();
  const [first, ...others] = view.drawn.value;
  if (first === undefined || others.length === 0 || choices.axis.value === "epoch") return null;
  const { epochs } = view.ratePane.value;
  const same = others.every(
    (run) => JSON.stringify(epochSpans(run.overview, choices.axis.value)) === JSON.stringify(epochs),
  );
  if (same || epochs.length === 0) return null;
  return <p class="quiet-note">epochs of {first.name}</p>;
}

function Legend({ pane, notes }: { pane: PaneId; notes: readonly Note[] }) {
  const store = useStore();
  const toggle = (name: string): void => {
    const hidden = new Set(store.choices.hidden.value);
    if (!hidden.delete(name)) hidden.add(name);
    store.choices.hidden.value = hidden;
  };
  return (
    <ul class="legend">
      {legendOf(store, pane).map(({ label, colour, alpha, drawn, toggles, hidden, hint }) => {
        const swatch = (
          <span
            class={`swatch swatch-${drawn}`}
            style={{ "--swatch": colour, opacity: alpha }}
            aria-hidden="true"
          />
        );
        return (
          <li key={label} title={hint ?? undefined}>
            {toggles === null ? (
              <span class="legend-item">
                {swatch}
                {label}
              </span>
            ) : (
              <button
                type="button"
                class="legend-item"
                aria-pressed={!hidden}
                onClick={() => toggle(toggles)}
                title={`${hidden ? "Show" : "Hide"}${hint === null ? "" : `. ${hint}`}`}
              >
                {swatch}
                {label}
              </button>
            )}
          </li>
        );
      })}
      {notes.map((note) => (
        <li class="note" key={note.text} title={note.more}>
          {note.text}
        </li>
      ))}
    </ul>
  );
}
