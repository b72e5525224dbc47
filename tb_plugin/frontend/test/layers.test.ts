import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../src");

/** Each layer may import those before it, and itself. */
const LAYERS = ["api", "model", "theme", "host", "chart", "state", "components"];

/** What a layer may take from outside of the project; a layer that is not named takes nothing. */
const OUTSIDE: Readonly<Record<string, readonly string[]>> = {
  chart: ["uplot"],
  state: ["@preact/signals"],
  components: ["preact", "preact/hooks", "@preact/signals", "uplot"],
};

/** The imports of a module that the rules forbid, as sentences. */
function wrongImports(file: string, text: string): string[] {
  const layer = file.split("/")[0] as string;
  const wrong: string[] = [];
  for (const [, imported = ""] of text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)) {
    if (imported.startsWith(".")) {
      const target = join(dirname(file), imported).split("/")[0] as string;
      if (LAYERS.indexOf(target) > LAYERS.indexOf(layer)) wrong.push(`${file} imports ${imported}`);
    } else if (!(OUTSIDE[layer] ?? []).includes(imported)) {
      wrong.push(`${file} imports ${imported}`);
    }
  }
  return wrong;
}

function modules(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? modules(path) : /\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

test("every module imports only from its layer and those before it", () => {
  const files = modules(SOURCES).filter((file) => dirname(file) !== SOURCES);
  const wrong = files.flatMap((file) => wrongImports(relative(SOURCES, file), readFileSync(file, "utf8")));
  expect(wrong).toEqual([]);
  expect(new Set(files.map((file) => relative(SOURCES, file).split("/")[0]))).toEqual(new Set(LAYERS));
});

test("the rule of the layers sees a wrong import", () => {
  expect(wrongImports("model/axis.ts", 'import { x } from "../state/view";')).toHaveLength(1);
  expect(wrongImports("model/axis.ts", 'import type {\n  x,\n} from "preact";')).toHaveLength(1);
  expect(wrongImports("state/view.ts", 'import { x } from "../model/axis";')).toEqual([]);
});
