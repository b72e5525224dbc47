import { effectiveNote, type Fact, fitFacts, runFacts, sourceFacts } from "../model/about";
import { useStore } from "./context";

/** What is recorded of a run, beside its curves. */
export function RunTab() {
  const { view } = useStore();
  const run = view.focused.value;
  const info = run === null ? undefined : view.infos.value[run];
  if (run === null || info === undefined) return null;
  const series = view.drawn.value.find((one) => one.name === run)?.overview ?? null;
  const fits = series?.about.fits ?? [];
  return (
    <>
      <Facts facts={runFacts(info, series)} />
      {fits.map((fit, index) => {
        const note = effectiveNote(fit);
        const sources = sourceFacts(fit);
        return (
          <section key={`${fit.start_time} ${fit.fit}`} class="fit">
            {fits.length > 1 && <h3>{`Fit ${index + 1} of ${fits.length}`}</h3>}
            <Facts facts={fitFacts(fit)} />
            {sources.length > 0 && <h3>Where the numbers come from</h3>}
            <Facts facts={sources} wide />
            {note !== null && <p class="aside">{note}</p>}
            {(fit.warnings ?? []).map((warning) => (
              <p key={warning} class="notice">
                {warning}
              </p>
            ))}
          </section>
        );
      })}
      {series !== null && fits.length === 0 && <p class="quiet">Nothing more is recorded of this run.</p>}
    </>
  );
}

function Facts({ facts, wide }: { facts: readonly Fact[]; wide?: boolean }) {
  if (facts.length === 0) return null;
  return (
    <dl class={wide ? "facts-list facts-wide" : "facts-list"}>
      {facts.map(({ name, value, more }) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>
            {value}
            {more?.map((line) => (
              <span key={line} class="setting">
                {line}
              </span>
            ))}
          </dd>
        </div>
      ))}
    </dl>
  );
}
