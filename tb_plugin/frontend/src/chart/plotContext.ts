import type uPlot from "uplot";

/** The picture's context in pixels of the plot, as the layout has them. */
export function inPlot(plot: uPlot, clipped: boolean, draw: (ctx: CanvasRenderingContext2D) => void): void {
  const { ctx, bbox } = plot;
  const ratio = devicePixelRatio;
  ctx.save();
  if (clipped) {
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
  }
  ctx.translate(bbox.left, bbox.top);
  ctx.scale(ratio, ratio);
  draw(ctx);
  ctx.restore();
}

export function line(ctx: CanvasRenderingContext2D, x0: number, y0: number, x1: number, y1: number): void {
  ctx.beginPath();
  ctx.moveTo(x0, y0);
  ctx.lineTo(x1, y1);
  ctx.stroke();
}

/** Text with a halo in the color of the card, so that it stays readable above a line. */
export function haloText(
  ctx: CanvasRenderingContext2D,
  label: { readonly text: string; readonly left: number; readonly top: number; readonly height: number },
  color: string,
  card: string,
): void {
  const y = label.top + label.height / 2;
  ctx.strokeStyle = card;
  ctx.lineWidth = 3;
  ctx.lineJoin = "round";
  ctx.strokeText(label.text, label.left, y);
  ctx.fillStyle = color;
  ctx.fillText(label.text, label.left, y);
}
