import type { Exactness, Fit, RecordedColumn } from "../../api/types";

const ORDER: readonly Exactness[] = ["exact", "bounded", "unavailable"];

/** How exact a column of a fit is. A record that does not name it is exact; a provenance `none …` has no numbers. */
export function exactnessOf(fit: Fit, column: RecordedColumn): Exactness {
  const recorded = ORDER.find((exactness) => exactness === fit.exactness?.[column]);
  return recorded ?? (fit[`${column}_provenance`]?.startsWith("none") ? "unavailable" : "exact");
}

/** What stands beside the legend's entry of a column that is not exact, and in full. */
export interface Caveat {
  readonly label: string;
  readonly sentence: string;
}

/** The caveat of a column of the drawn runs; null where all of it is exact. */
export function caveatOf(
  runs: readonly { readonly name: string; readonly fits: readonly Fit[] }[],
  column: RecordedColumn,
): Caveat | null {
  let worst: Exactness = "exact";
  const sentences: string[] = [];
  for (const { name, fits } of runs) {
    for (const [index, fit] of fits.entries()) {
      const exactness = exactnessOf(fit, column);
      if (exactness === "exact") continue;
      if (ORDER.indexOf(exactness) > ORDER.indexOf(worst)) worst = exactness;
      const whose = [...(runs.length > 1 ? [name] : []), ...(fits.length > 1 ? [`fit ${index + 1}`] : [])];
      const provenance = fit[`${column}_provenance`] ?? exactness;
      const sentence = whose.length > 0 ? `${whose.join(", ")}: ${provenance}` : capitalized(provenance);
      if (!sentences.includes(sentence)) sentences.push(sentence);
    }
  }
  if (worst === "exact") return null;
  const all = runs.flatMap(({ fits }) => fits);
  const other = all.some((fit) => exactnessOf(fit, column) !== worst);
  return {
    label: `${other ? "partly " : ""}${worst}`,
    sentence: sentences.map(ended).join(" "),
  };
}

function capitalized(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function ended(sentence: string): string {
  return /[.!?]$/.test(sentence) ? sentence : `${sentence}.`;
}
