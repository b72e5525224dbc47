import type {
  Columned,
  Columns,
  Epochs,
  Extent,
  Range,
  RunInfo,
  Runs,
  Samples,
  Series,
  Value,
} from "./types";

/** The answer is not what this page expects: another version of lrmon, or something between it and the page. */
export class UnexpectedAnswer extends Error {}

type Json = Record<string, unknown>;

const NON_FINITE: ReadonlyMap<string, number> = new Map([
  ["NaN", Number.NaN],
  ["Infinity", Number.POSITIVE_INFINITY],
  ["-Infinity", Number.NEGATIVE_INFINITY],
]);

/** The number that stands in JSON as a number or as one of the strings NaN, Infinity and -Infinity; null else. */
export function decodeValue(value: unknown): Value {
  if (typeof value === "number") return value;
  if (typeof value === "string") return NON_FINITE.get(value) ?? null;
  return null;
}

export function decodeRuns(answer: unknown): Runs {
  const body = object(answer, "runs");
  const runs = named(object(body.runs, "runs.runs"), (info, name): RunInfo => {
    const run = object(info, `runs.runs[${name}]`) as unknown as RunInfo;
    return {
      ...run,
      severity: run.severity ?? null,
      metric_names: run.metric_names ?? [],
      notices: run.notices ?? [],
      sparkline: decodeColumn(run.sparkline ?? [], "sparkline"),
    };
  });
  return { version: String(body.version ?? ""), notices: strings(body.notices), runs };
}

export function decodeSeries(answer: unknown): Series {
  const body = object(answer, "series");
  const raw = object(body.columns, "columns");
  const step = decodeColumn(raw.step, "step") as readonly number[];
  const column = (name: keyof Columns): readonly Value[] => alignedColumn(raw[name], name, step);
  const columns: Columns = {
    step,
    epoch: column("epoch"),
    time: column("time"),
    learning_rate: column("learning_rate"),
    effective_learning_rate: column("effective_learning_rate"),
    loss: column("loss"),
    loss_smoothed: column("loss_smoothed"),
  };
  const extent = object(body.extent, "extent");
  return {
    run: String(body.run),
    version: String(body.version),
    steps: Number(body.steps),
    points: Number(body.points),
    every_step: body.every_step === true,
    complete: body.complete === true,
    columns,
    learning_rates: byName(body.learning_rates, step),
    updates: byName(body.updates, step),
    skipped: decodeSkipped(body.skipped),
    samples: body.samples == null ? null : decodeSamples(body.samples),
    epochs: decodeEpochs(body.epochs),
    extent: {
      step: range(extent.step),
      epoch: range(extent.epoch),
      time: range(extent.time),
    } satisfies Extent,
    about: decodeAbout(body.about),
    notices: strings(body.notices),
  };
}

function decodeSkipped(answer: unknown): Series["skipped"] {
  if (answer == null) return { step: [], total: 0 };
  const body = object(answer, "skipped");
  const step = decodeColumn(body.step, "skipped.step") as readonly number[];
  return { step, total: Number(body.total ?? step.length) };
}

function decodeSamples(answer: unknown): Samples {
  const body = object(answer, "samples");
  const step = decodeColumn(body.step, "samples.step") as readonly number[];
  const sizes = body.step_size;
  return {
    step,
    quantiles: decodeColumn(body.quantiles, "samples.quantiles") as readonly number[],
    step_size: Array.isArray(sizes)
      ? sizes.map((column) => alignedColumn(column, "samples.step_size", step))
      : null,
    update_to_weight: byName(body.update_to_weight, step),
    sampled: decodeValue(body.sampled),
    parameters: decodeValue(body.parameters),
    every: decodeValue(body.every),
    total: Number(body.total ?? step.length),
  };
}

function byName(answer: unknown, step: readonly number[]): Columned {
  return named(answer ?? {}, (values, name) => alignedColumn(values, name, step));
}

/** The members of an object whose names are anybody's, each as `decode` has it. */
export function named<T>(
  members: unknown,
  decode: (value: unknown, name: string) => T,
): ReadonlyMap<string, T> {
  return new Map(Object.entries(members as Json).map(([name, value]) => [name, decode(value, name)]));
}

function decodeEpochs(answer: unknown): Epochs {
  const body = object(answer, "epochs");
  const metrics = named(object(body.metrics, "epochs.metrics"), decodeColumn);
  return {
    epoch: decodeColumn(body.epoch, "epochs.epoch") as readonly number[],
    position: decodeColumn(body.position, "epochs.position") as readonly number[],
    first_step: decodeColumn(body.first_step, "epochs.first_step") as readonly number[],
    last_step: decodeColumn(body.last_step, "epochs.last_step") as readonly number[],
    time: decodeColumn(body.time, "epochs.time"),
    metrics,
  };
}

export function decodeAbout(answer: unknown): Series["about"] {
  const body = object(answer, "about");
  return {
    provenance: body.provenance === "scalars" ? "scalars" : "lrmon",
    state: (body.state ?? null) as Series["about"]["state"],
    updates: named(body.updates ?? {}, String),
    fits: Array.isArray(body.fits) ? body.fits : [],
  };
}

export function alignedColumn(values: unknown, name: string, step: readonly number[]): readonly Value[] {
  const column = decodeColumn(values, name);
  if (column.length !== step.length) {
    throw new UnexpectedAnswer(`column ${name} has ${column.length} values, step has ${step.length}`);
  }
  return column;
}

export function decodeColumn(values: unknown, name: string): readonly Value[] {
  if (!Array.isArray(values)) throw new UnexpectedAnswer(`column ${name} is missing`);
  return values.map(decodeValue);
}

function range(value: unknown): Range | null {
  if (!Array.isArray(value)) return null;
  const [start, end] = [decodeValue(value[0]), decodeValue(value[1])];
  return start === null || end === null ? null : [start, end];
}

export function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function object(value: unknown, name: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnexpectedAnswer(`${name} is missing`);
  }
  return value as Json;
}
