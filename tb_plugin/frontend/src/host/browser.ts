/** Copies the text to the clipboard; false where the browser does not let us. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Without https or localhost there is no clipboard: TensorBoard on another machine is the usual case.
    return copyBySelection(text);
  }
}

function copyBySelection(text: string): boolean {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  field.style.opacity = "0";
  document.body.append(field);
  field.select();
  const copied = document.execCommand("copy");
  field.remove();
  return copied;
}

export function download(name: string, address: string): void {
  const anchor = document.createElement("a");
  anchor.href = address;
  anchor.download = name;
  anchor.click();
}

export function downloadBlob(name: string, blob: Blob): void {
  const address = URL.createObjectURL(blob);
  download(name, address);
  window.setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** A setting that outlives the page; browsers that forbid storage keep none. */
export function remembered(key: string): string | null {
  try {
    return window.localStorage.getItem(`lrmon.${key}`);
  } catch {
    return null;
  }
}

export function remember(key: string, value: string): void {
  try {
    window.localStorage.setItem(`lrmon.${key}`, value);
  } catch {
    // Nothing depends on it.
  }
}

/** Reports whether the media query matches, now and whenever that changes. */
export function watchMedia(query: string, report: (matches: boolean) => void): void {
  const media = window.matchMedia(query);
  media.addEventListener("change", () => report(media.matches));
  report(media.matches);
}

/** About how many pixels a letter of a name takes in the element's font. */
export function letterWidth(element: Element): number {
  const context = document.createElement("canvas").getContext("2d");
  if (context === null) return 8;
  context.font = getComputedStyle(element).font;
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  return (1.1 * context.measureText(letters).width) / letters.length;
}
