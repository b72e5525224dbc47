import type { Theme } from "../theme/tokens";
import { FONT } from "./font";
import { escaped } from "./svg";

export interface LegendEntry {
  readonly label: string;
  readonly color: string;
  readonly drawn:
    | "steps"
    | "line"
    | "points"
    | "run"
    | "dashed"
    | "dotted"
    | "markers"
    | "band"
    | "thin-band"
    | "ticks";
  readonly alpha: number;
}

export interface PicturePart {
  /** The chart as the content of an SVG element, and its size. */
  readonly svg: string;
  readonly width: number;
  readonly height: number;
  readonly legend: readonly LegendEntry[];
}

export interface Picture {
  readonly title: string;
  readonly subtitle: string;
  readonly runs: readonly LegendEntry[];
  readonly parts: readonly PicturePart[];
  readonly theme: Theme;
}

const MARGIN = 16;
const LINE = 20;
/** Pixels of a PNG for each of the picture. */
const RESOLUTION = 2;

/** The charts as SVG, with title, runs, legends and where it comes from. */
export function pictureSvg(picture: Picture): string {
  const { theme, parts, runs } = picture;
  const measure = measurer();
  const width = Math.max(...parts.map((part) => part.width)) + 2 * MARGIN;
  const content: string[] = [];
  let y = MARGIN + 6;
  content.push(text(picture.title, MARGIN, y, theme.text, "font-size:15px;font-weight:600"));
  y += LINE;
  content.push(text(picture.subtitle, MARGIN, y, theme.muted));
  y += LINE;
  for (const row of legendRows(measure, runs, width - 2 * MARGIN)) {
    content.push(legend(measure, row, MARGIN, y, theme));
    y += LINE;
  }
  for (const part of parts) {
    for (const row of legendRows(measure, part.legend, width - 2 * MARGIN - 12)) {
      content.push(legend(measure, row, MARGIN + 12, y, theme));
      y += LINE;
    }
    y += 4 - LINE / 2;
    content.push(`<g transform="translate(${MARGIN} ${y})">${part.svg}</g>`);
    y += part.height + LINE / 2 + 4;
  }
  const height = y + LINE;
  content.push(
    text("lrmon for TensorBoard", width - MARGIN, height - MARGIN, theme.muted, "text-anchor:end"),
  );
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" style="font:${escaped(FONT)}"><rect width="100%" height="100%" fill="${theme.card}"/>${content.join("")}</svg>`;
}

/** The picture as a PNG, twice as fine as the page on a screen of the usual kind; null where the browser cannot. */
export async function picturePng(svg: string): Promise<Blob | null> {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = Math.round(image.naturalWidth * RESOLUTION);
    canvas.height = Math.round(image.naturalHeight * RESOLUTION);
    const context = canvas.getContext("2d");
    if (context === null) return null;
    context.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  } catch {
    return null;
  } finally {
    URL.revokeObjectURL(address);
  }
}

type Measure = (text: string) => number;

function measurer(): Measure {
  const context = document.createElement("canvas").getContext("2d");
  if (context !== null) context.font = FONT;
  return (text) => context?.measureText(text).width ?? 7 * text.length;
}

const SWATCH = 16;

function entryWidth(measure: Measure, entry: LegendEntry): number {
  return SWATCH + 6 + measure(entry.label) + 18;
}

function legendRows(measure: Measure, entries: readonly LegendEntry[], width: number): LegendEntry[][] {
  const rows: LegendEntry[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const needed = entryWidth(measure, entry);
    if (used + needed > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)?.push(entry);
    used += needed;
  }
  return rows;
}

function legend(
  measure: Measure,
  entries: readonly LegendEntry[],
  left: number,
  y: number,
  theme: Theme,
): string {
  let x = left;
  return entries
    .map((entry) => {
      const at = x;
      x += entryWidth(measure, entry);
      const swatch = `<g fill="${entry.color}" opacity="${entry.alpha}">${swatchOf(entry.drawn, at, y)}</g>`;
      return swatch + text(entry.label, at + SWATCH + 6, y, theme.text);
    })
    .join("");
}

function swatchOf(drawn: LegendEntry["drawn"], x: number, y: number): string {
  const box = (left: number, width: number, height: number): string =>
    `<rect x="${x + left}" y="${y - height / 2}" width="${width}" height="${height}"/>`;
  const dot = `<circle cx="${x + SWATCH / 2}" cy="${y}" r="4"/>`;
  switch (drawn) {
    case "run":
      return box(3, 10, 10);
    case "dashed":
      return box(0, 7, 3) + box(10, 6, 3);
    case "dotted":
      return [0, 4.5, 9, 13.5].map((at) => box(at, 2.5, 3)).join("");
    case "markers":
      return dot;
    case "band":
      return box(0, SWATCH, 10);
    case "ticks":
      return box(SWATCH / 2 - 1, 2, 8);
    case "thin-band":
      return box(0, SWATCH, 5);
    case "steps":
    case "line":
      return box(0, SWATCH, 3);
    case "points":
      return box(0, SWATCH, 3) + dot;
    default:
      return drawn satisfies never;
  }
}

/** Text whose middle lies at y: the baseline of most fonts lies a third of their size below it. */
function text(content: string, x: number, y: number, color: string, style = ""): string {
  return `<text x="${x}" y="${y + 4}" fill="${color}"${style === "" ? "" : ` style="${style}"`}>${escaped(content)}</text>`;
}
