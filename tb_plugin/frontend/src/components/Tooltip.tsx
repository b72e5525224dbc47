import {
  formatCount,
  formatDuration,
  formatLR,
  formatNumber,
  formatTime,
  plural,
  shortName,
} from "../model/axes/format";
import { finite } from "../model/axes/lookup";
import { fitAt, formatPosition } from "../model/marks/epochs";
import { sentenceAt } from "../model/marks/marks";
import { lrLabel } from "../model/panes/lrPane";
import type { LineKind, PaneId } from "../model/panes/pane";
import { type Dot, dotsAt, nearestDot, type Reading } from "../model/panes/readout";
import { SKIPPED } from "../model/panes/skipped";
import { productOf } from "../model/runs/about";
import { shortRunNames } from "../model/runs/runNames";
import type { Store } from "../state/store";
import { useStore } from "./context";
import type { PlotBox } from "./Pane";
import { LayerRows, StepSizes } from "./SampleTooltip";
import { LONGEST, TooltipBox, TooltipName } from "./TooltipBox";

/** Runs that a tooltip lists; of more, those nearest to the pointer. */
const LISTED = 10;
/** Epoch metrics that have a column each in the tooltip of several runs, and letters of their names. */
const METRICS = 2;
const METRIC_LETTERS = 14;

export function Tooltip({ pane, box }: { pane: PaneId; box: PlotBox }) {
  const store = useStore();
  const { view, trainings } = store;
  const cursor = view.cursor.value;
  return (
    <TooltipBox stage={trainings} pane={pane} box={box} sentence={markSentence(store)}>
      {() => {
        const readings = view.readings.value;
        const paneView = view.panes.value.find(({ id }) => id === pane);
        const nearest =
          paneView === undefined ? null : nearestDot(dotsAt(paneView, readings), cursor?.y ?? null);
        const focused = readings.find((reading) => reading.run === view.focused.value);
        if (pane === "layers")
          return focused === undefined ? null : (
            <LayerRows reading={focused} nearest={nearest?.line.label ?? null} />
          );
        return readings.length === 1 ? (
          <OneRun pane={pane} reading={readings[0] as Reading} nearest={nearest} />
        ) : (
          <ManyRuns readings={readings} nearest={nearest?.line.run ?? null} />
        );
      }}
    </TooltipBox>
  );
}

/** The sentence of the mark under the pointer, or at the step that the keyboard's cursor stands on. */
function markSentence({ view }: Store): string | null {
  const pointed = view.pointed.value?.sentence ?? null;
  const cursor = view.cursor.value;
  const marks = view.marks.value;
  if (pointed !== null || cursor === null || cursor.y !== null || marks === null) return pointed;
  const reading = view.readings.value.find((reading) => reading.run === marks.run);
  return reading === undefined ? null : sentenceAt(marks, reading.step);
}

function OneRun({ pane, reading, nearest }: { pane: PaneId; reading: Reading; nearest: Dot | null }) {
  const { view } = useStore();
  const theme = view.theme.value;
  const smoothed = view.smoothing.value > 0;
  const kind = nearest?.line.kind ?? null;
  const highlight = (...kinds: readonly LineKind[]): string | undefined =>
    kind !== null && kinds.includes(kind) ? "nearest" : undefined;
  const colors = view.colors.value;
  const product = pane === "lr" && kind === "effective_learning_rate" ? productAt(reading) : null;
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
            <tr class={highlight("loss", "loss_smoothed")}>
              <TooltipName color={theme.loss} label="loss" />
              {smoothed && <td>{formatNumber(reading.loss_smoothed)}</td>}
              <td>{formatNumber(reading.loss)}</td>
            </tr>
          )}
          {reading.lrs.length === 0 && (
            <tr class={highlight("learning_rate")}>
              <TooltipName color={theme.learningRate} label="LR" />
              {smoothed && <td />}
              <td>{formatLR(reading.learning_rate)}</td>
            </tr>
          )}
          {reading.lrs.map(([optimizer, lr], index) => (
            <tr key={optimizer} class={nearest?.line.label === lrLabel(optimizer) ? "nearest" : undefined}>
              <TooltipName
                color={colors({ run: reading.run, kind: "learning_rate", index })}
                label={lrLabel(optimizer)}
              />
              {smoothed && <td />}
              <td>{formatLR(lr)}</td>
            </tr>
          ))}
          <tr class={highlight("effective_learning_rate")}>
            <TooltipName color={theme.effectiveLR} label="effective LR" />
            {smoothed && <td />}
            <td>{formatEffective(reading)}</td>
          </tr>
          {view.metrics.value.map((name, index) => (
            <tr key={name}>
              <TooltipName color={colors({ run: reading.run, kind: "metric", index })} label={name} />
              {smoothed && <td />}
              <td>
                {reading.metrics.has(name) ? formatNumber(reading.metrics.get(name) ?? null) : "not yet"}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {reading.skipped ? (
        <p class="skipped">{SKIPPED}: this LR was not used</p>
      ) : (
        reading.updates.map(([optimizer, count]) => (
          <p
            key={optimizer}
          >{`${optimizer}: ${count === 0 ? "no update at this step" : plural(count, "update")}`}</p>
        ))
      )}
      {product !== null && <p>effective LR = {product}</p>}
      {pane === "lr" && <StepSizes reading={reading} />}
      <p>{whereOf(reading)}</p>
      <p>{whenOf(reading)}</p>
    </>
  );

  function productAt({ run, step }: Reading): string | null {
    const series = view.drawn.value.find(({ name }) => name === run)?.overview;
    const fit = series === undefined ? null : fitAt(series.about.fits, step);
    return fit === null ? null : productOf(fit);
  }
}

function ManyRuns({ readings, nearest }: { readings: readonly Reading[]; nearest: string | null }) {
  const { view } = useStore();
  const smoothed = view.smoothing.value > 0;
  const at = Math.max(
    0,
    readings.findIndex((reading) => reading.run === nearest),
  );
  const first = Math.min(Math.max(0, at - Math.floor(LISTED / 2)), Math.max(0, readings.length - LISTED));
  const listed = readings.slice(first, first + LISTED);
  const focus = readings.find((reading) => reading.run === nearest) ?? readings[0];
  const short = shortRunNames(view.listed.value, LONGEST);
  const metrics = view.metrics.value.slice(0, METRICS);
  const effective = readings.some((reading) => finite(reading.effective_learning_rate));
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
            {effective && <th scope="col">effective</th>}
            {metrics.map((name) => (
              <th scope="col" key={name}>
                {shortName(name, METRIC_LETTERS)}
              </th>
            ))}
            <th scope="col">step</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((reading) => (
            <tr key={reading.run} class={reading.run === nearest ? "nearest" : undefined}>
              <TooltipName
                color={view.runColor.value(reading.run)}
                label={short.get(reading.run) ?? reading.run}
              />
              {smoothed && <td>{formatNumber(reading.loss_smoothed)}</td>}
              <td>{formatNumber(reading.loss)}</td>
              <td>{formatLR(reading.learning_rate)}</td>
              {effective && <td>{formatEffective(reading)}</td>}
              {metrics.map((name) => (
                <td key={name}>{formatNumber(reading.metrics.get(name) ?? null)}</td>
              ))}
              <td>
                {formatCount(reading.step)}
                {reading.skipped && <span class="skipped"> skipped</span>}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {readings.length > listed.length && <p>{plural(readings.length - listed.length, "more run")}</p>}
      {focus !== undefined && (
        <p>
          {focus.run}:{" "}
          {[
            ...focus.lrs.map(([optimizer, lr]) => `${lrLabel(optimizer)} ${formatLR(lr)}`),
            whereOf(focus),
            whenOf(focus),
          ].join(" · ")}
        </p>
      )}
    </>
  );
}

function formatEffective({ effective_learning_rate: value }: Reading): string {
  return value === null || Number.isNaN(value) ? "–" : formatNumber(value);
}

function whereOf({ step, position }: Reading): string {
  return [`step ${formatCount(step)}`, ...(position === null ? [] : [formatPosition(position)])].join(" · ");
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
        `${whereOf(reading)}: ${reading.skipped ? `${SKIPPED}, ` : ""}learning rate ${formatLR(reading.learning_rate)}, loss ${formatNumber(reading.loss)}. ${markSentence(store) ?? ""}`.trim()}
    </p>
  );
}
