import { slotName } from "../state/series";
import { useStore } from "./context";

export function Skeleton() {
  return (
    <output class="skeleton" aria-label="Loading runs">
      <div class="bone bone-title" />
      <div class="bone bone-lr" />
      <div class="bone bone-loss" />
    </output>
  );
}

/** Stands in a chart that has nothing to draw. */
export function WaitingForData() {
  const { series, view } = useStore();
  const answers = view.shown.value.map((run) => series.loaded.value.get(slotName("overview", run)));
  // Errors are shown above the charts.
  if (answers.some((answer) => answer?.problem != null)) return null;
  return answers.some((answer) => answer?.answer == null) ? (
    <output class="waiting">Loading the curves…</output>
  ) : (
    <p class="waiting">No step is recorded yet.</p>
  );
}

const SCRIPT = `import lrmon

model.fit(x, y, callbacks=[lrmon.LRMonitor("logs/run1")])`;

export function Empty() {
  const { runs } = useStore();
  const notices = runs.list.value.answer?.notices ?? [];
  return (
    <div class="state" data-testid="empty">
      <h1>No learning rate is recorded here yet</h1>
      <p>Add the callback to your training; its learning rate and loss appear here while it runs.</p>
      <pre>
        <code>{SCRIPT}</code>
      </pre>
      <p>
        Then start TensorBoard on the parent folder: <code>tensorboard --logdir logs</code>
      </p>
      {notices.map((notice) => (
        <p key={notice} class="notice">
          {notice}
        </p>
      ))}
      <button type="button" class="button" onClick={() => void runs.reload()}>
        Reload
      </button>
    </div>
  );
}

export function Failed({ problem }: { problem: string }) {
  const { runs } = useStore();
  return (
    <div class="state" role="alert" data-testid="failed">
      <h1>The runs could not be loaded</h1>
      <p>{problem}</p>
      <button type="button" class="button" data-testid="retry" onClick={() => void runs.reload()}>
        Try again
      </button>
    </div>
  );
}

export function NothingShown() {
  const { view, choices } = useStore();
  const hidden = view.selected.value.length > 0;
  const noun = view.kind.value === "training" ? "run" : "range test";
  return (
    <div class="state" data-testid="nothing">
      <h1>{hidden ? `The filter hides every selected ${noun}` : `No ${noun} is selected`}</h1>
      <p>
        {hidden
          ? "Only runs that are selected and match the filter are drawn."
          : "Select runs in the list on the left."}
      </p>
      {!hidden && (
        <button
          type="button"
          class="button"
          onClick={() => {
            choices.selections[view.kind.value].value = null;
          }}
        >
          Show the latest {noun}
        </button>
      )}
    </div>
  );
}
