import { shortName } from "../axes/format";

/** Where a name may be cut, so that the parts stay readable. */
const BOUNDARY = /[/_\- ]/;

/** A part that is no longer than this is left: the ellipsis is hardly shorter. */
const WORTH = 3;

/**
 * The names as they are shown where `most` letters have room. Names that fit stay as they are; of the others goes first
 * what all names of their folder begin with, then what all of these end with, no more of it than needed, and only then
 * their middle: what distinguishes them stays.
 */
export function shortRunNames(names: readonly string[], most: number): ReadonlyMap<string, string> {
  const folders = new Map<string, string[]>();
  for (const name of names) {
    const folder = name.slice(0, name.lastIndexOf("/") + 1);
    folders.set(folder, [...(folders.get(folder) ?? []), name]);
  }
  const short = new Map([...folders].flatMap(([folder, inside]) => shortIn(folder, inside, most)));
  const counts = new Map<string, number>();
  for (const label of short.values()) counts.set(label, (counts.get(label) ?? 0) + 1);
  return new Map(
    names.map((name) => {
      const label = short.get(name) ?? name;
      // Runs of the same name in two folders: the folder distinguishes them.
      return [name, counts.get(label) === 1 ? label : shortName(name, most)];
    }),
  );
}

/** The names of one folder. */
function shortIn(folder: string, names: readonly string[], most: number): [name: string, label: string][] {
  const longest = Math.max(...names.map(lengthOf));
  const cuts = names.length > 1 ? commonCuts(names) : [folder.length].filter((cut) => cut > WORTH);
  const start = longest <= most ? 0 : leastCut(cuts, longest + 1 - most);
  const left = longest - start + (start > 0 ? 1 : 0);
  const ends = commonCuts(names.map((name) => [...name.slice(start)].reverse().join("")));
  const end = left <= most ? 0 : leastCut(ends, left + 1 - most);
  return names.map((name) => {
    if (lengthOf(name) <= most) return [name, name];
    const middle = name.slice(start, end === 0 ? undefined : -end);
    return [name, shortName(`${start > 0 ? "…" : ""}${middle}${end > 0 ? "…" : ""}`, most)];
  });
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
