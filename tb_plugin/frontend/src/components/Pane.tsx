import { type Signal, useSignal, useSignalEffect } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { type Chart, createChart } from "../chart/chart";
import { listenGestures } from "../chart/gestures";
import { createOverlay, type Overlay } from "../chart/overlay";
import { partOf } from "../model/axes/ranges";
import { markAt } from "../model/marks/layout";
import type { PaneId } from "../model/panes/pane";
import { dotsAt } from "../model/panes/readout";
import type { Stage } from "../state/stage";
import { registerChart } from "./charts";
import { useStore } from "./context";

/** The plot's box in its pane, in pixels. */
export interface PlotBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const HINT_PAUSE_MS = 30_000;

interface Properties {
  readonly stage: Stage;
  readonly pane: PaneId;
  readonly title: string;
  /** What is shown instead of curves, and the tooltip of those under the cursor. */
  readonly children: (box: PlotBox) => ComponentChildren;
  /** Is set to the width of the plot in pixels. */
  readonly plotWidth?: Signal<number>;
  /** Hears of the pointer beside the plot too. */
  readonly onPointer?: (event: PointerEvent, box: PlotBox) => void;
}

/** A chart with its gestures, its cursor and its tooltip. */
export function Pane({ stage, pane, title, children, plotWidth, onPointer }: Properties) {
  const store = useStore();
  const { view } = store;
  const { moves } = stage;
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const overlay = useSignal<Overlay | null>(null);
  const box = useSignal<PlotBox>({ left: 0, top: 0, width: 0, height: 0 });

  useEffect(() => {
    const element = host.current;
    if (element === null) return;
    let current: uPlot | null = null;
    let stopGestures = (): void => {};
    let next: PlotBox = box.peek();
    const created = createChart(element, (plot) => {
      const ratio = devicePixelRatio;
      const { left, top, width, height } = plot.bbox;
      next = { left: left / ratio, top: top / ratio, width: width / ratio, height: height / ratio };
      if (JSON.stringify(next) !== JSON.stringify(box.peek())) box.value = next;
      if (plotWidth !== undefined) plotWidth.value = next.width;
      if (plot === current) return;
      current = plot;
      stopGestures();
      const above = createOverlay(plot);
      overlay.value = above;
      stopGestures = listenGestures(plot.over, {
        hover: (at) => {
          moves.hover(pane, at);
          const mark =
            at === null ? null : markAt(created.layout(), at.x * next.width, (1 - at.y) * next.height);
          stage.pointed.value = mark === null ? null : { ...mark, pane };
          plot.over.classList.toggle("on-cluster", mark !== null && mark.range !== null);
        },
        click: (at) => {
          const range = markAt(created.layout(), at.x * next.width, (1 - at.y) * next.height)?.range;
          if (range != null) moves.showRange(range);
        },
        drag: (dragged) => above.showBox(dragged),
        zoom: ({ x, y }) => moves.zoomTo(pane, x, y),
        pan: (x, y) => moves.pan(pane, x, y),
        wheel: (x, factor) => moves.zoomBy(x, factor),
        plainWheel: () => hintAtWheel(store.say),
        reset: () => moves.reset(),
      });
    });
    chart.current = created;
    const unregister = registerChart(pane, created);
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined)
        created.resize(Math.floor(entry.contentRect.width), Math.floor(entry.contentRect.height));
    });
    observer.observe(element);
    return () => {
      observer.disconnect();
      stopGestures();
      unregister();
      created.destroy();
    };
  }, [pane, store, stage, moves, overlay, box, plotWidth]);

  useSignalEffect(() => {
    const panes = stage.panes.value;
    const paneView = panes.find(({ id }) => id === pane);
    if (paneView === undefined) return;
    chart.current?.update({
      ...paneView,
      theme: view.theme.value,
      hasRuler: paneView.axis !== "learning_rate" && panes[0] === paneView,
      hasXLabels: panes.at(-1) === paneView,
      hasRightAxis: panes.some(({ right }) => right !== null),
    });
  });

  useSignalEffect(() => {
    const readings = stage.readings.value;
    const cursor = stage.cursor.value;
    const range = stage.range.value;
    const paneView = stage.panes.value.find(({ id }) => id === pane);
    if (cursor === null || paneView === undefined) {
      overlay.value?.showCursor(null, []);
      return;
    }
    const [only] = readings;
    const snapped = readings.length === 1 && only !== undefined ? partOf(only.x, range) : null;
    const x = snapped !== null && snapped >= 0 && snapped <= 1 ? snapped : partOf(cursor.x, range);
    const dots = dotsAt(paneView, readings).map(({ line, x: at, y }) => ({
      x: partOf(at, range),
      y,
      color: line.color,
    }));
    overlay.value?.showCursor(x, dots);
  });

  return (
    <div
      class="pane"
      data-pane={pane}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: the arrow keys move its cursor.
      tabIndex={0}
      role="application"
      aria-roledescription="chart"
      aria-label={`${title}. Arrow keys move the cursor, plus and minus zoom, Escape resets the zoom.`}
      onKeyDown={(event) => {
        if (event.target === event.currentTarget) onKey(event);
      }}
      onPointerMove={(event) => onPointer?.(event, box.value)}
      onPointerLeave={() => {
        if (stage.pointed.value?.pane === pane) stage.pointed.value = null;
      }}
      onBlur={() => {
        if (stage.cursor.value?.y === null) stage.cursor.value = null;
      }}
    >
      <div class="plot" ref={host} />
      {children(box.value)}
    </div>
  );

  function onKey(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50 }[event.key];
    if (by !== undefined) moves.step(pane, by * (event.shiftKey ? 10 : 1));
    else if (event.key === "Home") moves.step(pane, Number.NEGATIVE_INFINITY);
    else if (event.key === "End") moves.step(pane, Number.POSITIVE_INFINITY);
    else if (event.key === "+" || event.key === "=") moves.zoomBy(cursorPart(), 0.5);
    else if (event.key === "-") moves.zoomBy(cursorPart(), 2);
    else return;
    event.preventDefault();
  }

  function cursorPart(): number {
    const cursor = stage.cursor.value;
    return cursor === null ? 0.5 : partOf(cursor.x, stage.range.value);
  }
}

let lastHint = Number.NEGATIVE_INFINITY;

function hintAtWheel(say: (sentence: string) => void): void {
  if (performance.now() - lastHint < HINT_PAUSE_MS) return;
  lastHint = performance.now();
  say("Zoom: drag, or Alt + wheel; a tall box zooms both axes. Pan: Shift + drag. Reset: double-click.");
}
