/** One of a few values, as a row of buttons; radio buttons to the keyboard and to screen readers. */

interface Option<T extends string> {
  readonly value: T;
  readonly label: string;
  /** Why it cannot be chosen, null where it can. */
  readonly disabled?: string | null;
}

interface Properties<T extends string> {
  readonly label: string;
  readonly name: string;
  readonly value: T;
  readonly options: readonly Option<T>[];
  readonly small?: boolean;
  readonly onChange: (value: T) => void;
}

export function Segmented<T extends string>({ label, name, value, options, small, onChange }: Properties<T>) {
  return (
    <fieldset class={`segmented${small ? " segmented-small" : ""}`}>
      <legend class="unseen">{label}</legend>
      {options.map((option) => (
        <label key={option.value} title={option.disabled ?? undefined}>
          <input
            type="radio"
            name={name}
            value={option.value}
            checked={option.value === value}
            disabled={option.disabled != null}
            onChange={() => onChange(option.value)}
          />
          <span>{option.label}</span>
        </label>
      ))}
    </fieldset>
  );
}
