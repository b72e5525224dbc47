import type { Theme } from "./tokens";

/** The theme as CSS variables, for everything that is not drawn on a canvas. */
export function cssVariables(theme: Theme): [name: string, value: string][] {
  const names = Object.keys(theme) as (keyof Theme)[];
  return names.flatMap((name): [string, string][] => {
    const value = theme[name];
    return typeof value === "string" && name !== "name" ? [[`--${kebab(name)}`, value]] : [];
  });
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
