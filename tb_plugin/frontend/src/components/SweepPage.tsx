import type { ComponentChildren } from "preact";
import { formatNumber } from "../model/axes/format";
import { dotsAt, nearestDot } from "../model/panes/readout";
import type { SweepReading } from "../model/rangeTest/sweepPanes";
import { namesOf } from "../model/runs/selection";
import { shareOf } from "../state/sizes";
import { useStore } from "./context";
import { Legend } from "./Legend";
import { legendOf } from "./legends";
import { Pane } from "./Pane";
import { Segmented } from "./Segmented";
import { PaneSplitter } from "./Splitter";
import { Suggestions } from "./Suggestions";
import { TooltipBox, TooltipName } from "./TooltipBox";

/** Range tests: what they suggest, loss against learning rate, and its slope. */
export function SweepPage() {
  const { sweeps } = useStore();
  return (
    <>
      <Suggestions />
      <div class="panes">
        <SweepCard pane="sweep" title="Loss against learning rate">
          {sweeps.isZoomed.value && (
            <button
              type="button"
              class="button button-small button-accent"
              data-testid="reset-zoom"
              onClick={() => sweeps.moves.reset()}
              title="Show the whole test (Esc or double-click)"
            >
              reset zoom
            </button>
          )}
          <Training />
          <SweepScale />
        </SweepCard>
        <PaneSplitter above="sweep" below="slope" />
        <SweepCard pane="slope" title="Slope of the loss" />
        <Spoken />
      </div>
    </>
  );
}

interface Properties {
  readonly pane: "sweep" | "slope";
  readonly title: string;
  readonly children?: ComponentChildren;
  /** Beside a training there is no room for a legend: the sentence above says what it shows. */
  readonly small?: boolean;
}

export function SweepCard({ pane, title, children, small }: Properties) {
  const store = useStore();
  const { sweeps, sizes } = store;
  const { notes } = (pane === "sweep" ? sweeps.sweepPane : sweeps.slopePane).value;
  return (
    <section
      class={`card card-${pane}`}
      aria-label={title}
      {...(small === true ? {} : { "data-share": pane, style: { flexGrow: shareOf(sizes.value, pane) } })}
    >
      {small !== true && (
        <div class="card-head">
          <Legend items={legendOf(store, pane)} notes={notes} />
          <div class="card-tools">{children}</div>
        </div>
      )}
      <Pane stage={sweeps} pane={pane} title={title}>
        {(box) => (
          <>
            {pane === "sweep" && <Waiting />}
            <TooltipBox
              stage={sweeps}
              pane={pane}
              box={box}
              sentence={sweeps.pointed.value?.pane === pane ? sweeps.pointed.value.sentence : null}
            >
              {() => <SweepRows pane={pane} />}
            </TooltipBox>
          </>
        )}
      </Pane>
    </section>
  );
}

/** Stands in the chart while it has nothing to draw. */
function Waiting() {
  const { sweeps, rangeTests } = useStore();
  const { names, tests } = sweeps;
  if (names.value.length === 0 || tests.value.some(({ test }) => test.sweeps.some(({ steps }) => steps > 0)))
    return null;
  const answers = names.value.map((name) => rangeTests.loaded.value.get(name));
  if (answers.some((answer) => answer?.problem != null)) return null;
  return tests.value.length === 0 ? (
    <output class="waiting">Loading the range test…</output>
  ) : (
    <p class="waiting">No step is recorded yet.</p>
  );
}

/** Tests and sweeps that a tooltip lists. */
const LISTED = 10;

function SweepRows({ pane }: { pane: "sweep" | "slope" }) {
  const { view, sweeps } = useStore();
  const readings = sweeps.readings.value;
  const cursor = sweeps.cursor.value;
  const paneView = (pane === "sweep" ? sweeps.sweepPane : sweeps.slopePane).value;
  const nearest = nearestDot(dotsAt(paneView, readings), cursor?.y ?? null);
  const many = new Set(readings.map(({ run }) => run)).size > 1;
  const color = (run: string): string => (many ? view.runColor.value(run) : view.theme.value.loss);
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col" class="run-name">
              {many ? "range test" : readings[0]?.run}
            </th>
            <th scope="col">LR</th>
            <th scope="col">loss</th>
            <th scope="col">smoothed</th>
            <th scope="col">slope</th>
          </tr>
        </thead>
        <tbody>
          {readings.slice(0, LISTED).map((reading) => (
            <tr
              key={`${reading.run} ${reading.sweep}`}
              class={many && reading.run === nearest?.line.run ? "nearest" : undefined}
            >
              <TooltipName color={color(reading.run)} label={nameOf(reading, many)} />
              <td>{formatNumber(reading.learning_rate)}</td>
              <td>{formatNumber(reading.loss)}</td>
              <td>{formatNumber(reading.loss_smoothed)}</td>
              <td>{formatNumber(reading.slope, 3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {readings.length > LISTED && <p>{readings.length - LISTED} more</p>}
    </>
  );
}

function nameOf({ run, sweep, step }: SweepReading, many: boolean): string {
  if (many) return sweep === null ? run : `#${sweep} ${run}`;
  return sweep === null ? `step ${step}` : `sweep ${sweep}`;
}

/** What the keyboard's cursor stands on, for those who hear the page. */
function Spoken() {
  const { sweeps } = useStore();
  const cursor = sweeps.cursor.value;
  const [reading] = sweeps.readings.value;
  return (
    <p class="unseen" aria-live="polite" data-testid="spoken">
      {cursor !== null &&
        cursor.y === null &&
        reading !== undefined &&
        `learning rate ${formatNumber(reading.learning_rate)}: loss ${formatNumber(reading.loss)}, smoothed ${formatNumber(reading.loss_smoothed)}, slope ${formatNumber(reading.slope, 3)}`}
    </p>
  );
}

function SweepScale() {
  const { choices, sweeps } = useStore();
  return (
    <Segmented
      small
      label="Scale of the loss"
      name="scale-sweep"
      value={sweeps.sweepPane.value.left.kind}
      options={[
        { value: "linear", label: "linear" },
        { value: "log", label: "log" },
      ]}
      onChange={(kind) => {
        choices.sweepScale.value = kind;
        choices.sweepZoom.value = { ...choices.sweepZoom.value, sweep: null };
      }}
    />
  );
}

/** Which training's learning rates are drawn over the tests. */
function Training() {
  const { choices, view, sweeps } = useStore();
  const trainings = namesOf("training", view.infos.value);
  if (trainings.length === 0) return null;
  return (
    <label class="training-choice">
      LR of a training
      <select
        value={sweeps.training.value ?? ""}
        onChange={(event) => {
          const chosen = event.currentTarget.value;
          choices.training.value = chosen === "" ? null : chosen;
        }}
      >
        <option value="">none</option>
        {trainings.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
