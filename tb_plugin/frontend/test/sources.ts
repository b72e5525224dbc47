/** The page's sources as tests read them: every name that they declare, and every text that users may see. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseAst } from "vite";

const SOURCES = join(dirname(fileURLToPath(import.meta.url)), "../src");

export interface Source {
  readonly file: string;
  readonly names: readonly string[];
  readonly texts: readonly string[];
}

/** Every module of the page, in the order of their paths. */
export function sources(): readonly Source[] {
  return readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.tsx?$/.test(file))
    .sort()
    .map((file) => {
      const text = readFileSync(join(SOURCES, file), "utf8");
      return { file, ...read(text, file.endsWith("x") ? "tsx" : "ts") };
    });
}

/** The classes and variables of the page's style sheets. */
export function styleNames(): readonly string[] {
  const folder = join(SOURCES, "theme/css");
  const styles = readdirSync(folder).map((file) => readFileSync(join(folder, file), "utf8"));
  return [
    ...new Set(styles.flatMap((text) => text.match(/(?<=[\s:(.,>+~])(?:\.|--)[a-z][\w-]*/g) ?? [])),
  ].sort();
}

interface Node {
  readonly type: string;
  readonly [member: string]: unknown;
}

/** The names that a module declares and the texts in it. What a string is for is told by how it looks: see isText. */
export function read(text: string, lang: "ts" | "tsx" = "tsx"): Omit<Source, "file"> {
  const names = new Set<string>();
  const texts: string[] = [];
  visit(parseAst(text, { lang }) as unknown as Node, names, texts);
  return { names: [...names].sort(), texts };
}

/** Attributes of elements and components whose strings users read or hear. */
const TEXT_ATTRIBUTES = new Set(["aria-label", "aria-roledescription", "label", "placeholder", "title"]);

function visit(node: Node, names: Set<string>, texts: string[]): void {
  switch (node.type) {
    case "ImportDeclaration":
    case "TSLiteralType":
      return;
    case "Identifier":
      names.add(String(node.name));
      break;
    case "JSXText":
      add(texts, String(node.value));
      return;
    case "JSXAttribute": {
      const value = node.value as Node | null;
      if (value?.type !== "Literal") break;
      if (TEXT_ATTRIBUTES.has(String((node.name as Node).name))) add(texts, String(value.value));
      return;
    }
    case "TemplateLiteral": {
      const parts = (node.quasis as Node[]).map(({ value }) => (value as { cooked: string }).cooked);
      const whole = parts.join("‹›");
      if (isText(whole)) add(texts, whole);
      for (const inner of node.expressions as Node[]) visit(inner, names, texts);
      return;
    }
    case "Literal":
      if (typeof node.value === "string" && isText(node.value)) add(texts, node.value);
      return;
  }
  for (const member of Object.values(node)) {
    for (const child of Array.isArray(member) ? member : [member]) {
      if (typeof child === "object" && child !== null && "type" in child) visit(child as Node, names, texts);
    }
  }
}

/** Whether a string is a text: it begins with a capital, or has a word beside another or beside a number. */
function isText(value: string): boolean {
  const isMarkup = /^[\s"]*[<\w-]+="|^<|px\b|[{}<]|^[a-z-]+ [a-z]+-[a-z-]+$/.test(value);
  return (
    !isMarkup && /[A-Za-z]{2}/.test(value) && (/^[A-Z][a-z]/.test(value) || /\S\s+\S|‹› |, ?‹›/.test(value))
  );
}

function add(texts: string[], value: string): void {
  const text = value.replace(/\s+/g, " ").trim();
  if (/[A-Za-z]{2}/.test(text)) texts.push(text);
}
