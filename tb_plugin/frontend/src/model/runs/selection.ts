import type { RunInfo } from "../../api/types";

/** What a run is: the page shows runs of one kind at a time. */
export type Kind = RunInfo["kind"];

export const KINDS: readonly Kind[] = ["training", "range_test"];

/** The kind that is shown: the chosen one where there are such runs, else the other. */
export function kindShown(chosen: Kind | null, runs: ReadonlyMap<string, RunInfo>): Kind {
  const there = new Set([...runs.values()].map((run) => run.kind));
  const wanted = chosen ?? "training";
  return there.has(wanted) || there.size === 0 ? wanted : wanted === "training" ? "range_test" : "training";
}

/** The run of that kind which started last, null where there is none. */
export function latestOf(kind: Kind, runs: ReadonlyMap<string, RunInfo>): string | null {
  return defaultSelection(new Map([...runs].filter(([, run]) => run.kind === kind)))[0] ?? null;
}

export interface Filter {
  readonly pattern: string;
  /** What is wrong with the pattern, null where nothing is. */
  readonly problem: string | null;
  readonly matches: (name: string) => boolean;
}

export const NO_FILTER: Filter = { pattern: "", problem: null, matches: () => true };

/** The filter of a pattern that the user typed. An invalid one is reported and matches as the one before. */
export function filterOf(pattern: string, before: Filter): Filter {
  if (pattern === "") return NO_FILTER;
  try {
    const expression = new RegExp(pattern, "i");
    return { pattern, problem: null, matches: (name) => expression.test(name) };
  } catch (error) {
    const reason = error instanceof Error ? error.message.replace(/^.*: /, "") : "";
    return { pattern, problem: `Not a regular expression: ${reason}`, matches: before.matches };
  }
}

const NATURAL = new Intl.Collator("en", { numeric: true });

export function sortedNames(runs: ReadonlyMap<string, RunInfo>): readonly string[] {
  return [...runs.keys()].sort(NATURAL.compare);
}

/** The runs of a kind, in their order in the answer. */
export function namesOf(kind: Kind, runs: ReadonlyMap<string, RunInfo>): readonly string[] {
  return [...runs].flatMap(([name, run]) => (run.kind === kind ? [name] : []));
}

/** What is shown before the user chooses: the run that started last. */
export function defaultSelection(runs: ReadonlyMap<string, RunInfo>): readonly string[] {
  let latest: string | null = null;
  let latestTime = Number.NEGATIVE_INFINITY;
  for (const name of sortedNames(runs)) {
    const time = runs.get(name)?.start_time ?? Number.NEGATIVE_INFINITY;
    if (latest === null || time > latestTime) {
      latest = name;
      latestTime = time;
    }
  }
  return latest === null ? [] : [latest];
}
