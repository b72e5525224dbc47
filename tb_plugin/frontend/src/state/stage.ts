import type { ReadonlySignal, Signal } from "@preact/signals";
import type { Range } from "../api/types";
import type { Pointed } from "../model/marks/layout";
import type { PaneId, PaneView } from "../model/panes/pane";
import type { CursorReading } from "../model/panes/readout";

export interface Cursor {
  readonly pane: PaneId;
  /** Where it stands on the x axis. */
  readonly x: number;
  /** The pointer's height as a part of the pane, null where the keyboard moved the cursor. */
  readonly y: number | null;
}

/** What the user does to charts that share an x axis and a cursor. */
export interface Moves {
  /** Shows what was dragged in a pane, given as parts of its axes; null keeps an axis as it is. */
  zoomTo(pane: PaneId, x: Range | null, y: Range | null): void;
  /** Moves what is seen by parts of the axes. */
  pan(pane: PaneId, x: number, y: number): void;
  /** Zooms the x axis about a part of it; a factor above 1 shows more. */
  zoomBy(part: number, factor: number): void;
  /** Shows a stretch of the x axis. */
  showRange(range: Range): void;
  reset(): void;
  hover(pane: PaneId, part: { readonly x: number; readonly y: number } | null): void;
  /** Moves the cursor by so many rows. */
  step(pane: PaneId, by: number): void;
}

/** Charts below each other with one x axis and one cursor. */
export interface Stage {
  /** From above. */
  readonly panes: ReadonlySignal<readonly PaneView[]>;
  readonly range: ReadonlySignal<Range>;
  readonly cursor: Signal<Cursor | null>;
  /** The mark that the pointer is on. */
  readonly pointed: Signal<(Pointed & { readonly pane: PaneId }) | null>;
  /** What is recorded where the cursor stands. */
  readonly readings: ReadonlySignal<readonly CursorReading[]>;
  readonly moves: Moves;
}
