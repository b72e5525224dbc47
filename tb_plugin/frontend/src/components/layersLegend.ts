import { plural } from "../model/axes/format";
import { shortNames } from "../model/panes/layers";
import type { Store } from "../state/store";
import { item, type LegendItem } from "./legendItem";

/** How far an update moves each layer; those without a color of their own are one entry. */
export function layersLegend({ view, choices }: Store): LegendItem[] {
  const names = view.layerNames.value;
  const short = shortNames(names);
  const hidden = choices.hidden.value;
  const run = view.focused.value ?? "";
  const what = "‖Δw‖ / ‖w‖: norm of the weight update divided by the norm of the weights";
  const samples = view.drawn.value.find(({ name }) => name === run)?.overview.samples ?? null;
  const every = samples?.every == null ? "" : `, sampled every ${plural(samples.every, "step")}`;
  const whose = view.drawn.value.length > 1 ? `, of ${run}` : "";
  if (hidden.has("layers")) {
    const label = `updates of each layer (${plural(names.length, "layer")})`;
    return [item(label, view.theme.value.muted, "line", 1, null, hidden, `${what}${every}${whose}.`)];
  }
  const items = view.layers.value.map((layer, index) => {
    const color = view.colors.value({ run, kind: "layer", index });
    return item(
      short.get(layer) ?? layer,
      color,
      "line",
      1,
      null,
      hidden,
      `${layer}. ${what}${every}${whose}.`,
    );
  });
  const rest = names.length - items.length;
  if (rest === 0) return items;
  const hint = "The other layers, as pale lines.";
  return [
    ...items,
    item(plural(rest, "more layer"), view.theme.value.muted, "line", 0.4, "other_layers", hidden, hint),
  ];
}
