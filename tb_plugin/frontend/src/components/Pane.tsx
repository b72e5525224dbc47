import { useSignal, useSignalEffect } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type uPlot from "uplot";
import { type Chart, createChart } from "../chart/chart";
import { listenGestures } from "../chart/gestures";
import { FUSE_ROOM } from "../chart/marks";
import { createOverlay, type Overlay } from "../chart/overlay";
import { markAt } from "../model/layout";
import type { PaneId } from "../model/pane";
import { dotsAt } from "../model/readout";
import { partOf, valueAt } from "../state/view";
import { registerChart } from "./charts";
import { useStore } from "./context";
import { WaitingForData } from "./States";
import { Tooltip } from "./Tooltip";

/** Where the plot lies in its pane, in pixels. */
export interface PlotBox {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

const HINT_PAUSE_MS = 30_000;

/** A chart with its gestures, its cursor and its tooltip. */
export function Pane({ pane, title }: { pane: PaneId; title: string }) {
  const store = useStore();
  const { view, navigation } = store;
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
      if (pane === "rate") store.plotWidth.value = next.width;
      if (plot === current) return;
      current = plot;
      stopGestures();
      const above = createOverlay(plot);
      overlay.value = above;
      stopGestures = listenGestures(plot.over, {
        hover: (at) => {
          navigation.hover(pane, at);
          const found =
            at === null ? null : markAt(created.layout(), at.x * next.width, (1 - at.y) * next.height);
          view.pointed.value = found === null ? null : { ...found, pane };
          plot.over.classList.toggle("on-cluster", found !== null && found.range !== null);
        },
        click: (at) => {
          const range = markAt(created.layout(), at.x * next.width, (1 - at.y) * next.height)?.range;
          if (range != null) navigation.showRange(range);
        },
        drag: (dragged) => above.showBox(dragged),
        zoom: ({ x, y }) => navigation.zoomTo(pane, x, y),
        pan: (x, y) => navigation.pan(pane, x, y),
        wheel: (x, factor) => navigation.zoomBy(x, factor),
        plainWheel: () => hintAtWheel(store.say),
        reset: () => navigation.reset(),
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
  }, [pane, store, navigation, overlay, box]);

  useSignalEffect(() => {
    const paneView = (pane === "rate" ? view.ratePane : view.lossPane).value;
    const rightAxis = view.lossPane.value.right !== null;
    chart.current?.update({
      ...paneView,
      theme: view.theme.value,
      ruler: pane === "rate",
      xLabels: pane === "loss",
      rightAxis,
    });
  });

  useSignalEffect(() => {
    const readings = view.readings.value;
    const cursor = view.cursor.value;
    const range = view.range.value;
    const paneView = (pane === "rate" ? view.ratePane : view.lossPane).value;
    if (cursor === null) {
      overlay.value?.showCursor(null, []);
      return;
    }
    const [only] = readings;
    const snapped = readings.length === 1 && only !== undefined ? partOf(only.x, range) : null;
    const x = snapped !== null && snapped >= 0 && snapped <= 1 ? snapped : partOf(cursor.x, range);
    const dots = dotsAt(paneView, readings).map(({ line, x: at, y }) => ({
      x: partOf(at, range),
      y,
      colour: line.colour,
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
      aria-label={`${title}. Arrow keys move the cursor, plus and minus zoom, Escape shows the whole run.`}
      onKeyDown={(event) => {
        if (event.target === event.currentTarget) onKey(event);
      }}
      onPointerMove={(event) => onFuse(event)}
      onPointerLeave={() => {
        if (view.pointed.value?.pane === pane) view.pointed.value = null;
      }}
      onBlur={() => {
        if (view.cursor.value?.y === null) view.cursor.value = null;
      }}
    >
      <div class="plot" ref={host} />
      {view.drawn.value.length === 0 && <WaitingForData />}
      <Tooltip pane={pane} box={box.value} />
    </div>
  );

  /** The strip of the wait lies below the plot, which hears nothing of the pointer there. */
  function onFuse(event: PointerEvent): void {
    const fuse = view.marks.value?.fuse ?? [];
    const { left, top, width, height } = box.value;
    const bounds = host.current?.getBoundingClientRect();
    if (pane !== "loss" || fuse.length === 0 || bounds === undefined || event.buttons !== 0) return;
    const [x, y] = [event.clientX - bounds.left - left, event.clientY - bounds.top - top];
    if (y <= height) return;
    const at = valueAt(x / width, view.range.value);
    const cell =
      x >= 0 && x <= width && y > height + FUSE_ROOM - 2
        ? fuse.find((one) => at >= one.start && at < one.end)
        : undefined;
    navigation.hover(pane, cell === undefined ? null : { x: x / width, y: 0 });
    view.pointed.value = cell === undefined ? null : { pane, sentence: cell.sentence, range: null };
  }

  function onKey(event: KeyboardEvent): void {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -50, PageDown: 50 }[event.key];
    if (by !== undefined) navigation.step(pane, by * (event.shiftKey ? 10 : 1));
    else if (event.key === "Home") navigation.step(pane, Number.NEGATIVE_INFINITY);
    else if (event.key === "End") navigation.step(pane, Number.POSITIVE_INFINITY);
    else if (event.key === "+" || event.key === "=") navigation.zoomBy(cursorPart(), 0.5);
    else if (event.key === "-") navigation.zoomBy(cursorPart(), 2);
    else return;
    event.preventDefault();
  }

  function cursorPart(): number {
    const cursor = view.cursor.value;
    return cursor === null ? 0.5 : partOf(cursor.x, view.range.value);
  }
}

let lastHint = Number.NEGATIVE_INFINITY;

function hintAtWheel(say: (sentence: string) => void): void {
  if (performance.now() - lastHint < HINT_PAUSE_MS) return;
  lastHint = performance.now();
  say("Alt + wheel zooms. Drag zooms to a box, Shift + drag pans, a double click shows everything.");
}
