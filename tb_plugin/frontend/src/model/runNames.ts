import { shortName } from "./format";

/** Where a name may be cut, so that the parts stay readable. */
const BOUNDARY = /[/_\- ]/;

/** A part that is no longer than this is left: the ellipsis is hardly shorter. */
const WORTH = 3;

/**
 * The names as they are shown where `most` letters have room. Names that fit stay as they are; of the others goes first
 * what all names begin with, then what all end with, no more of it than needed, and only then their middle: what tells
 * them apart stays.
 */
export function shortRunNames(names: readonly string[], most: number): ReadonlyMap<string, string> {
  if (names.every((name) => lengthOf(name) <= most)) return new Map(names.map((name) => [name, name]));
  const longest = Math.max(...names.map(lengthOf));
  const start = leastCut(commonCuts(names), longest + 1 - most);
  const left = longest - start + (start > 0 ? 1 : 0);
  const ends = commonCuts(names.map((name) => [...name.slice(start)].reverse().join("")));
  const end = left <= most ? 0 : leastCut(ends, left + 1 - most);
  return new Map(
    names.map((name) => {
      if (lengthOf(name) <= most) return [name, name];
      const middle = name.slice(start, end === 0 ? undefined : -end);
      return [name, shortName(`${start > 0 ? "…" : ""}${middle}${end > 0 ? "…" : ""}`, most)];
    }),
  );
}

function lengthOf(name: string): number {
  return [...name].length;
}

/** After how many letters the names can be cut, as long as all of them begin alike. */
function commonCuts(names: readonly string[]): readonly number[] {
  const [first = "", ...others] = names;
  const cuts: number[] = [];
  if (others.length === 0) return cuts;
  for (let at = 0; at < first.length && others.every((name) => name[at] === first[at]); at += 1) {
    if (BOUNDARY.test(first[at] as string) && at + 1 > WORTH) cuts.push(at + 1);
  }
  return cuts;
}

/** The first of the ascending cuts that is enough, else the last; 0 where there is none. */
function leastCut(cuts: readonly number[], enough: number): number {
  return cuts.find((cut) => cut >= enough) ?? cuts.at(-1) ?? 0;
}
