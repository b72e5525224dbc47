import { type LegendEntry, renderPicture } from "../chart/picture";
import { download, downloadBlob } from "../host/browser";
import { formatCoverage } from "../model/status";
import type { Store } from "../state/store";
import { chartCanvases } from "./charts";
import { useStore } from "./context";
import { legendOf } from "./legends";
import { Popover } from "./Popover";

/** Runs that the menu lists by name; more would not fit. */
const LISTED = 8;

export function ExportMenu() {
  const store = useStore();
  const { view, routes } = store;
  const runs = view.listed.value.slice(0, LISTED);

  const savePicture = async (): Promise<void> => {
    const canvases = chartCanvases();
    const shown = view.listed.value;
    const trainings = view.kind.value === "training";
    const panes = (trainings ? view : store.sweeps).panes.value;
    const entries: LegendEntry[] = shown.map((run) => ({
      label: run,
      colour: view.runColour.value(run),
      drawn: "run",
      alpha: 1,
    }));
    const blob = await renderPicture({
      title: shown.length === 1 ? (shown[0] as string) : `${shown.length} runs`,
      subtitle: trainings
        ? [formatCoverage(view.coverage.value), ruleOf(store)].filter((part) => part !== null).join(" · ")
        : "learning-rate range test",
      runs: shown.length === 1 ? [] : entries,
      parts: panes.flatMap(({ id }) => {
        const canvas = canvases[id];
        return canvas === undefined ? [] : [{ canvas, legend: legendOf(store, id) }];
      }),
      theme: view.theme.value,
    });
    if (blob === null) store.say("The browser could not make the picture.");
    else downloadBlob(`${fileName(shown)}.png`, blob);
  };

  return (
    <Popover label="Export">
      {(close) => (
        <ul class="menu">
          <li>
            <button
              type="button"
              onClick={() => {
                close();
                void savePicture();
              }}
            >
              Picture of the charts <small>PNG</small>
            </button>
          </li>
          {runs.flatMap((run) =>
            (["csv", "json"] as const).map((format) => (
              <li key={`${run} ${format}`}>
                <button
                  type="button"
                  title={`Every step of ${run}`}
                  onClick={() => {
                    close();
                    download(`${fileName([run])}.${format}`, routes.exportAddress(run, format));
                  }}
                >
                  {runs.length === 1 ? "Every step of the run" : run} <small>{format.toUpperCase()}</small>
                </button>
              </li>
            )),
          )}
          {view.listed.value.length > LISTED && (
            <li class="menu-more">Select fewer runs to export others.</li>
          )}
        </ul>
      )}
    </Popover>
  );
}

/** The rule that plateaus are drawn by. */
function ruleOf({ view }: Store): string | null {
  if ((view.marks.value?.bands.length ?? 0) === 0) return null;
  return view.report.value?.plateaus.code?.replace(/^.*?callbacks\./, "") ?? null;
}

function fileName(runs: readonly string[]): string {
  const name = runs.length === 1 ? (runs[0] as string) : `${runs.length} runs`;
  return `lrmon ${name}`.replace(/[^\w.-]+/g, "-");
}
