import { useRef } from "preact/hooks";
import type { PaneId } from "../model/panes/pane";
import { chooseSizes, forgetSize, LEAST, shareOf, sharesAfter } from "../state/sizes";
import { useStore } from "./context";

interface Properties {
  readonly label: string;
  readonly between: "columns" | "rows";
  /** The size in pixels of what the arrow keys toward the end make larger. */
  readonly measure: (splitter: HTMLElement) => number;
  readonly resize: (splitter: HTMLElement, pixels: number) => void;
  readonly reset: () => void;
  /** The size as screen readers get it, from 0 to 100. */
  readonly now: number;
  /** What is resized lies behind the splitter: it grows where the splitter moves to the start. */
  readonly behind?: boolean;
}

const STEP = 16;

/** A boundary that is dragged, or moved by the arrow keys; a double click or Enter resets it. */
function Splitter({ label, between, measure, resize, reset, now, behind = false }: Properties) {
  const start = useRef<{ at: number; size: number } | null>(null);
  const along = (event: PointerEvent): number => (between === "columns" ? event.clientX : event.clientY);
  const sign = behind ? -1 : 1;
  const onKey = (event: KeyboardEvent & { currentTarget: HTMLElement }): void => {
    const keys = between === "columns" ? { ArrowLeft: -1, ArrowRight: 1 } : { ArrowUp: -1, ArrowDown: 1 };
    const by = (keys as Readonly<Record<string, number>>)[event.key];
    const splitter = event.currentTarget;
    if (by !== undefined) {
      resize(splitter, measure(splitter) + sign * by * STEP * (event.shiftKey ? 4 : 1));
    } else if (event.key === "Home") resize(splitter, 0);
    else if (event.key === "End") resize(splitter, Number.MAX_SAFE_INTEGER);
    else if (event.key === "Enter") reset();
    else return;
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useSemanticElements: a rule cannot be moved.
    <div
      class={`splitter splitter-${between}`}
      role="separator"
      tabIndex={0}
      aria-label={label}
      aria-orientation={between === "columns" ? "vertical" : "horizontal"}
      aria-valuenow={Math.round(now)}
      aria-valuemin={0}
      aria-valuemax={100}
      title={`${label}: drag or use the arrow keys; double-click to reset`}
      onKeyDown={onKey}
      onDblClick={reset}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        start.current = { at: along(event), size: measure(event.currentTarget) };
        event.currentTarget.setPointerCapture(event.pointerId);
        event.preventDefault();
        event.currentTarget.focus();
      }}
      onPointerMove={(event) => {
        if (start.current === null) return;
        resize(event.currentTarget, start.current.size + sign * (along(event) - start.current.at));
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onPointerCancel={() => {
        start.current = null;
      }}
    />
  );
}

/** Widths in the style sheet. */
const WIDTHS = { runs: 252, panel: 304 } as const;

const COLUMNS = { runs: "Width of the run list", panel: "Width of the details" } as const;

/** The width of a column that the user chose, else that of the style sheet. */
export function widthOf(pixels: number | undefined): { width?: string } {
  return pixels === undefined ? {} : { width: `${pixels}px` };
}

/** The side of the column that it is on, toward the charts. */
export function ColumnSplitter({ column }: { column: keyof typeof COLUMNS }) {
  const { sizes } = useStore();
  const behind = column === "panel";
  const measure = (splitter: HTMLElement): number =>
    splitter.parentElement?.getBoundingClientRect().width ?? 0;
  const charts = (splitter: HTMLElement): number => {
    const column = splitter.parentElement;
    const main = behind ? column?.previousElementSibling : column?.nextElementSibling;
    return main?.getBoundingClientRect().width ?? 0;
  };
  return (
    <Splitter
      label={COLUMNS[column]}
      between="columns"
      behind={behind}
      now={((sizes.value[column] ?? WIDTHS[column]) / window.innerWidth) * 100}
      measure={measure}
      resize={(splitter, pixels) => {
        const most = Math.max(LEAST[column], measure(splitter) + charts(splitter) - LEAST.charts);
        chooseSizes(sizes, { [column]: Math.round(Math.min(Math.max(pixels, LEAST[column]), most)) });
      }}
      reset={() => forgetSize(sizes, column)}
    />
  );
}

/** Between two panes that are open. */
export function PaneSplitter({ above, below }: { above: PaneId; below: PaneId }) {
  const { sizes } = useStore();
  const [first, second] = [shareOf(sizes.value, above), shareOf(sizes.value, below)];
  const heightOf = (card: Element | null): number => card?.getBoundingClientRect().height ?? 0;
  return (
    <Splitter
      label={`Height of the pane above, ${NAMES[above]}`}
      between="rows"
      now={(first / (first + second)) * 100}
      measure={(splitter) => heightOf(splitter.previousElementSibling)}
      resize={(splitter, pixels) => {
        const cards =
          splitter.parentElement?.querySelectorAll<HTMLElement>(":scope > .card[data-share]") ?? [];
        const heights = new Map([...cards].map((card) => [card.dataset.share as PaneId, heightOf(card)]));
        chooseSizes(sizes, { shares: sharesAfter(sizes.value, heights, [above, below], pixels) });
      }}
      reset={() => forgetSize(sizes, "shares")}
    />
  );
}

const NAMES: Readonly<Record<PaneId, string>> = {
  lr: "learning rate",
  layers: "layers",
  loss: "loss",
  sweep: "loss",
  slope: "slope",
};
