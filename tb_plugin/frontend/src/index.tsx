import { render as renderInto } from "preact";
import uplotStyle from "uplot/dist/uPlot.min.css?inline";
import { routesAt, routesBase } from "./api/routes";
import { App } from "./components/App";
import { inspectCharts } from "./components/charts";
import { StoreProvider } from "./components/context";
import { createStore } from "./state/store";
import { STYLES } from "./theme/styles";

/** TensorBoard imports this module in the plugin's frame and calls this once. */
export function render(): void {
  document.documentElement.lang = "en";
  document.title = "LR Monitor";
  const sheet = document.createElement("style");
  sheet.textContent = uplotStyle + STYLES;
  document.head.append(sheet);
  Object.assign(window, { __lrmon: { charts: inspectCharts } });
  const store = createStore(routesAt(routesBase(import.meta.url)));
  renderInto(
    <StoreProvider value={store}>
      <App />
    </StoreProvider>,
    document.body,
  );
}
