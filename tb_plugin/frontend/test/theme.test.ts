import { expect, test } from "vitest";
import { contrast, linear } from "../src/theme/contrast";
import { DARK, LIGHT, type Theme } from "../src/theme/tokens";
import { cssVariables } from "../src/theme/variables";

const THEMES = [LIGHT, DARK];

/** Linear RGB as a person without one kind of cone sees it (Viénot, Brettel, Mollon 1999). */
const BLINDNESS = {
  none: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.11238, 0.88762, 0],
    [0.11238, 0.88762, 0],
    [0.00401, -0.00401, 1],
  ],
  deuteranopia: [
    [0.29275, 0.70725, 0],
    [0.29275, 0.70725, 0],
    [-0.02234, 0.02234, 1],
  ],
} as const;

/** Distance of two colors in OKLab, in which equal distances look equally far. */
function distance(first: string, second: string, vision: keyof typeof BLINDNESS): number {
  const simulated = (color: string): [number, number, number] => {
    const rgb = linear(color);
    const [r = 0, g = 0, blue = 0] = BLINDNESS[vision].map((row) =>
      Math.max(0, row[0] * rgb[0] + row[1] * rgb[1] + row[2] * rgb[2]),
    );
    const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * blue);
    const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * blue);
    const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * blue);
    return [
      0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
      1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
      0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
    ];
  };
  const [a, b] = [simulated(first), simulated(second)];
  return Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
}

test.each(THEMES)(
  "text of the $name theme has a contrast of 4.5 on everything it stands on",
  (theme: Theme) => {
    for (const surface of [theme.page, theme.side, theme.card, theme.raised, theme.hover]) {
      for (const text of [theme.text, theme.muted, theme.accent, theme.danger]) {
        expect(contrast(text, surface), `${text} on ${surface}`).toBeGreaterThanOrEqual(4.5);
      }
    }
    expect(contrast(theme.onAccent, theme.accent)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.warningText, theme.warningPage)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.onWarning, theme.warning)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.good, theme.card)).toBeGreaterThanOrEqual(4.5);
    expect(contrast(theme.danger, theme.warningPage)).toBeGreaterThanOrEqual(4.5);
  },
);

test.each(THEMES)("lines of the $name theme have a contrast of 3 on the chart", (theme: Theme) => {
  const lines = [
    theme.learningRate,
    theme.effectiveLR,
    theme.loss,
    theme.rule,
    ...theme.metrics,
    ...theme.runs,
  ];
  for (const line of lines) expect(contrast(line, theme.card), line).toBeGreaterThanOrEqual(3);
});

test.each(THEMES)(
  "colors side by side in the $name theme differ without red or green cones",
  (theme: Theme) => {
    const together = [
      [theme.learningRate, theme.effectiveLR],
      [theme.loss, ...theme.metrics.slice(0, 3)],
      theme.runs.slice(0, 6),
    ];
    for (const colors of together) {
      for (const vision of ["none", "protanopia", "deuteranopia"] as const) {
        for (const [index, first] of colors.entries()) {
          for (const second of colors.slice(index + 1)) {
            expect(distance(first, second, vision), `${first} and ${second}, ${vision}`).toBeGreaterThan(
              0.07,
            );
          }
        }
      }
    }
  },
);

test("every color is a variable of the style sheet", () => {
  const names = cssVariables(LIGHT).map(([name]) => name);
  expect(names).toContain("--on-accent");
  expect(names).toContain("--text");
  expect(cssVariables(DARK).map(([name]) => name)).toEqual(names);
});
