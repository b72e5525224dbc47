import { copyText } from "../host/browser";
import { AXES, type Axis } from "../model/axes/axis";
import { formatCount, plural } from "../model/axes/format";
import { MOST_SMOOTHING } from "../model/link/fields";
import { formatSuggestion } from "../model/rangeTest/suggestions";
import { useStore } from "./context";
import { ExportMenu } from "./ExportMenu";
import { Segmented } from "./Segmented";

const AXIS_LABELS: Readonly<Record<Axis, string>> = {
  step: "Step",
  epoch: "Epoch",
  relative: "Relative",
  wall: "Wall",
};

export function Header() {
  const { choices, navigation, view } = useStore();
  const trainings = view.kind.value === "training";
  const axisProblem = (axis: Axis): string | null =>
    axis === "epoch" && view.drawn.value.length > 0 && !view.hasEpochs.value
      ? "No epochs are recorded for this run."
      : null;
  return (
    <header class="header">
      <Title />
      <div class="controls">
        {trainings && (
          <Segmented
            label="X axis"
            name="axis"
            value={choices.axis.value}
            options={AXES.map((axis) => ({
              value: axis,
              label: AXIS_LABELS[axis],
              disabled: axisProblem(axis),
            }))}
            onChange={(axis) => navigation.setAxis(axis)}
          />
        )}
        {trainings && <Smoothing />}
        <CopyLink />
        <ExportMenu />
      </div>
    </header>
  );
}

function Title() {
  const { view, sweeps } = useStore();
  const shown = view.listed.value;
  const [first] = shown;
  const trainings = view.kind.value === "training";
  const parts = (trainings ? runSummary() : testSummary()).join(" · ");
  const name = shown.length === 1 ? first : plural(shown.length, trainings ? "run" : "range test");
  return (
    <div class="title">
      <h1 title={name}>{name}</h1>
      <p class="summary" data-testid="facts" title={parts}>
        {parts}
      </p>
    </div>
  );

  function testSummary(): string[] {
    const test = shown.length === 1 ? sweeps.tests.value[0]?.test : undefined;
    const parts = shown.length === 1 ? ["learning-rate range test"] : [];
    if (test !== undefined) {
      const { start_lr: start, end_lr: end, growth } = test.settings;
      if (test.optimizer !== null) parts.push(test.optimizer);
      if (start !== null && end !== null) {
        parts.push(
          `${formatSuggestion(start)} to ${formatSuggestion(end)}${growth === null ? "" : `, ${growth}`}`,
        );
      }
      if (test.sweeps.length > 1) parts.push(plural(test.sweeps.length, "sweep"));
      if (test.state === "running") parts.push("running");
    }
    if (view.notDrawn.value > 0) parts.push(`${formatCount(view.notDrawn.value)} more not drawn`);
    return parts;
  }

  function runSummary(): string[] {
    const info = shown.length === 1 && first !== undefined ? view.infos.value.get(first) : undefined;
    const parts: string[] = [];
    if (info !== undefined) {
      if (info.schedule !== null) parts.push(info.schedule);
      if (info.optimizer !== null) parts.push(info.optimizer);
      if (info.epochs > 0) parts.push(plural(info.epochs, "epoch"));
      if (info.state === "running") parts.push("running");
    }
    if (view.notDrawn.value > 0) parts.push(`${formatCount(view.notDrawn.value)} more not drawn`);
    return parts;
  }
}

function Smoothing() {
  const { choices, view } = useStore();
  const value = view.smoothing.value;
  const auto = choices.smoothing.value === null;
  const set = (next: number): void => {
    if (!Number.isFinite(next)) return;
    choices.smoothing.value = Math.min(Math.max(Number(next.toFixed(3)), 0), MOST_SMOOTHING);
  };
  const arrows = (event: KeyboardEvent): void => {
    const by = { ArrowRight: 0.01, ArrowUp: 0.01, ArrowLeft: -0.01, ArrowDown: -0.01 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    set(Math.round((value + by) * 100) / 100);
  };
  return (
    <fieldset class="smoothing" title="Smooths the loss. The learning rate is never smoothed.">
      <legend class="unseen">Smoothing of the loss</legend>
      <span aria-hidden="true">Smoothing</span>
      <input
        type="range"
        min="0"
        max={MOST_SMOOTHING}
        step="0.001"
        value={value}
        aria-label="Smoothing of the loss"
        onKeyDown={arrows}
        onInput={(event) => {
          const wanted = Number(event.currentTarget.value);
          set(wanted > 0.99 ? wanted : Math.round(wanted * 100) / 100);
        }}
      />
      <input
        class="number"
        type="number"
        min="0"
        max={MOST_SMOOTHING}
        step="0.01"
        value={value}
        aria-label="Smoothing of the loss, as a number"
        onChange={(event) => set(Number.parseFloat(event.currentTarget.value))}
      />
      <button
        type="button"
        class="button button-small"
        aria-pressed={auto}
        title="Choose the smoothing from the number of steps per pixel"
        onClick={() => {
          choices.smoothing.value = auto ? view.autoSmoothing.value : null;
        }}
      >
        auto
      </button>
    </fieldset>
  );
}

function CopyLink() {
  const store = useStore();
  const copy = async (): Promise<void> => {
    const link = store.link();
    const copied = await copyText(link);
    store.say(
      copied ? "Link copied. It opens these runs with this zoom and these axes." : `Copy this link: ${link}`,
    );
  };
  return (
    <button type="button" class="button" data-testid="copy-link" onClick={() => void copy()}>
      Copy link
    </button>
  );
}
