import type { Samples, Value } from "../../api/types";
import { finite } from "../axes/lookup";

/** Layers that have their own color; more stay as pale lines. */
export const MOST_LAYERS = 6;

/** The layers, by the middle of their ratios from the largest on: those whose weights move most come first. */
export function layersOf(samples: Samples | null): readonly string[] {
  if (samples === null) return [];
  const middles = [...samples.update_to_weight].map(([layer, values]) => [layer, middle(values)] as const);
  return middles.sort((a, b) => b[1] - a[1]).map(([layer]) => layer);
}

/** Which layers have their own color by default. */
export function defaultLayers(layers: readonly string[]): readonly string[] {
  return layers.slice(0, MOST_LAYERS);
}

/** The layers' names without what all of them begin with. */
export function shortNames(layers: readonly string[]): ReadonlyMap<string, string> {
  const [first = "", ...others] = layers.map((layer) => layer.split("/"));
  let common = 0;
  while (
    others.length > 0 &&
    common < first.length - 1 &&
    others.every((parts) => parts.length > common + 1 && parts[common] === first[common])
  )
    common += 1;
  return new Map(layers.map((layer) => [layer, layer.split("/").slice(common).join("/")]));
}

function middle(values: readonly Value[]): number {
  const sorted = values.filter(finite).sort((a, b) => a - b);
  return sorted[sorted.length >> 1] ?? Number.NEGATIVE_INFINITY;
}
