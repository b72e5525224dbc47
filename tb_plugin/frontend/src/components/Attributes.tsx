import type { Attribute } from "../model/runs/about";

/** Named attributes, one below the other; `isWide` puts each value below its name. */
export function Attributes({ attributes, isWide }: { attributes: readonly Attribute[]; isWide?: boolean }) {
  if (attributes.length === 0) return null;
  return (
    <dl class={isWide ? "attribute-list attribute-list-wide" : "attribute-list"}>
      {attributes.map(({ name, value, more, exactness }) => (
        <div key={name}>
          <dt>
            {name}
            {exactness !== undefined && (
              <span class={exactness === "exact" ? "exactness" : "exactness exactness-less"}>
                {exactness}
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
