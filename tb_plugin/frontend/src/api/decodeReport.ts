import { decodeColumn, object, UnexpectedAnswer } from "./decode";
import type {
  Check,
  Finding,
  LearningRate,
  LRChange,
  LRReduction,
  PlateauRule,
  Plateaus,
  Report,
} from "./report";

/** The report of an answer. What a newer lrmon adds is left out; what the charts need must be there. */
export function decodeReport(answer: unknown): Report {
  const body = object(answer, "report");
  const lr = object(body.lr, "lr");
  const epochs = object(body.epochs, "epochs");
  return {
    run: String(body.run),
    version: String(body.version),
    first_step: (body.first_step ?? null) as number | null,
    last_step: (body.last_step ?? null) as number | null,
    epochs: {
      position: numbers(epochs.position, "epochs.position"),
      first_step: numbers(epochs.first_step, "epochs.first_step"),
      last_step: numbers(epochs.last_step, "epochs.last_step"),
    },
    lr: {
      shape: (lr.shape ?? null) as LearningRate["shape"],
      summary: String(lr.summary),
      explanation: typeof lr.explanation === "string" ? lr.explanation : null,
      lr_changes: list<LRChange>(lr.lr_changes, "lr.lr_changes"),
      lr_changes_total: Number(lr.lr_changes_total),
      late: typeof lr.late === "string" ? lr.late : null,
    },
    plateaus: decodePlateaus(body.plateaus),
    planned: body.planned == null ? null : decodePlanned(body.planned),
    findings: list<Finding>(body.findings, "findings").map((finding) => ({
      ...finding,
      numbers: finding.numbers ?? {},
      consequences: finding.consequences ?? [],
      severity: finding.severity === "error" || finding.severity === "warning" ? finding.severity : "info",
    })),
    checks: body.checks == null ? [] : list<Check>(body.checks, "checks"),
  };
}

function decodePlateaus(answer: unknown): Plateaus {
  const body = object(answer, "plateaus");
  const step = numbers(body.step, "plateaus.step");
  const column = (name: string) => {
    const values = decodeColumn(body[name], `plateaus.${name}`);
    if (values.length !== step.length) {
      throw new UnexpectedAnswer(`plateaus.${name} has ${values.length} values, step has ${step.length}`);
    }
    return values;
  };
  return {
    rule: rule(body.rule),
    direction: body.direction === "min" || body.direction === "max" ? body.direction : null,
    defaults: rule(body.defaults),
    defaults_from: body.defaults_from === "run" ? "run" : "keras",
    applied: body.applied === true,
    metric_names: list<string>(body.metric_names, "plateaus.metric_names"),
    unit: body.unit === "step" ? "step" : "epoch",
    problem: typeof body.problem === "string" ? body.problem : null,
    step,
    epoch: column("epoch"),
    value: column("value"),
    lr: column("lr"),
    wait: column("wait") as readonly number[],
    best: column("best"),
    in_cooldown: list<boolean>(body.in_cooldown, "plateaus.in_cooldown"),
    reductions: list<LRReduction>(body.reductions, "plateaus.reductions"),
    reductions_total: Number(body.reductions_total),
    diverges_at: (body.diverges_at ?? null) as Plateaus["diverges_at"],
    sensitivity: (body.sensitivity ?? null) as Plateaus["sensitivity"],
    code: typeof body.code === "string" ? body.code : null,
  };
}

function decodePlanned(answer: unknown): Report["planned"] {
  const body = object(answer, "planned");
  return {
    schedule: String(body.schedule),
    last_step: Number(body.last_step),
    step: numbers(body.step, "planned.step"),
    epoch: decodeColumn(body.epoch, "planned.epoch"),
    learning_rate: decodeColumn(body.learning_rate, "planned.learning_rate"),
    every_step: body.every_step === true,
  };
}

function rule(answer: unknown): PlateauRule {
  return object(answer, "plateaus.rule") as unknown as PlateauRule;
}

function numbers(values: unknown, name: string): readonly number[] {
  return decodeColumn(values, name) as readonly number[];
}

function list<T>(values: unknown, name: string): readonly T[] {
  if (!Array.isArray(values)) throw new UnexpectedAnswer(`${name} is missing`);
  return values as T[];
}
