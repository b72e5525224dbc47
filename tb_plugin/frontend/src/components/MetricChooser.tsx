import { shortName } from "../model/axes/format";
import { isLossLike } from "../model/runs/metrics";
import { useStore } from "./context";
import { Popover } from "./Popover";

/** Which epoch metrics are drawn. Those in another unit than the loss get the right axis. */
export function MetricChooser() {
  const { choices, view } = useStore();
  const names = view.metricNames.value;
  if (names.length === 0) return null;
  const shown = new Set(view.metrics.value);
  const toggle = (name: string): void => {
    if (!shown.delete(name)) shown.add(name);
    choices.metrics.value = names.filter((metric) => shown.has(metric));
  };
  return (
    <Popover small label={`Metrics ${shown.size}/${names.length}`} title="Epoch metrics to draw">
      {() => (
        <fieldset class="choices">
          <legend>Epoch metrics</legend>
          {names.map((name) => (
            <label key={name} title={name}>
              <input type="checkbox" checked={shown.has(name)} onChange={() => toggle(name)} />
              <span class="name">{shortName(name)}</span>
              {!isLossLike(name) && <small>right axis</small>}
            </label>
          ))}
        </fieldset>
      )}
    </Popover>
  );
}
