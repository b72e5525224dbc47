import type { PaneId } from "../model/panes/pane";
import type { Store } from "../state/store";
import { layersLegend } from "./layersLegend";
import type { LegendItem } from "./legendItem";
import { lossLegend } from "./lossLegend";
import { lrLegend } from "./lrLegend";
import { slopeLegend, sweepLegend } from "./sweepLegend";

/** What the lines of a pane mean, also of those that are hidden or cannot be drawn. */
export function legendOf(store: Store, pane: PaneId): readonly LegendItem[] {
  switch (pane) {
    case "lr":
      return lrLegend(store);
    case "layers":
      return layersLegend(store);
    case "loss":
      return lossLegend(store);
    case "sweep":
      return sweepLegend(store);
    case "slope":
      return slopeLegend(store);
    default:
      return pane satisfies never;
  }
}
