import type { Columns, Epochs, Extent, Range, RunInfo, Runs, Series, Value } from "./types";

/** The answer is not what this page expects: another version of lrmon, or something between it and the page. */
export class UnexpectedAnswer extends Error {}

type Json = Record<string, unknown>;

const NON_FINITE: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** The number that stands in JSON as a number or as one of the strings NaN, Infinity and -Infinity; null else. */
export function decodeValue(value: unknown): Value {
  if (typeof value === "number") return value;
  if (typeof value === "string") return NON_FINITE[value] ?? null;
  return null;
}

export function decodeRuns(answer: unknown): Runs {
  const body = object(answer, "runs");
  const runs: Record<string, RunInfo> = {};
  for (const [name, info] of Object.entries(object(body.runs, "runs.runs"))) {
    const run = object(info, `runs.runs[${name}]`) as unknown as RunInfo;
    runs[name] = {
      ...run,
      monitors: run.monitors ?? [],
      notices: run.notices ?? [],
      sparkline: decodeColumn(run.sparkline ?? [], "sparkline"),
    };
  }
  return { version: String(body.version ?? ""), notices: strings(body.notices), runs };
}

export function decodeSeries(answer: unknown): Series {
  const body = object(answer, "series");
  const raw = object(body.columns, "columns");
  const step = decodeColumn(raw.step, "step") as readonly number[];
  const column = (name: keyof Columns): readonly Value[] => {
    const values = decodeColumn(raw[name], name);
    if (values.length !== step.length) {
      throw new UnexpectedAnswer(`column ${name} has ${values.length} rows where step has ${step.length}`);
    }
    return values;
  };
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

function decodeEpochs(answer: unknown): Epochs {
  const body = object(answer, "epochs");
  const metrics: Record<string, readonly Value[]> = {};
  for (const [name, values] of Object.entries(object(body.metrics, "epochs.metrics"))) {
    metrics[name] = decodeColumn(values, name);
  }
  return {
    epoch: decodeColumn(body.epoch, "epochs.epoch") as readonly number[],
    position: decodeColumn(body.position, "epochs.position") as readonly number[],
    first_step: decodeColumn(body.first_step, "epochs.first_step") as readonly number[],
    last_step: decodeColumn(body.last_step, "epochs.last_step") as readonly number[],
    time: decodeColumn(body.time, "epochs.time"),
    metrics,
  };
}

function decodeAbout(answer: unknown): Series["about"] {
  const body = object(answer, "about");
  return {
    source: body.source === "scalars" ? "scalars" : "lrmon",
    state: (body.state ?? null) as Series["about"]["state"],
    fits: Array.isArray(body.fits) ? body.fits : [],
  };
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

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

export function object(value: unknown, name: string): Json {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new UnexpectedAnswer(`${name} is missing`);
  }
  return value as Json;
}
