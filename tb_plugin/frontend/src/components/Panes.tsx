import { FUSE_ROOM } from "../chart/marks";
import { valueAt } from "../model/axes/ranges";
import type { ScaleKind } from "../model/axes/scale";
import { epochSpans } from "../model/marks/epochs";
import { formatCoverage } from "../model/runs/status";
import { toggleHidden } from "../state/choices";
import type { TrainingPane } from "../state/navigation";
import { shareOf } from "../state/sizes";
import type { Store } from "../state/store";
import { useStore } from "./context";
import { LayerChooser } from "./LayerChooser";
import { Legend } from "./Legend";
import { legendOf } from "./legends";
import { MetricChooser } from "./MetricChooser";
import { Pane, type PlotBox } from "./Pane";
import { Segmented } from "./Segmented";
import { PaneSplitter } from "./Splitter";
import { WaitingForData } from "./States";
import { Spoken, Tooltip } from "./Tooltip";

export function Panes() {
  const { view } = useStore();
  const sampled = view.layersPane.value !== null;
  return (
    <div class={sampled ? "panes panes-three" : "panes"}>
      <Card pane="lr" title={TITLES.lr} />
      {sampled && <Between above="lr" below="layers" />}
      {sampled && <Card pane="layers" title={TITLES.layers} />}
      <Between above={sampled ? "layers" : "lr"} below="loss" />
      <Card pane="loss" title={TITLES.loss} />
      <Spoken />
    </div>
  );
}

const TITLES = {
  lr: "Learning rate",
  layers: "Updates of each layer",
  loss: "Loss and epoch metrics",
} as const;

/** The boundary between two cards; it can be moved where both are open. */
function Between({ above, below }: { above: TrainingPane; below: TrainingPane }) {
  const open = useStore().view.panes.value.map(({ id }) => id);
  return open.includes(above) && open.includes(below) ? (
    <PaneSplitter above={above} below={below} />
  ) : (
    <div class="between" />
  );
}

function Card({ pane, title }: { pane: TrainingPane; title: string }) {
  const store = useStore();
  const { view, trainings, choices, plotWidth, sizes } = store;
  const paneView = view.panes.value.find(({ id }) => id === pane);
  // Of the layers the head alone may be there.
  const open = paneView !== undefined;
  return (
    <section
      class={`card card-${pane}${open ? "" : " card-folded"}`}
      aria-label={title}
      {...(open ? { "data-share": pane, style: { flexGrow: shareOf(sizes.value, pane) } } : {})}
    >
      <div class="card-head">
        <Legend
          items={legendOf(store, pane)}
          notes={paneView?.notes ?? []}
          caption={pane === "layers" && open ? "‖Δw‖ / ‖w‖" : null}
        />
        <div class="card-tools">
          {pane === "lr" && <EpochsOf />}
          {pane === "lr" && <Coverage />}
          {pane === "loss" && <MetricChooser />}
          {pane === "layers" && open && <LayerChooser />}
          {open && <Scale pane={pane} kind={paneView.left.kind} />}
          {(pane === "layers" || (pane === "lr" && (!open || view.constantLRs.value !== null))) && (
            <button
              type="button"
              class="button button-small"
              data-testid="fold"
              aria-expanded={open}
              aria-label={`${open ? "Hide" : "Show"}: ${title}`}
              onClick={() => {
                if (pane === "layers") toggleHidden(choices, "layers");
                else choices.lrPane.value = open ? "folded" : "open";
              }}
            >
              {open ? "hide" : "show"}
            </button>
          )}
        </div>
      </div>
      {open && (
        <Pane
          stage={trainings}
          pane={pane}
          title={title}
          {...(pane === "loss" ? { plotWidth } : {})}
          {...(pane === "loss" ? { onPointer: (event, box) => onFuse(store, event, box) } : {})}
        >
          {(box) => (
            <>
              {view.drawn.value.length === 0 && <WaitingForData />}
              <Tooltip pane={pane} box={box} />
            </>
          )}
        </Pane>
      )}
    </section>
  );
}

const SCALES = { lr: "learning rate", layers: "updates", loss: "loss" } as const;

function Scale({ pane, kind }: { pane: TrainingPane; kind: ScaleKind }) {
  const { navigation } = useStore();
  return (
    <Segmented
      small
      label={`Scale of the ${SCALES[pane]}`}
      name={`scale-${pane}`}
      value={kind}
      options={[
        { value: "linear", label: "linear" },
        { value: "log", label: "log" },
      ]}
      onChange={(chosen) => navigation.setScale(pane, chosen)}
    />
  );
}

/** The strip of the wait lies below the plot, which hears nothing of the pointer there. */
function onFuse({ view, navigation }: Store, event: PointerEvent, box: PlotBox): void {
  const fuse = view.marks.value?.fuse ?? [];
  const bounds = (event.currentTarget as HTMLElement).getBoundingClientRect();
  if (fuse.length === 0 || event.buttons !== 0) return;
  const { left, top, width, height } = box;
  const [x, y] = [event.clientX - bounds.left - left, event.clientY - bounds.top - top];
  if (y <= height) return;
  const at = valueAt(x / width, view.range.value);
  const cell =
    x >= 0 && x <= width && y > height + FUSE_ROOM - 2
      ? fuse.find((cell) => at >= cell.start && at < cell.end)
      : undefined;
  navigation.hover("loss", cell === undefined ? null : { x: x / width, y: 0 });
  view.pointed.value = cell === undefined ? null : { pane: "loss", sentence: cell.sentence, range: null };
}

/** How much of the runs is in the picture, and the way back to all of it. */
function Coverage() {
  const { view, choices, navigation } = useStore();
  if (view.drawn.value.length === 0) return null;
  return (
    <>
      <p class="quiet-note" data-testid="coverage">
        {formatCoverage(view.coverage.value)}
      </p>
      {choices.isZoomed.value && (
        <button
          type="button"
          class="button button-small button-accent"
          data-testid="reset-zoom"
          onClick={() => navigation.reset()}
          title="Show the whole run (Esc or double-click)"
        >
          reset zoom
        </button>
      )}
    </>
  );
}

/** With several runs the hairlines are the first one's, unless the x axis counts epochs. */
function EpochsOf() {
  const { view, choices } = useStore();
  const [first, ...others] = view.drawn.value;
  if (first === undefined || others.length === 0 || choices.axis.value === "epoch") return null;
  const { epochs } = view.lrPane.value;
  const isSame = others.every(
    (run) => JSON.stringify(epochSpans(run.overview, choices.axis.value)) === JSON.stringify(epochs),
  );
  if (isSame || epochs.length === 0) return null;
  return <p class="quiet-note">epochs of {first.name}</p>;
}
