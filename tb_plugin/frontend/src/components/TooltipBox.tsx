import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";
import { shortName } from "../model/axes/format";
import { partOf } from "../model/axes/ranges";
import type { PaneId } from "../model/panes/pane";
import type { Stage } from "../state/stage";
import type { PlotBox } from "./Pane";

const DISTANCE = 18;
const MARGIN = 8;
/** Characters of a name that have room beside its value. */
export const LONGEST = 26;

interface Properties {
  readonly stage: Stage;
  readonly pane: PaneId;
  readonly box: PlotBox;
  /** Of the mark under the pointer. */
  readonly sentence: string | null;
  readonly children: () => ComponentChildren;
}

/** The tooltip beside the cursor of a pane, inside of the window; nothing while the cursor is elsewhere. */
export function TooltipBox({ stage, pane, box, sentence, children }: Properties) {
  const root = useRef<HTMLDivElement>(null);
  const cursor = stage.cursor.value;
  const readings = stage.readings.value;
  const open = cursor !== null && cursor.pane === pane && readings.length > 0;

  useLayoutEffect(() => {
    const element = root.current;
    if (element === null || cursor === null) return;
    const [only] = readings;
    const at = partOf(readings.length === 1 && only !== undefined ? only.x : cursor.x, stage.range.value);
    const pane = element.parentElement?.getBoundingClientRect() ?? { left: 0, top: 0 };
    const x = pane.left + box.left + Math.min(Math.max(at, 0), 1) * box.width;
    const y = pane.top + box.top + (1 - (cursor.y ?? 0.7)) * box.height;
    const { offsetWidth: width, offsetHeight: height } = element;
    // Beside the cursor, on the right while there is room, and inside the window.
    const [before, behind] = [x - DISTANCE - width, x + DISTANCE];
    const room = window.innerWidth - MARGIN - width;
    const left = behind <= room || before < MARGIN ? Math.min(behind, room) : before;
    const top = Math.min(Math.max(y - height / 2, MARGIN), window.innerHeight - height - MARGIN);
    element.style.transform = `translate(${Math.round(left)}px, ${Math.round(top)}px)`;
  });

  if (!open) return null;
  return (
    <div class="tooltip" ref={root} aria-hidden="true" data-testid="tooltip">
      {sentence !== null && (
        <p class="mark" data-testid="mark">
          {sentence}
        </p>
      )}
      {children()}
    </div>
  );
}

export function TooltipName({ color, label }: { color: string; label: string }) {
  return (
    <th scope="row">
      <span class="swatch" style={{ "--swatch": color }} />
      <span class="name">{shortName(label, LONGEST)}</span>
    </th>
  );
}
