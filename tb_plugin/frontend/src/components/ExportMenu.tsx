import { type LegendEntry, picturePng, pictureSvg } from "../chart/picture";
import { download, downloadBlob } from "../host/browser";
import { formatCoverage } from "../model/runs/status";
import type { Store } from "../state/store";
import { drawnChart } from "./charts";
import { useStore } from "./context";
import { legendOf } from "./legends";
import { Popover } from "./Popover";

/** Runs that the menu lists by name; more would not fit. */
const LISTED = 8;

export function ExportMenu() {
  const store = useStore();
  const { view, routes } = store;
  const runs = view.listed.value.slice(0, LISTED);

  const savePicture = async (format: "png" | "svg"): Promise<void> => {
    const svg = pictureOf(store);
    const blob = format === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await picturePng(svg);
    if (blob === null) store.say("The browser could not make the picture.");
    else downloadBlob(`${fileName(view.listed.value)}.${format}`, blob);
  };

  return (
    <Popover label="Export">
      {(close) => (
        <ul class="menu">
          {(["png", "svg"] as const).map((format) => (
            <li key={format}>
              <button
                type="button"
                onClick={() => {
                  close();
                  void savePicture(format);
                }}
              >
                Picture of the charts <small>{format.toUpperCase()}</small>
              </button>
            </li>
          ))}
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

/** The charts with title, runs and legends, as SVG. */
function pictureOf(store: Store): string {
  const { view } = store;
  const shown = view.listed.value;
  const trainings = view.kind.value === "training";
  const panes = (trainings ? view : store.sweeps).panes.value;
  const entries: LegendEntry[] = shown.map((run) => ({
    label: run,
    color: view.runColor.value(run),
    drawn: "run",
    alpha: 1,
  }));
  return pictureSvg({
    title: shown.length === 1 ? (shown[0] as string) : `${shown.length} runs`,
    subtitle: trainings
      ? [formatCoverage(view.coverage.value), ruleOf(store)].filter((part) => part !== null).join(" · ")
      : "learning-rate range test",
    runs: shown.length === 1 ? [] : entries,
    parts: panes.flatMap(({ id }) => {
      const chart = drawnChart(id);
      // What is hidden by its entry is not in the picture.
      const legend = legendOf(store, id).filter(({ hidden }) => !hidden);
      return chart === null ? [] : [{ ...chart, legend }];
    }),
    theme: view.theme.value,
  });
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
