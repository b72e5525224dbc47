import type uPlot from "uplot";
import { xTicks } from "../model/axes/ticks";
import type { PaneView } from "../model/panes/pane";
import type { Theme } from "../theme/tokens";

/** What one pane draws. */
export interface ChartView extends PaneView {
  readonly theme: Theme;
  /** Epoch numbers stand above the first pane only, x labels below the last. */
  readonly hasRuler: boolean;
  readonly hasXLabels: boolean;
  /** Room for a right axis, also in the pane that has none. */
  readonly hasRightAxis: boolean;
}

export function xTicksOf(plot: uPlot, view: ChartView): ReturnType<typeof xTicks> {
  return xTicks(view.axis, view.range, plot.bbox.width / devicePixelRatio);
}
