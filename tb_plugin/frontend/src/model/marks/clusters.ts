/** Marks that would lie on each other, drawn as one. */
export interface Cluster<T> {
  readonly members: readonly T[];
  /** In pixels. */
  readonly x: number;
}

/** A run of neighbors, by their indices in the order. */
interface Group {
  readonly first: number;
  readonly last: number;
}

/** The members, ascending in x, in groups whose boxes, `widthOf` a group about its middle, do not touch. */
export function clusters<T>(
  members: readonly T[],
  xOf: (member: T) => number,
  widthOf: (size: number) => number,
): readonly Cluster<T>[] {
  const xs = members.map(xOf);
  const middle = ({ first, last }: Group): number => ((xs[first] as number) + (xs[last] as number)) / 2;
  const half = ({ first, last }: Group): number => widthOf(last - first + 1) / 2;
  let groups: readonly Group[] = xs.map((_x, index) => ({ first: index, last: index }));
  // Each pass joins neighbors; a group that grew may reach its next neighbor.
  for (;;) {
    const joined: Group[] = [];
    for (const group of groups) {
      const before = joined.at(-1);
      if (before !== undefined && middle(group) - middle(before) < half(before) + half(group)) {
        joined[joined.length - 1] = { first: before.first, last: group.last };
      } else joined.push(group);
    }
    if (joined.length === groups.length) break;
    groups = joined;
  }
  return groups.map((group) => ({ members: members.slice(group.first, group.last + 1), x: middle(group) }));
}
