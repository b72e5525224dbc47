import { plural } from "../model/format";
import { slotName } from "../state/series";
import { useStore } from "./context";

/** Notices that are shown; more would leave no room for the charts. */
const SHOWN = 4;

/** Everything that makes the picture less than the whole truth, in words. */
export function Notices() {
  const { runs, series, reports } = useStore();
  const { answer, problem } = runs.list.value;
  const failed = useRunSentences((run) => [
    series.loaded.value.get(slotName("overview", run))?.problem ?? null,
    series.loaded.value.get(slotName("detail", run))?.problem ?? null,
  ]);
  const report = reports.loaded.value?.problem ?? null;
  const notices = [...(answer?.notices ?? []), ...useNotices()];
  if (problem === null && failed.length === 0 && report === null && notices.length === 0) return null;
  return (
    <div class="notices">
      {problem !== null && (
        <p class="notice notice-bad" role="alert">
          {problem} What you see was loaded before.
          <button type="button" class="link" onClick={() => void runs.reload()}>
            Try again
          </button>
        </p>
      )}
      {failed.length > 0 && (
        <p class="notice notice-bad" role="alert">
          {failed.slice(0, SHOWN).join(" · ")}
          <button type="button" class="link" onClick={() => series.retry()}>
            Try again
          </button>
        </p>
      )}
      {report !== null && !failed.includes(report) && (
        <p class="notice notice-bad" role="alert">
          Findings and markers: {report}
          <button type="button" class="link" onClick={() => reports.retry()}>
            Try again
          </button>
        </p>
      )}
      {notices.slice(0, SHOWN).map((notice) => (
        <p key={notice} class="notice">
          {notice}
        </p>
      ))}
      {notices.length > SHOWN && (
        <p class="notice" title={notices.slice(SHOWN).join("\n")}>
          {plural(notices.length - SHOWN, "more notice")}
        </p>
      )}
    </div>
  );
}

function useNotices(): readonly string[] {
  const { series, view } = useStore();
  return useRunSentences((run) => [
    ...(view.infos.value[run]?.notices ?? []),
    ...(series.loaded.value.get(slotName("overview", run))?.series?.notices ?? []),
  ]);
}

/** What is to be said of the drawn runs, each sentence once, with the runs that it is about. */
function useRunSentences(sentences: (run: string) => readonly (string | null)[]): readonly string[] {
  const shown = useStore().view.shown.value;
  const about = new Map<string, Set<string>>();
  for (const run of shown) {
    for (const sentence of sentences(run)) {
      if (sentence !== null) about.set(sentence, (about.get(sentence) ?? new Set()).add(run));
    }
  }
  return [...about].map(([sentence, runs]) => {
    if (shown.length === 1) return sentence;
    const [first = ""] = runs;
    return `${runs.size === 1 ? first : plural(runs.size, "run")}: ${sentence}`;
  });
}
