import type { LinkValues } from "../model/link/fields";
import { hashValues, isAnotherShown, linkAddress } from "../model/link/link";

/** TensorBoard's page around ours: its experimental messages to a plugin in a frame, and its document. */

interface Message {
  readonly type: string;
  readonly id: number;
  readonly payload: unknown;
  readonly error: string | null;
  readonly isReply: boolean;
}

export interface Host {
  /** The values of the link that the page was opened with, by their names after `p.lrmon.`. */
  linkValues(): Promise<Record<string, string>>;
  /**
   * Puts the values into the address, without a new entry in the history, and returns whether they are there.
   * TensorBoard offers no message for that, so this reaches for its window, which lets us as long as it comes from the
   * same server. While another of its tabs is open the address is not ours.
   */
  showLink(values: LinkValues): boolean;
  onDataReloaded(listener: () => void): void;
  onLinkChanged(listener: () => void): void;
}

/** How long TensorBoard may take to answer; a page that embeds the frame in another way never does. */
const PATIENCE_MS = 2000;

export function connect(): Host {
  const parent = window.parent;
  if (parent === window) return ALONE;
  const channel = new MessageChannel();
  const port = channel.port1;
  const waiting = new Map<number, (payload: unknown) => void>();
  const reloaded: (() => void)[] = [];
  let next = 0;

  port.onmessage = (event: MessageEvent<string>) => {
    const message = JSON.parse(event.data) as Message;
    if (message.isReply) {
      waiting.get(message.id)?.(message.error === null ? message.payload : null);
      waiting.delete(message.id);
      return;
    }
    if (message.type === "experimental.DataReloaded") for (const listener of reloaded) listener();
    // TensorBoard awaits an answer to each of its messages.
    port.postMessage(
      JSON.stringify({ ...message, payload: null, error: null, isReply: true } satisfies Message),
    );
  };
  parent.postMessage("experimental.bootstrap", "*", [channel.port2]);

  const ask = (type: string): Promise<unknown> =>
    new Promise((resolve) => {
      const id = next++;
      waiting.set(id, resolve);
      window.setTimeout(() => resolve(null), PATIENCE_MS);
      port.postMessage(
        JSON.stringify({ type, id, payload: null, error: null, isReply: false } satisfies Message),
      );
    });

  return {
    linkValues: async () => {
      // TensorBoard up to 2.21 answers with nothing until the hash changes for the first time: look for ourselves.
      const values = hashValues(ofParent((window) => window.location.hash) ?? "");
      if (Object.keys(values).length > 0) return values;
      return { ...((await ask("experimental.GetURLPluginData")) as Record<string, string> | null) };
    },
    showLink,
    onDataReloaded: (listener) => reloaded.push(listener),
    onLinkChanged: (listener) => ofParent((window) => window.addEventListener("hashchange", listener)),
  };
}

/** The page opened by itself, outside of TensorBoard's: the link is its own. */
const ALONE: Host = {
  linkValues: async () => hashValues(window.location.hash),
  showLink,
  onDataReloaded: () => {},
  onLinkChanged: (listener) => window.addEventListener("hashchange", listener),
};

function showLink(values: LinkValues): boolean {
  const shown = ofParent(({ location, history }) => {
    if (isAnotherShown(location.hash)) return false;
    const address = linkAddress(location.href, values);
    if (address !== location.href) history.replaceState(history.state, "", address);
    return true;
  });
  return shown === true;
}

/** The address of TensorBoard's page, of our own where that cannot be read. */
export function pageAddress(): string {
  return ofParent((window) => window.location.href) ?? window.location.href;
}

/** Reports whether everything around us is dark: as TensorBoard's page is, else as the system prefers. */
export function watchDark(report: (dark: boolean) => void): void {
  const body = ofParent((parent) => (parent === window ? null : parent.document.body));
  if (body) {
    const read = (): void => report(body.classList.contains("dark-mode"));
    new MutationObserver(read).observe(body, { attributes: true, attributeFilter: ["class"] });
    read();
    return;
  }
  const preference = window.matchMedia("(prefers-color-scheme: dark)");
  preference.addEventListener("change", () => report(preference.matches));
  report(preference.matches);
}

/** What `read` returns of the parent window, undefined where another origin forbids it. */
function ofParent<T>(read: (window: Window) => T): T | undefined {
  try {
    return read(window.parent);
  } catch {
    return undefined;
  }
}
