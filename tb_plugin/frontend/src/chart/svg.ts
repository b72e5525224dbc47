import type uPlot from "uplot";

/**
 * A chart as SVG. What draws it on the canvas draws it once more while its calls are written down: nothing is drawn in
 * two ways. The canvas draws along, so that transforms, styles and fonts are read from it.
 */

/** The commands of a path, as SVG writes them. */
class Outline {
  text = "";

  moveTo(x: number, y: number): void {
    this.text += `M${short(x)} ${short(y)}`;
  }

  lineTo(x: number, y: number): void {
    // A path that begins with a line begins where that ends, as on a canvas.
    this.text += `${this.text === "" ? "M" : "L"}${short(x)} ${short(y)}`;
  }

  bezierCurveTo(ax: number, ay: number, bx: number, by: number, x: number, y: number): void {
    this.text += `C${[ax, ay, bx, by, x, y].map(short).join(" ")}`;
  }

  closePath(): void {
    this.text += "Z";
  }

  rect(x: number, y: number, width: number, height: number): void {
    this.text += `M${short(x)} ${short(y)}h${short(width)}v${short(height)}h${short(-width)}Z`;
  }

  roundRect(x: number, y: number, width: number, height: number, radius: number): void {
    const r = Math.min(radius, width / 2, height / 2);
    const corner = (dx: number, dy: number): string =>
      `a${short(r)} ${short(r)} 0 0 1 ${short(dx)} ${short(dy)}`;
    const [across, down] = [short(width - 2 * r), short(height - 2 * r)];
    this.text += `M${short(x + r)} ${short(y)}h${across}${corner(r, r)}v${down}${corner(-r, r)}h-${across}${corner(-r, -r)}v-${down}${corner(r, -r)}Z`;
  }

  arc(x: number, y: number, radius: number, start: number, end: number): void {
    const r = short(radius);
    const at = (angle: number): string =>
      `${short(x + radius * Math.cos(angle))} ${short(y + radius * Math.sin(angle))}`;
    this.text += `${this.text === "" ? "M" : "L"}${at(start)}`;
    const middle = (start + end) / 2;
    const large = Math.abs(end - start) > 2 * Math.PI ? 1 : 0;
    // In two halves: an arc from a point to itself would be none.
    for (const angle of [middle, end]) this.text += `A${r} ${r} 0 ${large} 1 ${at(angle)}`;
  }
}

const PATH_METHODS = [
  "moveTo",
  "lineTo",
  "bezierCurveTo",
  "closePath",
  "rect",
  "roundRect",
  "arc",
] as const satisfies readonly (keyof Outline)[];

type PathCall = (...values: readonly number[]) => void;

/** A path of the canvas that remembers its commands. */
class RecordedPath extends Path2D {
  readonly outline = new Outline();

  constructor(from?: Path2D | string) {
    super(from);
    if (from instanceof RecordedPath) this.outline.text = from.outline.text;
    for (const name of PATH_METHODS) {
      const draw = Path2D.prototype[name] as PathCall;
      (this as unknown as Record<string, PathCall>)[name] = (...values) => {
        draw.apply(this, [...values]);
        (this.outline[name] as PathCall)(...values);
      };
    }
  }
}

/** The chart as the content of an SVG element, in pixels of the style sheet; `id` is no other chart's. */
export function chartSvg(plot: uPlot, id: string): string {
  const recorder = new Recorder(plot.ctx, id);
  const { Path2D: before } = window;
  window.Path2D = RecordedPath;
  try {
    // In a batch uPlot draws at once.
    plot.batch(() => plot.redraw(true, false));
  } finally {
    window.Path2D = before;
    recorder.stop();
  }
  return `<g transform="scale(${1 / devicePixelRatio})">${recorder.text()}</g>`;
}

class Recorder {
  private path = new Outline();
  private clip: string | null = null;
  private readonly saved: (string | null)[] = [];
  private readonly clips: string[] = [];
  private readonly parts: { readonly clip: string | null; readonly text: string }[] = [];
  private readonly replaced: string[] = [];

  constructor(
    private readonly ctx: CanvasRenderingContext2D,
    private readonly id: string,
  ) {
    for (const name of PATH_METHODS) {
      this.replace(name, (...values) => (this.path[name] as PathCall)(...(values as number[])));
    }
    this.replace("beginPath", () => {
      this.path = new Outline();
    });
    this.replace("save", () => this.saved.push(this.clip));
    this.replace("restore", () => {
      this.clip = this.saved.pop() ?? null;
    });
    this.replace("clip", (path) => this.addClip(this.outlineOf(path)));
    this.replace("fill", (path) => this.add(`<path d="${this.outlineOf(path)}"${this.filled()}/>`));
    this.replace("stroke", (path) => this.add(`<path d="${this.outlineOf(path)}"${this.stroked()}/>`));
    this.replace("fillRect", (x, y, width, height) =>
      this.add(`<path d="${rectangle([x, y, width, height] as number[])}"${this.filled()}/>`),
    );
    this.replace("fillText", (text, x, y) => this.addText(String(text), Number(x), Number(y), this.filled()));
    this.replace("strokeText", (text, x, y) =>
      this.addText(String(text), Number(x), Number(y), this.stroked()),
    );
    this.replace("clearRect", () => {});
  }

  stop(): void {
    for (const name of this.replaced) delete (this.ctx as unknown as Record<string, unknown>)[name];
  }

  text(): string {
    let text = this.clips.length === 0 ? "" : `<defs>${this.clips.join("")}</defs>`;
    for (const [index, part] of this.parts.entries()) {
      const [before, after] = [this.parts[index - 1], this.parts[index + 1]];
      if (part.clip !== null && before?.clip !== part.clip) text += `<g clip-path="url(#${part.clip})">`;
      text += part.text;
      if (part.clip !== null && after?.clip !== part.clip) text += "</g>";
    }
    return text;
  }

  /** Writes the calls of a method down; the canvas draws along. */
  private replace(
    name: keyof CanvasRenderingContext2D & string,
    record: (...values: unknown[]) => void,
  ): void {
    const draw = (this.ctx as unknown as Record<string, (...values: unknown[]) => unknown>)[name];
    this.replaced.push(name);
    (this.ctx as unknown as Record<string, unknown>)[name] = (...values: unknown[]) => {
      record(...values);
      return draw?.apply(this.ctx, values);
    };
  }

  private outlineOf(path: unknown): string {
    return path instanceof RecordedPath ? path.outline.text : this.path.text;
  }

  private add(text: string): void {
    this.parts.push({ clip: this.clip, text });
  }

  private addClip(outline: string): void {
    const name = `${this.id}-clip-${this.clips.length}`;
    const within = this.clip === null ? "" : ` clip-path="url(#${this.clip})"`;
    this.clips.push(`<clipPath id="${name}"${within}><path d="${outline}"${this.transform()}/></clipPath>`);
    this.clip = name;
  }

  private addText(text: string, x: number, y: number, style: string): void {
    const anchor = { center: "middle", right: "end", end: "end" }[this.ctx.textAlign as string] ?? "start";
    this.add(
      `<text x="${short(x)}" y="${short(y + this.toBaseline())}" text-anchor="${anchor}" style="font:${escaped(this.ctx.font)}"${style}>${escaped(text)}</text>`,
    );
  }

  /** How far below the line that the canvas sets text on the baseline of SVG lies. */
  private toBaseline(): number {
    const { ctx } = this;
    const wanted = ctx.textBaseline;
    const { fontBoundingBoxAscent: above } = ctx.measureText("x");
    ctx.textBaseline = "alphabetic";
    const { fontBoundingBoxAscent: whole } = ctx.measureText("x");
    ctx.textBaseline = wanted;
    return whole - above;
  }

  private filled(): string {
    return ` fill="${String(this.ctx.fillStyle)}"${this.opacity()}${this.transform()}`;
  }

  private stroked(): string {
    const { strokeStyle, lineWidth, lineJoin, lineCap } = this.ctx;
    const dash = this.ctx.getLineDash();
    const dashes = dash.length === 0 ? "" : ` stroke-dasharray="${dash.map(short).join(" ")}"`;
    const join = lineJoin === "miter" ? "" : ` stroke-linejoin="${lineJoin}"`;
    const cap = lineCap === "butt" ? "" : ` stroke-linecap="${lineCap}"`;
    return ` fill="none" stroke="${String(strokeStyle)}" stroke-width="${short(lineWidth)}"${dashes}${join}${cap}${this.opacity()}${this.transform()}`;
  }

  private opacity(): string {
    return this.ctx.globalAlpha === 1 ? "" : ` opacity="${short(this.ctx.globalAlpha)}"`;
  }

  private transform(): string {
    const at = this.ctx.getTransform();
    if (at.isIdentity) return "";
    return ` transform="matrix(${[at.a, at.b, at.c, at.d, at.e, at.f].map(short).join(" ")})"`;
  }
}

function rectangle([x = 0, y = 0, width = 0, height = 0]: readonly number[]): string {
  const outline = new Outline();
  outline.rect(x, y, width, height);
  return outline.text;
}

function short(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** Text as it stands between the tags of SVG, or in quotes. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);
}
