/** Which color each of the drawn runs has: a matter of their names, whatever the order in which they were chosen. */

/** Of this many runs each has one of the colors that differ most. */
const APART = 6;

/**
 * The index of each run's color among `count` colors, the first of which differ most. A run has a color of its own,
 * which follows from its name; of two runs with the same one, the later by name takes the next that is free. So the
 * same runs always have the same colors, and no two share one while there are colors left.
 */
export function colorIndices(names: readonly string[], count: number): ReadonlyMap<string, number> {
  const sorted = [...names].sort();
  const indices = new Map<string, number>();
  const used = new Array<number>(count).fill(0);
  const take = (name: string, index: number): void => {
    indices.set(name, index);
    used[index] = (used[index] as number) + 1;
  };
  const wishes = new Map(sorted.map((name) => [name, wishesOf(name, count)] as const));
  for (const [name, [first = 0]] of wishes) if (used[first] === 0) take(name, first);
  for (const [name, wished] of wishes) {
    if (indices.has(name)) continue;
    const least = Math.min(...used);
    take(name, wished.find((index) => used[index] === least) ?? 0);
  }
  return indices;
}

/** The colors by how much the run wants them: first those that differ most, from its own on. */
function wishesOf(name: string, count: number): readonly number[] {
  const hash = hashOf(name);
  const [apart, others] = [Math.min(APART, count), Math.max(0, count - APART)];
  return [
    ...Array.from({ length: apart }, (_none, index) => (hash + index) % apart),
    ...Array.from({ length: others }, (_none, index) => apart + ((hash + index) % others)),
  ];
}

/** FNV-1a with a final mix: names that differ in their last letter are far apart. */
function hashOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index += 1) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  return (hash ^ (hash >>> 16)) >>> 0;
}
