import { batch, computed, type ReadonlySignal, signal } from "@preact/signals";
import type { Range } from "../api/types";
import { atLeast, panned, partOf, valueAt, within, yPart } from "../model/axes/ranges";
import { NO_SWEEP_ZOOM } from "../model/link/fields";
import { hasLineIn, withDrawnPoints } from "../model/panes/dragged";
import type { Colors, PaneView } from "../model/panes/pane";
import { type Overall, overall } from "../model/rangeTest/suggestions";
import { type DrawnTest, type SweepMarks, sweepMarksOf } from "../model/rangeTest/sweepMarks";
import {
  rowsOf,
  type SweepPaneInput,
  type SweepReading,
  slopePane,
  sweepPane,
  sweepRange,
  sweepReadings,
} from "../model/rangeTest/sweepPanes";
import { latestOf } from "../model/runs/selection";
import type { Choices } from "./choices";
import type { RangeTestStore } from "./rangeTests";
import type { Cursor, Moves, Stage } from "./stage";
import type { View } from "./view";

/** The visible state of range tests: those that are selected, or on a training's page the one it is compared with. */
export interface Sweeps extends Stage {
  /** Range tests that are wanted, in their order. */
  readonly names: ReadonlySignal<readonly string[]>;
  /** The training whose learning rates are drawn over them. */
  readonly training: ReadonlySignal<string | null>;
  /** Those that are loaded. */
  readonly tests: ReadonlySignal<readonly DrawnTest[]>;
  readonly overall: ReadonlySignal<Overall>;
  readonly marks: ReadonlySignal<SweepMarks>;
  readonly colors: ReadonlySignal<Colors>;
  readonly sweepPane: ReadonlySignal<PaneView>;
  readonly slopePane: ReadonlySignal<PaneView>;
  readonly readings: ReadonlySignal<readonly SweepReading[]>;
  readonly isZoomed: ReadonlySignal<boolean>;
}

export function createSweeps(choices: Choices, view: View, store: RangeTestStore): Sweeps {
  const compared = computed(() => {
    if (!view.isPanelOpen.value || view.tab.value !== "sweep") return null;
    const chosen = choices.sweep.value;
    const exists = chosen !== null && view.infos.value.get(chosen)?.kind === "range_test";
    return exists ? chosen : latestOf("range_test", view.infos.value);
  });
  const names = computed(() => {
    if (view.kind.value === "range_test") return view.listed.value;
    return compared.value === null ? [] : [compared.value];
  });
  const training = computed(() => {
    if (view.kind.value === "training") return view.focused.value;
    const chosen = choices.training.value;
    return chosen !== null && view.infos.value.get(chosen)?.kind === "training" ? chosen : null;
  });
  const tests = computed(() =>
    names.value.flatMap((name) => {
      const test = store.loaded.value.get(name)?.answer ?? null;
      if (test === null) return [];
      // Of another training's answer only the test itself is still true.
      const current = test.training?.run === training.value;
      return [{ name, test: current ? test : { ...test, training: null } }];
    }),
  );
  const colors = computed((): Colors => {
    if (view.kind.value === "range_test") return view.colors.value;
    const theme = view.theme.value;
    return ({ kind }) => (kind === "slope" ? theme.learningRate : theme.loss);
  });
  const marks = computed(() =>
    sweepMarksOf(tests.value, { hidden: choices.hidden.value, color: view.runColor.value }),
  );

  const zoom = choices.sweepZoom;
  const full = computed(() => sweepRange(tests.value));
  const range = computed((): Range => zoom.value.x ?? full.value);
  const input = computed(
    (): SweepPaneInput => ({
      tests: tests.value,
      range: range.value,
      zoom: null,
      scale: choices.sweepScale.value,
      colors: colors.value,
      hidden: choices.hidden.value,
      marks: marks.value,
    }),
  );
  const sweep = computed(() => sweepPane({ ...input.value, zoom: zoom.value.sweep }));
  const slope = computed(() => slopePane({ ...input.value, zoom: zoom.value.slope }));
  const cursor = signal<Cursor | null>(null);
  const readings = computed(() => (cursor.value === null ? [] : sweepReadings(tests.value, cursor.value.x)));

  const setX = ([start, end]: Range): void => {
    const whole = full.value;
    const inside: Range = [Math.max(start, whole[0]), Math.min(end, whole[1])];
    const wanted = atLeast((whole[1] - whole[0]) * 1e-6, withDrawnPoints([sweep.value, slope.value], inside));
    const visible = within(wanted, whole);
    const all = visible[0] <= whole[0] && visible[1] >= whole[1];
    zoom.value = { ...zoom.value, x: all ? null : visible };
  };
  const moves: Moves = {
    zoomTo(pane, x, y) {
      const paneView = pane === "slope" ? slope.value : sweep.value;
      const { left } = paneView;
      const visible = range.value;
      const wanted: Range = x === null ? visible : [valueAt(x[0], visible), valueAt(x[1], visible)];
      batch(() => {
        if (y !== null && hasLineIn(paneView, wanted, y)) {
          zoom.value = { ...zoom.value, [pane]: yPart(y, left.range, left.kind) };
        }
        if (x !== null) setX(wanted);
      });
    },
    pan(pane, x, y) {
      const { left } = pane === "slope" ? slope.value : sweep.value;
      const before = zoom.value;
      const moved = (pane === "slope" ? before.slope : before.sweep) !== null;
      zoom.value = {
        ...before,
        ...(moved ? { [pane]: yPart([y, 1 + y], left.range, left.kind) } : {}),
        x: before.x === null ? null : panned(before.x, x, full.value),
      };
    },
    zoomBy(part, factor) {
      const [start, end] = range.value;
      const at = valueAt(part, [start, end]);
      setX([at - (at - start) * factor, at + (end - at) * factor]);
    },
    showRange: setX,
    reset() {
      zoom.value = NO_SWEEP_ZOOM;
    },
    hover(pane, part) {
      cursor.value = part === null ? null : { pane, x: valueAt(part.x, range.value), y: part.y };
    },
    step(pane, by) {
      const [first] = tests.value.flatMap(({ test }) => test.sweeps.map(rowsOf));
      if (first === undefined || first.xs.length === 0) return;
      const at = cursor.value?.x ?? (by > 0 ? range.value[0] : range.value[1]);
      const row = first.xs.findIndex((x, index) => isNearer(x, first.xs[index + 1], at));
      const next = first.xs[clamp(row + (cursor.value === null ? 0 : by), first.xs.length)] as number;
      const part = partOf(next, range.value);
      if (zoom.value.x !== null && (part < 0 || part > 1))
        this.pan(pane, part < 0 ? part - 0.1 : part - 0.9, 0);
      cursor.value = { pane, x: next, y: null };
    },
  };

  return {
    names,
    training,
    tests,
    overall: computed(() => overall(tests.value.map(({ test }) => test))),
    marks,
    colors,
    sweepPane: sweep,
    slopePane: slope,
    // Beside a training there is room for one.
    panes: computed(() => (view.kind.value === "range_test" ? [sweep.value, slope.value] : [sweep.value])),
    range,
    cursor,
    pointed: signal<Stage["pointed"]["value"]>(null),
    readings,
    isZoomed: computed(() => Object.values(zoom.value).some((part) => part !== null)),
    moves,
  };
}

/** Whether of the ascending x and the next one x is the nearer to `at`. */
function isNearer(x: number, next: number | undefined, at: number): boolean {
  return next === undefined || Math.abs(x - at) <= Math.abs(next - at);
}

function clamp(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}
