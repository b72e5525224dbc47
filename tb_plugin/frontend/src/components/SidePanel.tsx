import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect } from "preact/hooks";
import { choosePanel } from "../state/choices";
import { useStore } from "./context";
import { RunTab } from "./RunTab";

interface Tab {
  readonly id: string;
  readonly title: string;
  readonly content: ComponentType;
}

const TABS: readonly [Tab, ...Tab[]] = [{ id: "run", title: "Run", content: RunTab }];

/** Narrower windows start with the panel closed. */
const WIDE = "(min-width: 1200px)";

export function SidePanel() {
  const { choices } = useStore();
  const wide = useMedia(WIDE);
  const current = useSignal(TABS[0].id);
  const open = choices.panelOpen.value ?? wide;
  const tab = TABS.find((one) => one.id === current.value) ?? TABS[0];
  if (!open) {
    return (
      <aside class="panel panel-closed" aria-label="Details">
        <button
          type="button"
          class="panel-rail"
          aria-expanded={false}
          title="Open the details"
          onClick={() => choosePanel(choices, true)}
        >
          <span aria-hidden="true">‹</span> {TABS.map((one) => one.title).join(" · ")}
        </button>
      </aside>
    );
  }
  const Content = tab.content;
  return (
    <aside class="panel" aria-label="Details">
      <div class="tabs" role="tablist">
        {TABS.map((one) => (
          <button
            key={one.id}
            type="button"
            role="tab"
            aria-selected={one.id === tab.id}
            onClick={() => {
              current.value = one.id;
            }}
          >
            {one.title}
          </button>
        ))}
        <button
          type="button"
          class="panel-close"
          aria-expanded={true}
          aria-label="Close the details"
          title="Close the details"
          onClick={() => choosePanel(choices, false)}
        >
          <span aria-hidden="true">›</span>
        </button>
      </div>
      <div class="tab" role="tabpanel" aria-label={tab.title}>
        <Content />
      </div>
    </aside>
  );
}

function useMedia(query: string): boolean {
  const matches = useSignal(window.matchMedia(query).matches);
  useEffect(() => {
    const media = window.matchMedia(query);
    const update = (): void => {
      matches.value = media.matches;
    };
    media.addEventListener("change", update);
    return () => media.removeEventListener("change", update);
  }, [query, matches]);
  return matches.value;
}
