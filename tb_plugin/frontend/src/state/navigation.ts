import { batch } from "@preact/signals";
import type { Finding, Report } from "../api/report";
import type { Range } from "../api/types";
import { type Axis, convertRange, wholeSteps } from "../model/axes/axis";
import { atLeast, panned, partOf, valueAt, within, yPart } from "../model/axes/ranges";
import type { ScaleKind } from "../model/axes/scale";
import { NO_ZOOM } from "../model/link/fields";
import { positionsOf } from "../model/marks/positions";
import { hasLineIn, withDrawnPoints } from "../model/panes/dragged";
import type { PaneId } from "../model/panes/pane";
import { stepCursor } from "../model/panes/readout";
import { findingKey, stepsAround } from "../model/runs/findings";
import type { Choices } from "./choices";
import type { Moves } from "./stage";
import type { View } from "./view";

/** Zooming, panning, the cursor and the change of axes. */
export interface Navigation extends Moves {
  /** Shows the position of a finding, marks it and puts the cursor there; its run is the one that the marks are about. */
  showFinding(finding: Finding, report: Report): void;
  setAxis(axis: Axis): void;
  setScale(pane: TrainingPane, kind: ScaleKind): void;
}

/** The panes of trainings. */
export type TrainingPane = "lr" | "layers" | "loss";

/** Findings that are best shown on the loss. */
const LOSS_FINDINGS = /loss|metric|plateau|spike|improving/;

export function createNavigation(choices: Choices, view: View): Navigation {
  const leftOf = (pane: PaneId) => (view.panes.value.find(({ id }) => id === pane) ?? view.lrPane.value).left;
  const yZoom = (pane: PaneId, range: Range): void => {
    choices.zoom.value = { ...choices.zoom.value, [pane]: range };
  };

  const setX = (range: Range): void => {
    const full = view.fullRange.value;
    const inside: Range = [Math.max(range[0], full[0]), Math.min(range[1], full[1])];
    const [start, end] = withDrawnPoints(view.panes.value, inside);
    const wanted =
      choices.axis.value === "step"
        ? wholeSteps([start, end])
        : atLeast((full[1] - full[0]) * 1e-9, [start, end]);
    const whole = within(wanted, full);
    const all = whole[0] <= full[0] && whole[1] >= full[1];
    choices.zoom.value = { ...choices.zoom.value, x: all ? null : whole };
  };

  return {
    zoomTo(pane, x, y) {
      const left = leftOf(pane);
      const range = view.range.value;
      const wanted: Range = x === null ? range : [valueAt(x[0], range), valueAt(x[1], range)];
      const paneView = view.panes.value.find(({ id }) => id === pane);
      batch(() => {
        // A box around nothing zooms the x axis alone.
        if (y !== null && paneView !== undefined && hasLineIn(paneView, wanted, y)) {
          yZoom(pane, yPart(y, left.range, left.kind));
        }
        if (x !== null) setX(wanted);
      });
    },
    pan(pane, x, y) {
      const zoom = choices.zoom.value;
      const left = leftOf(pane);
      batch(() => {
        if (zoom[pane as TrainingPane] !== null) yZoom(pane, yPart([y, 1 + y], left.range, left.kind));
        // What is seen keeps its width at the ends of the run.
        if (zoom.x !== null)
          choices.zoom.value = { ...choices.zoom.value, x: panned(zoom.x, x, view.fullRange.value) };
      });
    },
    zoomBy(part, factor) {
      const range = view.range.value;
      const at = valueAt(part, range);
      setX([at - (at - range[0]) * factor, at + (range[1] - at) * factor]);
    },
    showRange: setX,
    showFinding(finding, report) {
      const run = view.drawn.value.find((run) => run.name === report.run);
      if (run === undefined || finding.step === null) return;
      const positionOf = positionsOf(run.shown, choices.axis.value);
      const steps = stepsAround(finding, report);
      const [start, end] = steps === null ? [null, null] : [positionOf(steps[0]), positionOf(steps[1])];
      const { code, step, last_step: last } = finding;
      batch(() => {
        choices.zoom.value = NO_ZOOM;
        if (view.focused.value !== run.name) choices.focus.value = run.name;
        if (start !== null && end !== null && end > start) setX([start, end]);
        view.highlight.value = {
          run: run.name,
          finding: findingKey(finding),
          first: step,
          last: last ?? step,
        };
        const pane = LOSS_FINDINGS.test(code) || !view.isLROpen.value ? "loss" : "lr";
        const x = positionOf(step);
        view.pointed.value = null;
        view.cursor.value = x === null ? null : { pane, x, y: null };
      });
    },
    reset() {
      batch(() => {
        choices.zoom.value = NO_ZOOM;
        if (view.highlight.value !== null && view.cursor.value?.y === null) view.cursor.value = null;
        view.highlight.value = null;
      });
    },
    setAxis(axis) {
      const before = choices.axis.value;
      if (axis === before) return;
      const first = view.drawn.value[0];
      const { x } = choices.zoom.value;
      batch(() => {
        view.cursor.value = null;
        choices.axis.value = axis;
        const converted =
          x === null || first === undefined ? null : convertRange(x, before, axis, first.shown);
        choices.zoom.value = { ...choices.zoom.value, x: converted };
      });
    },
    setScale(pane, kind) {
      batch(() => {
        const { lrScale: lr, layerScale: layers, lossScale: loss } = choices;
        ({ lr, layers, loss })[pane].value = kind;
        choices.zoom.value = { ...choices.zoom.value, [pane]: null };
      });
    },
    hover(pane, part) {
      view.cursor.value = part === null ? null : { pane, x: valueAt(part.x, view.range.value), y: part.y };
    },
    step(pane, by) {
      const first = view.drawn.value[0];
      if (first === undefined) return;
      const range = view.range.value;
      const at = view.cursor.value?.x ?? (by > 0 ? range[0] : range[1]);
      const axis = choices.axis.value;
      const next = stepCursor(first.shown, axis, at, view.cursor.value === null ? 0 : by);
      if (next === null) return;
      // A cursor that leaves the picture takes the picture along.
      const part = partOf(next, range);
      const over = part < 0 ? part - 0.1 : part > 1 ? part - 0.9 : 0;
      if (over !== 0 && choices.zoom.value.x !== null) this.pan(pane, over, 0);
      const [start, end] = view.range.value;
      view.cursor.value = { pane, x: Math.min(Math.max(next, start), end), y: null };
    },
  };
}
