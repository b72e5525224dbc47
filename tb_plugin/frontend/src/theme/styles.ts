import base from "./css/base.css?inline";
import charts from "./css/charts.css?inline";
import controls from "./css/controls.css?inline";
import details from "./css/details.css?inline";
import findings from "./css/findings.css?inline";
import header from "./css/header.css?inline";
import layout from "./css/layout.css?inline";
import runs from "./css/runs.css?inline";
import states from "./css/states.css?inline";
import sweep from "./css/sweep.css?inline";
import tooltip from "./css/tooltip.css?inline";
import whatIf from "./css/what-if.css?inline";

/** The page's style sheet. The colors in it are variables, which variables.ts sets from the theme. */
export const STYLES = [
  base,
  layout,
  controls,
  runs,
  header,
  charts,
  tooltip,
  details,
  findings,
  whatIf,
  sweep,
  states,
].join("\n");
