import { decoded, FIELDS, type Field, type LinkState, type LinkValues } from "./fields";

export const LINK_PREFIX = "p.lrmon.";

/** The name of this page in TensorBoard's address. */
const PLUGIN = "lrmon";

const ENTRIES = Object.entries(FIELDS) as unknown as readonly (readonly [keyof LinkState, Field<unknown>])[];

/** The state as the values that TensorBoard hands a plugin: of `p.lrmon.x=epoch` the pair x, epoch. */
export function encodeState(state: LinkState): Record<string, string> {
  return Object.assign({}, ...ENTRIES.map(([name, field]) => field.write(state[name])));
}

/** The state in the values of a link. What cannot be read is left out: a link from a newer page still opens. */
export function decodeState(values: LinkValues): LinkState {
  return Object.fromEntries(
    ENTRIES.map(([name, field]) => [name, field.read(values)]),
  ) as unknown as LinkState;
}

/** The address of TensorBoard with this state in it; what the address says of other plugins stays. */
export function linkAddress(page: string, values: LinkValues): string {
  const [address = "", hash = ""] = split(page);
  const parts = Object.entries(values).map(
    ([key, value]) => `${LINK_PREFIX}${key}=${encodeURIComponent(value)}`,
  );
  const others = hash.split("&").filter((token) => token.includes("=") && !isOurs(token));
  return `${address}#${[PLUGIN, ...parts, ...others].join("&")}`;
}

/** The values in the hash of TensorBoard's address, by their names after `p.lrmon.`. */
export function hashValues(hash: string): Record<string, string> {
  const values: Record<string, string> = {};
  for (const token of hash.replace(/^#/, "").split("&")) {
    const [key = "", value, ...rest] = token.split("=").map(decoded);
    if (key.startsWith(LINK_PREFIX) && value !== undefined && rest.length === 0) {
      values[key.slice(LINK_PREFIX.length)] = value;
    }
  }
  return values;
}

/** Whether the hash of TensorBoard's address says that another plugin than this one is shown. */
export function isAnotherShown(hash: string): boolean {
  const shown = hash
    .replace(/^#/, "")
    .split("&")
    .find((token) => !token.includes("="));
  return shown !== undefined && shown !== "" && shown !== PLUGIN;
}

/** Whether two sets of values are the same, in whatever order. */
export function hasSameValues(first: LinkValues, second: LinkValues): boolean {
  const keys = Object.keys(first);
  return keys.length === Object.keys(second).length && keys.every((key) => first[key] === second[key]);
}

function split(page: string): readonly string[] {
  const at = page.indexOf("#");
  return at < 0 ? [page, ""] : [page.slice(0, at), page.slice(at + 1)];
}

function isOurs(token: string): boolean {
  return decoded(token.split("=")[0] ?? "").startsWith(LINK_PREFIX);
}
