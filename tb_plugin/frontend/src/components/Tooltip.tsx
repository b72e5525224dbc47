import { useLayoutEffect, useRef } from "preact/hooks";
import { formatPlace } from "../model/epochs";
import { formatCount, formatDuration, formatNumber, formatRate, formatTime } from "../model/format";
import { sentenceAt } from "../model/marks";
import type { PaneId } from "../model/pane";
import { dotsAt, nearestDot, type Reading } from "../model/readout";
import type { Store } from "../state/store";
import { partOf } from "../state/view";
import { useStore } from "./context";
import type { PlotBox } from "./Pane";

/** Runs that a tooltip lists; of more, those nearest to the pointer. */
const LISTED = 10;
const DISTANCE = 18;
const EDGE = 8;

export function Tooltip({ pane, box }: { pane: PaneId; box: PlotBox }) {
  const store = useStore();
  const { view } = store;
  const root = useRef<HTMLDivElement>(null);
  const cursor = view.cursor.value;
  const readings = view.readings.value;
  const open = cursor !== null && cursor.pane === pane && readings.length > 0;

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null || cursor === null) return;
    const [only] = readings;
    const at = partOf(readings.length === 1 && only !== undefined ? only.x : cursor.x, view.range.value);
    const pane = element.parentElement?.getBoundingClientRect() ?? { left: 0, top: 0 };
    const x = pane.left + box.left + Math.min(Math.max(at, 0), 1) * box.width;
    const y = pane.top + box.top + (1 - (cursor.y ?? 0.7)) * box.height;
    const { offsetWidth: width, offsetHeight: height } = element;
    // Beside the cursor, on the right while there is room, and inside the window.
    const [before, behind] = [x - DISTANCE - width, x + DISTANCE];
    const room = window.innerWidth - EDGE - width;
    const left = behind <= room || before < EDGE ? Math.min(behind, room) : before;
    const top = Math.min(Math.max(y - height / 2, EDGE), window.innerHeight - height - EDGE);
    element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  });

  if (!open) return null;
  const paneView = (pane === "rate" ? view.ratePane : view.lossPane).value;
  const nearest = nearestDot(dotsAt(paneView, readings), cursor.y);
  const sentence = markSentence(store);
  return (
    <div class="tooltip" ref={root} aria-hidden="true" data-testid="tooltip">
      {sentence !== null && (
        <p class="mark" data-testid="mark">
          {sentence}
        </p>
      )}
      {readings.length === 1 ? (
        <OneRun reading={readings[0] as Reading} nearest={nearest?.line.kind ?? null} />
      ) : (
        <ManyRuns readings={readings} nearest={nearest?.line.run ?? null} />
      )}
    </div>
  );
}

/** What is to be said of the mark under the pointer, or at the step that the keyboard's cursor stands on. */
function markSentence({ view }: Store): string | null {
  const pointed = view.pointed.value?.sentence ?? null;
  const cursor = view.cursor.value;
  const marks = view.marks.value;
  if (pointed !== null || cursor === null || cursor.y !== null || marks === null) return pointed;
  const reading = view.readings.value.find((one) => one.run === marks.run);
  return reading === undefined ? null : sentenceAt(marks, reading.step);
}

function OneRun({ reading, nearest }: { reading: Reading; nearest: string | null }) {
  const { view, choices } = useStore();
  const theme = view.theme.value;
  const smoothed = choices.smoothing.value > 0;
  const highlight = (kinds: readonly string[]): string | undefined =>
    nearest !== null && kinds.includes(nearest) ? "nearest" : undefined;
  const colours = view.colours.value;
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col" class="run-name">
              {reading.run}
            </th>
            {smoothed && <th scope="col">smoothed</th>}
            <th scope="col">value</th>
          </tr>
        </thead>
        <tbody>
          {reading.loss !== null && (
            <tr class={highlight(["loss", "loss_smoothed"])}>
              <Name colour={theme.loss} label="loss" />
              {smoothed && <td>{formatNumber(reading.loss_smoothed)}</td>}
              <td>{formatNumber(reading.loss)}</td>
            </tr>
          )}
          <tr class={highlight(["learning_rate"])}>
            <Name colour={theme.learningRate} label="LR" />
            {smoothed && <td />}
            <td>{formatRate(reading.learning_rate)}</td>
          </tr>
          <tr class={highlight(["effective_learning_rate"])}>
            <Name colour={theme.effectiveRate} label="effective LR" />
            {smoothed && <td />}
            <td>{formatEffective(reading)}</td>
          </tr>
          {view.metrics.value.map((name, index) => (
            <tr key={name}>
              <Name colour={colours({ run: reading.run, kind: "metric", metric: index })} label={name} />
              {smoothed && <td />}
              <td>{name in reading.metrics ? formatNumber(reading.metrics[name] ?? null) : "not yet"}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <p>{whereOf(reading)}</p>
      <p>{whenOf(reading)}</p>
    </>
  );
}

function ManyRuns({ readings, nearest }: { readings: readonly Reading[]; nearest: string | null }) {
  const { view, choices } = useStore();
  const smoothed = choices.smoothing.value > 0;
  const at = Math.max(
    0,
    readings.findIndex((reading) => reading.run === nearest),
  );
  const first = Math.min(Math.max(0, at - Math.floor(LISTED / 2)), Math.max(0, readings.length - LISTED));
  const listed = readings.slice(first, first + LISTED);
  const focus = readings.find((reading) => reading.run === nearest) ?? readings[0];
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col" class="run-name">
              run
            </th>
            {smoothed && <th scope="col">smoothed</th>}
            <th scope="col">loss</th>
            <th scope="col">LR</th>
            <th scope="col">effective</th>
            <th scope="col">step</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((reading) => (
            <tr key={reading.run} class={reading.run === nearest ? "nearest" : undefined}>
              <Name colour={view.runColour.value(reading.run)} label={reading.run} />
              {smoothed && <td>{formatNumber(reading.loss_smoothed)}</td>}
              <td>{formatNumber(reading.loss)}</td>
              <td>{formatRate(reading.learning_rate)}</td>
              <td>{formatEffective(reading)}</td>
              <td>{formatCount(reading.step)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {readings.length > listed.length && <p>{readings.length - listed.length} more runs</p>}
      {focus !== undefined && (
        <p>
          {focus.run}: {[whereOf(focus), whenOf(focus)].join(" · ")}
        </p>
      )}
    </>
  );
}

function Name({ colour, label }: { colour: string; label: string }) {
  return (
    <th scope="row">
      <span class="swatch" style={{ "--swatch": colour }} />
      <span class="name">{label}</span>
    </th>
  );
}

function formatEffective({ effective_learning_rate: value }: Reading): string {
  return value === null || Number.isNaN(value) ? "–" : formatNumber(value);
}

function whereOf({ step, place }: Reading): string {
  return [`step ${formatCount(step)}`, ...(place === null ? [] : [formatPlace(place)])].join(" · ");
}

function whenOf({ time, relative }: Reading): string {
  if (time === null || relative === null) return "time not recorded";
  return `${formatTime(time)} · after ${formatDuration(relative)}`;
}

/** What the keyboard's cursor stands on, for those who hear the page. */
export function Spoken() {
  const store = useStore();
  const { view } = store;
  const cursor = view.cursor.value;
  const [reading] = view.readings.value;
  const spoken = cursor !== null && cursor.y === null && reading !== undefined;
  return (
    <p class="unseen" aria-live="polite" data-testid="spoken">
      {spoken &&
        `${whereOf(reading)}: learning rate ${formatRate(reading.learning_rate)}, loss ${formatNumber(reading.loss)}. ${markSentence(store) ?? ""}`.trim()}
    </p>
  );
}
