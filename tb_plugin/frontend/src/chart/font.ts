/** Of everything that is written on a chart. */
export const FONT =
  '11.5px system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif';

export const SMALL_FONT = FONT.replace(/^[\d.]+/, "11");
