import type { Exactness } from "../api/types";
import type { Fact } from "../model/runs/about";

const EXACTNESS: Readonly<Record<Exactness, string>> = {
  exact: "exact",
  bounded: "within a bound",
  unavailable: "unavailable",
};

/** Named facts, one below the other; `wide` puts each value below its name. */
export function Facts({ facts, wide }: { facts: readonly Fact[]; wide?: boolean }) {
  if (facts.length === 0) return null;
  return (
    <dl class={wide ? "facts-list facts-wide" : "facts-list"}>
      {facts.map(({ name, value, more, exactness }) => (
        <div key={name}>
          <dt>
            {name}
            {exactness !== undefined && (
              <span class={exactness === "exact" ? "exactness" : "exactness exactness-less"}>
                {EXACTNESS[exactness]}
              </span>
            )}
          </dt>
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
