import { effect, type ReadonlySignal, signal } from "@preact/signals";

/** The signal's value once it has rested for `milliseconds`; the first value at once. */
export function settled<T>(input: ReadonlySignal<T>, milliseconds: number): ReadonlySignal<T> {
  const result = signal(input.peek());
  let timer = 0;
  effect(() => {
    const value = input.value;
    window.clearTimeout(timer);
    if (value === result.peek()) return;
    timer = window.setTimeout(() => {
      result.value = value;
    }, milliseconds);
  });
  return result;
}
