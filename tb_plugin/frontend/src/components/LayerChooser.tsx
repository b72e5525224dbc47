import { shortNames } from "../model/panes/layers";
import { useStore } from "./context";
import { Popover } from "./Popover";

/** Which layers differ by color; the others stay as pale lines. */
export function LayerChooser() {
  const { choices, view } = useStore();
  const names = view.layerNames.value;
  const short = shortNames(names);
  const shown = new Set(view.layers.value);
  const toggle = (name: string): void => {
    if (!shown.delete(name)) shown.add(name);
    choices.layers.value = names.filter((layer) => shown.has(layer));
  };
  return (
    <Popover small label={`Layers ${shown.size}/${names.length}`} title="Layers that have their own color">
      {() => (
        <fieldset class="choices">
          <legend>Layers, largest updates first</legend>
          {names.map((name) => (
            <label key={name} title={name}>
              <input type="checkbox" checked={shown.has(name)} onChange={() => toggle(name)} />
              <span>{short.get(name)}</span>
            </label>
          ))}
        </fieldset>
      )}
    </Popover>
  );
}
