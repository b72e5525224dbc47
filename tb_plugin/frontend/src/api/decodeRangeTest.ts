import {
  alignedColumn,
  decodeAbout,
  decodeColumn,
  decodeValue,
  object,
  strings,
  UnexpectedAnswer,
} from "./decode";
import {
  type Caution,
  METHODS,
  type Method,
  type RangeTest,
  type Settings,
  type Summary,
  type Sweep,
  type Trained,
} from "./rangeTest";

/** The range test of an answer. What a newer lrmon adds is left out; what the charts need must be there. */
export function decodeRangeTest(answer: unknown): RangeTest {
  const body = object(answer, "range test");
  const suggestions = object(body.suggestions, "suggestions");
  if (!Array.isArray(body.sweeps)) throw new UnexpectedAnswer("sweeps is missing");
  return {
    run: String(body.run),
    version: String(body.version),
    state: (body.state ?? null) as RangeTest["state"],
    complete: body.complete === true,
    settings: decodeSettings(body.settings),
    optimizer: text(body.optimizer),
    recognized: text(body.recognized),
    sweeps: body.sweeps.map(decodeSweep),
    suggestions: Object.fromEntries(
      METHODS.map((method) => [method, decodeSummary(suggestions[method])]),
    ) as Record<Method, Summary>,
    recommended: decodeSummary(body.recommended),
    cautions: Array.isArray(body.cautions) ? (body.cautions as Caution[]) : [],
    training: body.training == null ? null : decodeTrained(body.training),
    about: decodeAbout(body.about),
    notices: strings(body.notices),
  };
}

function decodeSweep(answer: unknown): Sweep {
  const body = object(answer, "sweep");
  const raw = object(body.columns, "sweep.columns");
  const step = decodeColumn(raw.step, "step") as readonly number[];
  const column = (name: string) => alignedColumn(raw[name], name, step);
  return {
    repeat: Number(body.repeat ?? 0),
    steps: Number(body.steps ?? step.length),
    every_step: body.every_step === true,
    stopped: text(body.stopped),
    stopped_reason: text(body.stopped_reason),
    smoothing: decodeValue(body.smoothing),
    columns: {
      step,
      learning_rate: column("learning_rate"),
      loss: column("loss"),
      loss_smoothed: column("loss_smoothed"),
      slope: column("slope"),
    },
  };
}

function decodeSettings(answer: unknown): Settings {
  const body = object(answer ?? {}, "settings");
  return {
    start_lr: decodeValue(body.start_lr),
    end_lr: decodeValue(body.end_lr),
    steps: decodeValue(body.steps),
    growth: text(body.growth),
    stop_factor: decodeValue(body.stop_factor),
    smoothing: decodeValue(body.smoothing),
    repeats: decodeValue(body.repeats),
  };
}

function decodeSummary(answer: unknown): Summary {
  const body = object(answer, "suggestion");
  return {
    learning_rate: decodeValue(body.learning_rate),
    low: decodeValue(body.low),
    high: decodeValue(body.high),
    spread: decodeValue(body.spread),
    found: Number(body.found ?? 0),
    reason: text(body.reason) ?? "",
  };
}

function decodeTrained(answer: unknown): Trained {
  const body = object(answer, "training");
  return {
    run: String(body.run),
    low: decodeValue(body.low),
    high: decodeValue(body.high),
    median: decodeValue(body.median),
    text: text(body.text) ?? "",
  };
}

function text(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
