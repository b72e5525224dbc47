import type { Fit } from "../api/types";
import {
  effectiveNote,
  factorsOf,
  fitAttributes,
  optimizerAttributes,
  provenanceAttributes,
  runAttributes,
} from "../model/runs/about";
import { Attributes } from "./Attributes";
import { useStore } from "./context";

/** What is recorded of a run, beside its curves. */
export function RunTab() {
  const { view } = useStore();
  const run = view.focused.value;
  const info = run === null ? undefined : view.infos.value.get(run);
  if (run === null || info === undefined) return null;
  const series = view.drawn.value.find(({ name }) => name === run)?.overview ?? null;
  const fits = series?.about.fits ?? [];
  const updates = series?.about.updates ?? new Map<string, string>();
  return (
    <>
      <Attributes attributes={runAttributes(info, series)} />
      <Shape />
      {fits.map((fit, index) => {
        const optimizers = optimizerAttributes(fit, updates);
        const provenance = provenanceAttributes(fit);
        return (
          <section key={`${fit.start_time} ${fit.fit}`} class="fit">
            {fits.length > 1 && <h3>{`Fit ${index + 1} of ${fits.length}`}</h3>}
            <Attributes attributes={fitAttributes(fit, updates)} />
            {optimizers.length > 0 && <h3>Optimizers</h3>}
            <Attributes attributes={optimizers} isWide />
            {provenance.length > 0 && <h3>Where the numbers come from</h3>}
            <Attributes attributes={provenance} isWide />
            <Effective fit={fit} />
            {(fit.warnings ?? []).map((warning) => (
              <p key={warning} class="notice">
                {warning}
              </p>
            ))}
          </section>
        );
      })}
      {series !== null && fits.length === 0 && <p class="quiet">No settings are recorded for this run.</p>}
    </>
  );
}

/** By which rule the learning rate changes, and what is easily misread. */
function Shape() {
  const report = useStore().view.report.value;
  if (report === null) return null;
  const { summary, explanation } = report.lr;
  return (
    <>
      <Attributes attributes={[{ name: "learning rate", value: summary }]} isWide />
      {explanation !== null && <p class="aside">{explanation}</p>}
    </>
  );
}

/** The factors of the effective learning rate, and how to read the number. */
function Effective({ fit }: { fit: Fit }) {
  const factors = factorsOf(fit);
  const note = effectiveNote(fit);
  if (factors.length === 0 && note === null) return null;
  return (
    <>
      <h3>Effective LR, explained</h3>
      {factors.length > 0 && (
        <dl class="factors">
          {factors.map(({ name, formula }, index) => (
            <div key={name}>
              <dt>
                {index > 0 && <span aria-hidden="true">× </span>}
                {name}
              </dt>
              <dd>{formula}</dd>
            </div>
          ))}
        </dl>
      )}
      {note !== null && <p class="aside">{note}</p>}
    </>
  );
}
