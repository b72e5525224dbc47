import { batch, computed, type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { remember, remembered } from "../host/browser";
import { FIELDS, type LinkState } from "../model/link/fields";
import { filterOf, type Kind } from "../model/runs/selection";

export type ThemeChoice = "auto" | "light" | "dark";

/** A signal for each of the fields of a link. */
type LinkChoices = { readonly [K in keyof LinkState]: Signal<LinkState[K]> };

/** What the user decides; a null leaves the decision to the page. What a link does not hold, the browser keeps. */
export interface Choices extends LinkChoices {
  /** Which runs of each kind are selected. */
  readonly selections: Readonly<Record<Kind, Signal<readonly string[] | null>>>;
  readonly theme: Signal<ThemeChoice>;
  readonly isPanelOpen: Signal<boolean | null>;
  readonly isZoomed: ReadonlySignal<boolean>;
}

const NAMES = Object.keys(FIELDS) as (keyof LinkState)[];

export function createChoices(): Choices {
  const fields = Object.fromEntries(
    NAMES.map((name) => [name, signal<unknown>(FIELDS[name].initial)]),
  ) as unknown as LinkChoices;
  const theme = remembered("theme");
  const panel = remembered("panel");
  return {
    ...fields,
    selections: { training: fields.runs, range_test: fields.sweeps },
    theme: signal<ThemeChoice>(theme === "light" || theme === "dark" ? theme : "auto"),
    isPanelOpen: signal<boolean | null>(panel === null ? null : panel === "open"),
    isZoomed: computed(() => Object.values(fields.zoom.value).some((range) => range !== null)),
  };
}

export function chooseTheme(choices: Choices, theme: ThemeChoice): void {
  choices.theme.value = theme;
  remember("theme", theme);
}

export function choosePanel(choices: Choices, open: boolean): void {
  choices.isPanelOpen.value = open;
  remember("panel", open ? "open" : "closed");
}

/** Hides what an entry of a legend names, or shows it again. */
export function toggleHidden(choices: Choices, name: string): void {
  const hidden = new Set(choices.hidden.value);
  if (!hidden.delete(name)) hidden.add(name);
  choices.hidden.value = hidden;
}

export function chooseFilter(choices: Choices, pattern: string): void {
  choices.filter.value = filterOf(pattern, choices.filter.value);
}

/** What the user chose of that which a link holds. */
export function linkState(choices: Choices): LinkState {
  return Object.fromEntries(NAMES.map((name) => [name, choices[name].value])) as unknown as LinkState;
}

export function applyLink(choices: Choices, state: LinkState): void {
  batch(() => {
    for (const name of NAMES) (choices[name] as Signal<unknown>).value = state[name];
  });
}
