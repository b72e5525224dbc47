/** How strongly the loss is smoothed by default. */

/** Weights of the average, from the weakest on; each averages over about 1 / (1 - weight) steps. */
const WEIGHTS = [0.6, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.998, 0.999] as const;

/** So many pixels are averaged over, where a pixel holds more steps than `FEW`. */
const PIXELS = 5;
const FEW = 2;

/** Whether so many steps lie in a pixel that they are drawn as an area. */
export function isDense(steps: number, pixels: number): boolean {
  return pixels > 0 && steps / pixels > FEW;
}

/**
 * The smoothing that makes a line of so many steps readable in so many pixels: 0.6, as in TensorBoard's other
 * dashboards, while a pixel holds a step or two; else over the steps of a few pixels. It takes one of a few values, so
 * that a small change of what is seen leaves the line as it is.
 */
export function autoSmoothing(steps: number, pixels: number): number {
  const density = pixels > 0 ? steps / pixels : 0;
  if (density <= FEW) return WEIGHTS[0];
  const averaged = PIXELS * density;
  return WEIGHTS.findLast((weight) => 1 / (1 - weight) <= averaged * (1 + 1e-9)) ?? WEIGHTS[0];
}
