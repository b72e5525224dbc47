import { plural } from "../model/axes/format";
import { slotName } from "../state/series";
import { useStore } from "./context";

/** Notices that are shown; more would leave no room for the charts. */
const SHOWN = 4;

/** Everything that keeps the picture from being complete and exact, as notices. */
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
      {problem !== null && <Lost problem={problem} />}
      {failed.length > 0 && (
        <p class="notice notice-bad" role="alert">
          {failed.slice(0, SHOWN).join(" · ")}
          <button type="button" class="link" data-testid="retry" onClick={() => series.retry()}>
            Try again
          </button>
        </p>
      )}
      {report !== null && !failed.includes(report) && (
        <p class="notice notice-bad" role="alert">
          Findings and markers: {report}
          <button type="button" class="link" data-testid="retry" onClick={() => reports.retry()}>
            Try again
          </button>
        </p>
      )}
      <Sentences notices={notices} />
    </div>
  );
}

/** What keeps range tests from being complete and exact, and the cautions about their suggestions. */
export function SweepNotices() {
  const { runs, rangeTests, sweeps } = useStore();
  const { answer, problem } = runs.list.value;
  const failed = sweeps.names.value.flatMap((name) => {
    const problem = rangeTests.loaded.value.get(name)?.problem ?? null;
    return problem === null ? [] : [sweeps.names.value.length === 1 ? problem : `${name}: ${problem}`];
  });
  const tests = sweeps.tests.value;
  const notices = tests.flatMap(({ name, test }) => {
    const texts = [...test.notices, ...test.cautions.map(({ text }) => text)];
    return tests.length === 1 ? texts : texts.map((text) => `${name}: ${text}`);
  });
  const verdicts = tests.flatMap(({ name, test }) =>
    [test.recognized, test.training?.text ?? null].flatMap((text) =>
      text === null ? [] : [tests.length === 1 ? text : `${name}: ${text}`],
    ),
  );
  const all = [...(answer?.notices ?? []), ...notices];
  if (problem === null && failed.length + all.length + verdicts.length === 0) return null;
  return (
    <div class="notices">
      {problem !== null && <Lost problem={problem} />}
      {failed.length > 0 && (
        <p class="notice notice-bad" role="alert">
          {failed.slice(0, SHOWN).join(" · ")}
          <button type="button" class="link" data-testid="retry" onClick={() => rangeTests.retry()}>
            Try again
          </button>
        </p>
      )}
      {verdicts.slice(0, SHOWN).map((verdict) => (
        <p key={verdict} class="notice notice-plain" data-testid="verdict">
          {verdict}
        </p>
      ))}
      <Sentences notices={all} most={tests.length > 1 ? 1 : SHOWN} />
    </div>
  );
}

function Lost({ problem }: { problem: string }) {
  const { runs } = useStore();
  return (
    <p class="notice notice-bad" role="alert">
      {problem} The page shows the data that was loaded before.
      <button type="button" class="link" data-testid="retry" onClick={() => void runs.reload()}>
        Try again
      </button>
    </p>
  );
}

function Sentences({ notices, most = SHOWN }: { notices: readonly string[]; most?: number }) {
  return (
    <>
      {notices.slice(0, most).map((notice) => (
        <p key={notice} class="notice">
          {notice}
        </p>
      ))}
      {notices.length > most && (
        <details class="notice">
          <summary>{plural(notices.length - most, "more notice")}</summary>
          {notices.slice(most).map((notice) => (
            <p key={notice}>{notice}</p>
          ))}
        </details>
      )}
    </>
  );
}

function useNotices(): readonly string[] {
  const { series, view } = useStore();
  return useRunSentences((run) => [
    ...(view.infos.value.get(run)?.notices ?? []),
    ...(series.loaded.value.get(slotName("overview", run))?.answer?.notices ?? []),
  ]);
}

/** The notices of the drawn runs, each once, with the runs that it is about. */
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
