import type { RecordedColumn } from "../api/types";
import type { LegendEntry } from "../chart/picture";
import { type Caveat, caveatOf } from "../model/runs/exactness";
import type { View } from "../state/view";

export interface LegendItem extends LegendEntry {
  /** What a click hides and shows, null for what has its own chooser. */
  readonly toggles: string | null;
  readonly hidden: boolean;
  /** More about the item, null where the label says it all. */
  readonly hint: string | null;
  /** What keeps its numbers from being exact, null where nothing does. */
  readonly caveat: Caveat | null;
}

export function item(
  label: string,
  color: string,
  drawn: LegendEntry["drawn"],
  alpha: number,
  toggles: string | null,
  hidden: ReadonlySet<string>,
  hint: string | null,
  caveat: Caveat | null = null,
): LegendItem {
  return {
    label,
    color,
    drawn,
    alpha,
    toggles,
    hidden: toggles !== null && hidden.has(toggles),
    hint,
    caveat,
  };
}

/** The caveat of a column of the drawn runs. */
export function caveatIn(view: View, column: RecordedColumn): Caveat | null {
  return caveatOf(
    view.drawn.value.map(({ name, overview }) => ({ name, fits: overview.about.fits })),
    column,
  );
}
