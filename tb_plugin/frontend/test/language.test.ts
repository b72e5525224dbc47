import { expect, test } from "vitest";
import { read, sources, styleNames } from "./sources";
import { NAME_WORDS, NAMES_OF_THE_API, TEXT_WORDS, type Word } from "./words";

/** The words of a name: `rateLegend`, `--rate-legend` and `RATE_LEGEND` are `rate legend`. */
function wordsOf(name: string): string {
  return name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1 $2")
    .replace(/[_.\-$]+/g, " ")
    .trim()
    .toLowerCase();
}

function toAvoid(words: readonly Word[], texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) =>
    words.filter(({ pattern }) => pattern.test(text)).map(({ better }) => `${text}: say ${better}`),
  );
}

function namesToAvoid(names: readonly string[]): readonly string[] {
  return toAvoid(NAME_WORDS, names.filter((name) => !NAMES_OF_THE_API.has(name)).map(wordsOf));
}

test("no name in the page's sources and styles has a word that the glossary replaces", () => {
  expect(
    sources().flatMap(({ file, names }) => namesToAvoid(names).map((name) => `${file}: ${name}`)),
  ).toEqual([]);
  expect(namesToAvoid(styleNames())).toEqual([]);
});

test("no text of the page has a word that the glossary replaces", () => {
  const texts = sources().flatMap(({ file, texts }) =>
    toAvoid(TEXT_WORDS, texts).map((text) => `${file}: ${text}`),
  );
  expect(texts).toEqual([]);
});

test.each(NAME_WORDS)("the name $example is found, in TypeScript and in styles", ({ pattern, example }) => {
  const { names } = read(`const ${example} = 1;`);
  expect(names).toEqual([example]);
  expect(names.map(wordsOf).some((name) => pattern.test(name))).toBe(true);
  expect(pattern.test(wordsOf(`--${wordsOf(example).replaceAll(" ", "-")}`))).toBe(true);
});

test.each(TEXT_WORDS)("the text “$example” is found, between tags and in strings", ({ pattern, example }) => {
  const { texts } = read(`
    const paragraph = <p title="Now ${example}">Now ${example}.</p>;
    const sentence = \`Now \${name}: ${example}.\`;
    const label = "Now ${example}";
  `);
  expect(texts).toEqual([`Now ${example}`, `Now ${example}.`, `Now ‹›: ${example}.`, `Now ${example}`]);
  expect(texts.every((text) => pattern.test(text))).toBe(true);
});

test("what only code reads is no text", () => {
  expect(
    read(
      `import a from "Some text here"; const b: "A type" = x; const c = <i class="big one" data-a="A b" />;`,
    ).texts,
  ).toEqual([]);
});
