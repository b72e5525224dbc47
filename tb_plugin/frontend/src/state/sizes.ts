import { type Signal, signal } from "@preact/signals";
import { remember, remembered } from "../host/browser";
import type { PaneId } from "../model/panes/pane";

/** How the user divided the page; the browser keeps it. What is not named has the size of the style sheet. */
export interface Sizes {
  /** Widths of the columns beside the charts, in pixels. */
  readonly runs?: number;
  readonly panel?: number;
  /** How much of the height each pane gets, as a part of what its neighbors get. */
  readonly shares?: Readonly<Partial<Record<PaneId, number>>>;
}

/** The panes' shares before the user changes them. */
export const SHARES: Readonly<Record<PaneId, number>> = {
  lr: 1,
  layers: 0.8,
  loss: 1.35,
  sweep: 1.9,
  slope: 1,
};

/** Pixels that are left of a column, of a pane, and of the charts. */
export const LEAST = { runs: 150, panel: 240, pane: 110, charts: 420 } as const;

export function createSizes(): Signal<Sizes> {
  return signal(read(remembered("sizes")));
}

export function chooseSizes(sizes: Signal<Sizes>, change: Sizes): void {
  sizes.value = { ...sizes.value, ...change };
  remember("sizes", JSON.stringify(sizes.value));
}

/** Gives a column back the width of the style sheet, or all panes their shares. */
export function forgetSize(sizes: Signal<Sizes>, name: keyof Sizes): void {
  const { [name]: _forgotten, ...others } = sizes.value;
  sizes.value = others;
  remember("sizes", JSON.stringify(others));
}

export function shareOf(sizes: Sizes, pane: PaneId): number {
  return sizes.shares?.[pane] ?? SHARES[pane];
}

/**
 * The shares after the boundary between two neighbors has moved: `heights` are those of the open panes in pixels, and
 * their shares in all stay what they were, so that a pane that was folded meanwhile comes back at its own size.
 */
export function sharesAfter(
  before: Sizes,
  heights: ReadonlyMap<PaneId, number>,
  [above, below]: readonly [above: PaneId, below: PaneId],
  wanted: number,
): Readonly<Partial<Record<PaneId, number>>> {
  const both = (heights.get(above) ?? 0) + (heights.get(below) ?? 0);
  const height = Math.min(Math.max(wanted, LEAST.pane), both - LEAST.pane);
  const moved = new Map(heights).set(above, height).set(below, both - height);
  const pixels = [...moved.values()].reduce((sum, height) => sum + height, 0);
  const shares = [...moved.keys()].reduce((sum, pane) => sum + shareOf(before, pane), 0);
  return {
    ...before.shares,
    ...Object.fromEntries([...moved].map(([pane, height]) => [pane, (height / pixels) * shares])),
  };
}

/** What the browser kept; nothing where that is not what we wrote. */
function read(text: string | null): Sizes {
  try {
    const stored: unknown = JSON.parse(text ?? "{}");
    if (typeof stored !== "object" || stored === null) return {};
    const { runs, panel, shares } = stored as Record<string, unknown>;
    const kept = Object.entries(typeof shares === "object" && shares !== null ? shares : {}).filter(
      ([pane, share]) => pane in SHARES && isSize(share),
    );
    return {
      ...(isSize(runs) ? { runs } : {}),
      ...(isSize(panel) ? { panel } : {}),
      ...(kept.length > 0 ? { shares: Object.fromEntries(kept) } : {}),
    };
  } catch {
    return {};
  }
}

function isSize(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value > 0;
}
