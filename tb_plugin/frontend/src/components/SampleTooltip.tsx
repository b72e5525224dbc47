import { formatCount, formatNumber, plural } from "../model/axes/format";
import { shortNames } from "../model/panes/layers";
import type { Reading } from "../model/panes/readout";
import { useStore } from "./context";
import { TooltipName } from "./TooltipBox";

/** Of the layers that have a color; more would make a tooltip a list. */
const LAYERS = 8;

/** The sampled step sizes of single weights next to the cursor. */
export function StepSizes({ reading: { sample, step } }: { reading: Reading }) {
  const middle = sample?.sizes.get(0.5) ?? null;
  if (sample === null || middle === null) return null;
  const [low, high] = [...sample.sizes.values()].filter(
    (_size, index, all) => index % (all.length - 1) === 0,
  );
  const where = sample.step === step ? "" : `, sampled at step ${formatCount(sample.step)}`;
  return (
    <p>
      step size of weights {formatNumber(middle, 3)} (5–95 %: {formatNumber(low ?? null, 3)} to{" "}
      {formatNumber(high ?? null, 3)}){where}
    </p>
  );
}

/** How far an update moves each layer that has a color. */
export function LayerRows({ reading, nearest }: { reading: Reading; nearest: string | null }) {
  const { view } = useStore();
  const { sample } = reading;
  if (sample === null) return null;
  const chosen = view.layers.value;
  const short = shortNames(view.layerNames.value);
  const listed = chosen.slice(0, LAYERS);
  const rest = view.layerNames.value.length - listed.length;
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col" class="run-name">
              {reading.run}
            </th>
            <th scope="col">‖Δw‖ / ‖w‖</th>
          </tr>
        </thead>
        <tbody>
          {listed.map((layer, index) => (
            <tr key={layer} class={layer === nearest ? "nearest" : undefined}>
              <TooltipName
                color={view.colors.value({ run: reading.run, kind: "layer", index })}
                label={short.get(layer) ?? layer}
              />
              <td>{formatNumber(sample.layers.get(layer) ?? null, 3)}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rest > 0 && <p>{plural(rest, "more layer")}</p>}
      <p>sampled at step {formatCount(sample.step)}</p>
    </>
  );
}
