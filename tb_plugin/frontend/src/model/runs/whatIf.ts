import { type PlateauRule, type RuleTexts, SETTINGS, type Setting } from "../../api/report";

/** The number as Keras users write it: 0.0001 is 1e-4. */
export function settingText(value: number | string): string {
  if (typeof value === "string") return value;
  return value !== 0 && Math.abs(value) < 1e-3 ? value.toExponential() : String(value);
}

/** What a field shows: what the user wrote, else the run's own. */
export function shownSetting(texts: RuleTexts, defaults: PlateauRule, setting: Setting): string {
  return texts[setting] ?? settingText(defaults[setting]);
}

/** The settings with one replaced; one that equals the run's own is not kept. */
export function withSetting(
  texts: RuleTexts,
  defaults: PlateauRule,
  setting: Setting,
  text: string,
): RuleTexts {
  const { [setting]: _before, ...others } = texts;
  const own = defaults[setting];
  const isSame = typeof own === "string" ? own === text : text.trim() !== "" && Number(text) === own;
  return isSame ? others : { ...others, [setting]: text };
}

/** The setting that an error of the server is about: errors begin with its name, or name it. */
export function settingOf(sentence: string): Setting | null {
  const words = sentence.split(/[^\w]+/);
  return (
    SETTINGS.find((setting) => words[0] === setting) ??
    SETTINGS.find((setting) => words.includes(setting)) ??
    null
  );
}

/** The versions of Keras whose rules differ. */
export const VERSIONS: readonly { readonly value: string; readonly label: string }[] = [
  { value: "keras-3.15", label: "3.15" },
  { value: "keras-3.11", label: "3.11–3.14" },
  { value: "keras-3.0", label: "3.0–3.10" },
  { value: "tf_keras", label: "tf_keras" },
];

export const MODES: readonly string[] = ["auto", "min", "max"];

/** How early a reduction comes: 1 the first of the table, toward 0 the last; null where there is none. */
export function earliness(
  first: number | null,
  table: readonly (readonly (number | null)[])[],
): number | null {
  if (first === null) return null;
  const all = table.flat().filter((value) => value !== null);
  const [low, high] = [Math.min(...all), Math.max(...all)];
  return high === low ? 1 : 1 - (first - low) / (high - low);
}
