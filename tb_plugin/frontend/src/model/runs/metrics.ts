/** Epoch metrics: which there are, which share the loss's axis, which are shown by default. */

/** A metric in the unit of the loss, so that it may share its axis. */
export function isLossLike(metric: string): boolean {
  return /(^|_)loss$/.test(metric);
}

export function defaultMetrics(metrics: readonly string[], hasBatchLoss: boolean): readonly string[] {
  if (metrics.includes("val_loss")) return ["val_loss"];
  const losses = metrics.filter(isLossLike);
  const validation = losses.filter((metric) => metric.startsWith("val_"));
  if (validation.length > 0) return validation;
  // Keras' loss of an epoch is the mean of the batches' losses, which are drawn already.
  return hasBatchLoss ? [] : losses;
}

/** All metrics of the runs, in the order of their first appearance. */
export function allMetrics(metric_names: readonly (readonly string[])[]): readonly string[] {
  return [...new Set(metric_names.flat())];
}
