import type { Theme } from "../theme/tokens";
import { FONT } from "./font";

export interface LegendEntry {
  readonly label: string;
  readonly colour: string;
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
  readonly canvas: HTMLCanvasElement;
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

/** The charts as a PNG, with title, runs, legends and where it comes from. */
export async function renderPicture(picture: Picture): Promise<Blob | null> {
  const ratio = devicePixelRatio;
  const width = Math.max(...picture.parts.map((part) => part.canvas.width)) / ratio + 2 * MARGIN;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (context === null) return null;
  context.font = FONT;
  const runRows = legendRows(context, picture.runs, width - 2 * MARGIN);
  const charts = picture.parts.reduce((sum, part) => sum + part.canvas.height / ratio + LINE + 8, 0);
  const height = MARGIN + 2 * LINE + runRows.length * LINE + charts + LINE + MARGIN / 2;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = picture.theme.card;
  context.fillRect(0, 0, width, height);
  context.textBaseline = "middle";

  let y = MARGIN + 6;
  context.fillStyle = picture.theme.text;
  context.font = FONT.replace(/^[\d.]+px/, "600 15px");
  context.fillText(picture.title, MARGIN, y);
  y += LINE;
  context.font = FONT;
  context.fillStyle = picture.theme.muted;
  context.fillText(picture.subtitle, MARGIN, y);
  y += LINE;
  for (const row of runRows) {
    drawLegend(context, row, MARGIN, y, picture.theme);
    y += LINE;
  }
  for (const part of picture.parts) {
    drawLegend(context, part.legend, MARGIN + 12, y, picture.theme);
    y += LINE / 2 + 4;
    context.drawImage(part.canvas, MARGIN, y, part.canvas.width / ratio, part.canvas.height / ratio);
    y += part.canvas.height / ratio + LINE / 2 + 4;
  }
  context.fillStyle = picture.theme.muted;
  context.textAlign = "right";
  context.fillText("lrmon for TensorBoard", width - MARGIN, height - MARGIN);
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

const SWATCH = 16;

function entryWidth(context: CanvasRenderingContext2D, entry: LegendEntry): number {
  return SWATCH + 6 + context.measureText(entry.label).width + 18;
}

function legendRows(
  context: CanvasRenderingContext2D,
  entries: readonly LegendEntry[],
  width: number,
): LegendEntry[][] {
  const rows: LegendEntry[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const entry of entries) {
    const needed = entryWidth(context, entry);
    if (used + needed > width) {
      rows.push([]);
      used = 0;
    }
    rows.at(-1)?.push(entry);
    used += needed;
  }
  return rows;
}

function drawLegend(
  context: CanvasRenderingContext2D,
  entries: readonly LegendEntry[],
  left: number,
  y: number,
  theme: Theme,
): void {
  let x = left;
  for (const entry of entries) {
    context.fillStyle = entry.colour;
    context.globalAlpha = entry.alpha;
    drawSwatch(context, entry.drawn, x, y);
    context.globalAlpha = 1;
    context.fillStyle = theme.text;
    context.fillText(entry.label, x + SWATCH + 6, y);
    x += entryWidth(context, entry);
  }
}

function drawSwatch(
  context: CanvasRenderingContext2D,
  drawn: LegendEntry["drawn"],
  x: number,
  y: number,
): void {
  const middle = x + SWATCH / 2;
  const dot = (): void => {
    context.beginPath();
    context.arc(middle, y, 4, 0, 2 * Math.PI);
    context.fill();
  };
  switch (drawn) {
    case "run":
      context.fillRect(x + 3, y - 5, 10, 10);
      break;
    case "dashed":
      context.fillRect(x, y - 1.5, 7, 3);
      context.fillRect(x + 10, y - 1.5, 6, 3);
      break;
    case "dotted":
      for (const at of [0, 4.5, 9, 13.5]) context.fillRect(x + at, y - 1.5, 2.5, 3);
      break;
    case "markers":
      dot();
      break;
    case "band":
      context.fillRect(x, y - 5, SWATCH, 10);
      break;
    case "ticks":
      context.fillRect(middle - 1, y - 4, 2, 8);
      break;
    case "thin-band":
      context.fillRect(x, y - 2.5, SWATCH, 5);
      break;
    case "steps":
    case "line":
      context.fillRect(x, y - 1.5, SWATCH, 3);
      break;
    case "points":
      context.fillRect(x, y - 1.5, SWATCH, 3);
      dot();
      break;
    default:
      drawn satisfies never;
  }
}
