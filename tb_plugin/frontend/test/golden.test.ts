/**
 * The page's side of the HTTP contract: it decodes the golden answers, which tests/plugin/test_contract.py holds to be
 * what the plugin answers. `npm run check` compares their types with those of src/api as well.
 */
import { expect, test } from "vitest";
import errorMonitor from "../../../tests/plugin/golden/error_monitor.json";
import errorUnknownRun from "../../../tests/plugin/golden/error_unknown_run.json";
import rangeTest from "../../../tests/plugin/golden/range_test.json";
import rangeTestFlat from "../../../tests/plugin/golden/range_test_flat.json";
import reportBatches from "../../../tests/plugin/golden/report_batches.json";
import reportEmpty from "../../../tests/plugin/golden/report_empty.json";
import reportOtherRule from "../../../tests/plugin/golden/report_other_rule.json";
import reportRangeTest from "../../../tests/plugin/golden/report_range_test.json";
import reportReduced from "../../../tests/plugin/golden/report_reduced.json";
import reportScalars from "../../../tests/plugin/golden/report_scalars.json";
import reportStaircase from "../../../tests/plugin/golden/report_staircase.json";
import reportStrange from "../../../tests/plugin/golden/report_strange.json";
import reportTimeBased from "../../../tests/plugin/golden/report_time_based.json";
import runs from "../../../tests/plugin/golden/runs.json";
import seriesEmpty from "../../../tests/plugin/golden/series_empty.json";
import seriesOptimizers from "../../../tests/plugin/golden/series_optimizers.json";
import seriesRange from "../../../tests/plugin/golden/series_range.json";
import seriesScalars from "../../../tests/plugin/golden/series_scalars.json";
import seriesStrange from "../../../tests/plugin/golden/series_strange.json";
import seriesThinned from "../../../tests/plugin/golden/series_thinned.json";
import { decodeRuns, decodeSeries, decodeValue } from "../src/api/decode";
import { decodeRangeTest } from "../src/api/decodeRangeTest";
import { decodeReport } from "../src/api/decodeReport";
import type { RangeTest } from "../src/api/rangeTest";
import { type Report, SETTINGS } from "../src/api/report";
import { RequestError, routesAt, seriesArguments } from "../src/api/routes";
import type { Runs, Series } from "../src/api/types";

/** How the JSON of a decoded type looks: maps are objects, non-finite numbers and choices are strings. */
type Sent<T> =
  T extends ReadonlyMap<string, infer V>
    ? { readonly [name: string]: Sent<V> }
    : T extends readonly (infer V)[]
      ? readonly Sent<V>[]
      : T extends string
        ? string
        : T extends number
          ? number | string
          : T extends object
            ? { readonly [K in keyof T]: Sent<T[K]> }
            : T;

interface Golden<T> {
  readonly request: string;
  readonly status: number;
  readonly answer: Sent<T>;
}

const SERIES: readonly Golden<Series>[] = [
  seriesThinned,
  seriesRange,
  seriesStrange,
  seriesOptimizers,
  seriesEmpty,
  seriesScalars,
];
const REPORTS: readonly Golden<Report>[] = [
  reportStaircase,
  reportBatches,
  reportReduced,
  reportOtherRule,
  reportTimeBased,
  reportStrange,
  reportScalars,
  reportEmpty,
  reportRangeTest,
];
const RANGE_TESTS: readonly Golden<RangeTest>[] = [rangeTest, rangeTestFlat];
const RUNS: readonly Golden<Runs>[] = [runs];

/** Where a decoded value is not what was sent: a field that no answer has, or another value. */
function differences(decoded: unknown, sent: unknown, path: string): string[] {
  if (decoded instanceof Map) return differences(Object.fromEntries(decoded), sent, path);
  if (typeof decoded === "object" && decoded !== null) {
    const members = sent as Readonly<Record<string, unknown>> | null | undefined;
    return Object.entries(decoded).flatMap(([name, value]) =>
      differences(value, members?.[name], `${path}.${name}`),
    );
  }
  const value = typeof decoded === "number" ? decodeValue(sent) : sent;
  return Object.is(decoded, value) ? [] : [`${path}: ${sent} was decoded as ${decoded}`];
}

test.each([
  ...RUNS.map((golden) => [golden, decodeRuns] as const),
  ...SERIES.map((golden) => [golden, decodeSeries] as const),
  ...REPORTS.map((golden) => [golden, decodeReport] as const),
  ...RANGE_TESTS.map((golden) => [golden, decodeRangeTest] as const),
])("%o is decoded with each value where it was sent", (golden, decode) => {
  expect(golden.status).toBe(200);
  expect(differences(decode(golden.answer), golden.answer, "answer")).toEqual([]);
});

test("a decoded value that was not sent is noticed", () => {
  const sent = { a: [1, "NaN", null], b: { c: "x" } };

  expect(differences({ a: [1, Number.NaN, null], b: new Map([["c", "x"]]) }, sent, "")).toEqual([]);
  expect(differences({ renamed: null }, sent, "")).toHaveLength(1);
  expect(differences({ a: [1, 2, null] }, sent, "")).toHaveLength(1);
  expect(differences({ b: { c: "y" } }, sent, "")).toHaveLength(1);
});

test("the list of runs has every kind of run", () => {
  const { runs: decoded } = decodeRuns(runs.answer);

  expect([...decoded.keys()]).toContain("trained twice//earlier 1");
  expect(decoded.get("strange/ü")).toMatchObject({ complete: false, state: "interrupted", steps: 13 });
  expect(decoded.get("strange/ü")?.sparkline[2]).toBe(Number.POSITIVE_INFINITY);
  expect(decoded.get("staircase")).toMatchObject({
    optimizer: "SGD",
    schedule: "ExponentialDecay",
    findings: 2,
  });
  expect(decoded.get("scalars")).toMatchObject({ provenance: "scalars", state: null, optimizer: null });
  expect(decoded.get("empty")).toMatchObject({ first_step: null, last_time: null, sparkline: [] });
  expect(decoded.get("range test")?.kind).toBe("range_test");
});

test("a series has numbers that are not finite, gaps, skipped steps and samples", () => {
  const { columns, skipped, samples, epochs } = decodeSeries(seriesStrange.answer);

  expect(columns.step).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 12, 13, 14, 15, 16]);
  expect(columns.loss.slice(0, 4)).toEqual([
    1,
    Number.NaN,
    Number.POSITIVE_INFINITY,
    Number.NEGATIVE_INFINITY,
  ]);
  expect(columns.effective_learning_rate.every(Number.isNaN)).toBe(true);
  expect(epochs.metrics.get("val_loss")).toEqual([Number.NaN, null]);
  expect(skipped).toEqual({ step: [1, 2, 14], total: 3 });
  expect(samples).toMatchObject({ step: [0, 4, 12], sampled: 10, every: 4 });
  expect(samples?.update_to_weight.get("dense")).toEqual([0.01, Number.NaN, null]);
});

test("a series has each optimizer's learning rate and updates, or one learning rate", () => {
  const two = decodeSeries(seriesOptimizers.answer);

  expect([...two.learning_rates.keys()]).toEqual(["body", "head"]);
  expect(two.updates.get("head")?.slice(0, 4)).toEqual([0, 1, 0, 1]);
  expect([...two.about.updates.keys()]).toEqual(["body", "head"]);
  expect(decodeSeries(seriesRange.answer).learning_rates.size).toBe(0);
});

test("a series is thinned, cut to a range, or empty", () => {
  expect(decodeSeries(seriesThinned.answer)).toMatchObject({ steps: 150, every_step: false });
  const cut = decodeSeries(seriesRange.answer);
  expect(cut).toMatchObject({ steps: 5, points: 7, every_step: true });
  expect(cut.extent.epoch).toEqual([0, 5]);
  expect(cut.about.fits[0]?.exactness).toEqual({ effective_learning_rate: "bounded" });
  const empty = decodeSeries(seriesEmpty.answer);
  expect(empty.extent).toEqual({ step: null, epoch: null, time: null });
  expect(empty.columns.step).toEqual([]);
});

test("a report has LR changes, what is planned, findings and checks", () => {
  const { lr, planned, findings, checks } = decodeReport(reportStaircase.answer);

  expect(lr.lr_changes.map((change) => [change.step, change.offset, change.late])).toEqual([
    [42, 12, true],
    [83, 23, true],
    [123, 3, false],
  ]);
  expect(lr.late).not.toBeNull();
  expect(planned).toMatchObject({ schedule: "ExponentialDecay", last_step: 239 });
  expect(planned?.step[0]).toBe(149);
  expect(findings[0]).toMatchObject({ code: "staircase-off-epoch", severity: "warning" });
  expect(findings[0]?.consequences.map(({ code }) => code)).toContain("epoch-without-step");
  expect(new Set(checks.map(({ state }) => state))).toEqual(new Set(["found", "in order", "not checked"]));
});

test("a report says by which rule the learning rate changes", () => {
  expect(decodeReport(reportTimeBased.answer).lr).toMatchObject({
    shape: { kind: "inverse_time", unit: "step", every: 1 },
    lr_changes_total: 0,
  });
  expect(decodeReport(reportStaircase.answer).lr.shape).toBeNull();
});

test("a report has the LR reductions of the rule and of the run", () => {
  const own = decodeReport(reportReduced.answer).plateaus;
  expect(own).toMatchObject({ applied: true, defaults_from: "run", direction: "min", unit: "epoch" });
  const kinds = ({ reductions }: typeof own) =>
    reductions.map(({ kind, step, lr_to }) => [kind, step, lr_to]);
  expect(kinds(own)).toEqual([
    ["both", 119, 0.05],
    ["would", 179, 0.025],
    ["would", 239, 0.0125],
  ]);
  expect(kinds(decodeReport(reportOtherRule.answer).plateaus)).toEqual([
    ["did", 119, 0.05],
    ["would", 179, 0.05],
  ]);

  const batches = decodeReport(reportBatches.answer).plateaus;
  expect(batches).toMatchObject({ unit: "step", code: null, diverges_at: { epoch: 0, step: 12 } });
  expect(batches.rule).toMatchObject({ monitor: "batch/loss", patience: 12, mode: "max", cooldown: 9 });
  expect(batches.sensitivity?.first_reduction[3]?.[0]).toBe(12);
  expect(batches.in_cooldown.filter(Boolean)).toHaveLength(15);
});

test("a rule that cannot be applied comes with a problem and no columns", () => {
  for (const golden of [reportTimeBased, reportEmpty]) {
    expect(decodeReport(golden.answer).plateaus).toMatchObject({ step: [], value: [], reductions: [] });
    expect(decodeReport(golden.answer).plateaus.problem).not.toBeNull();
  }
});

test("the settings of a rule are those that the page can change", () => {
  for (const { answer } of REPORTS) expect(Object.keys(answer.plateaus.rule)).toEqual(SETTINGS);
});

test("a range test has sweeps, suggestions and a training in it", () => {
  const decoded = decodeRangeTest(rangeTest.answer);
  expect(decoded.sweeps.map(({ repeat, steps, stopped }) => [repeat, steps, stopped])).toEqual([
    [0, 60, "diverged"],
    [1, 60, "diverged"],
  ]);
  expect(decoded.sweeps[1]?.columns.loss[3]).toBeNaN();
  expect(decoded.settings).toMatchObject({ start_lr: 1e-7, end_lr: 10, growth: "exponential", repeats: 2 });
  expect(decoded.suggestions.steepest).toMatchObject({ found: 2, low: 0.0008554673 });
  expect(decoded.training).toMatchObject({ run: "reduced", low: 0.005, high: 0.1 });

  const flat = decodeRangeTest(rangeTestFlat.answer);
  expect(flat.recommended).toMatchObject({ learning_rate: null, spread: null, found: 0 });
  expect(flat.cautions.map(({ code }) => code)).toEqual(["too-short", "flat", "no-divergence"]);
  expect(flat.settings.steps).toBeNull();
  expect(flat.training).toBeNull();
});

test.each([
  [errorMonitor, true],
  [errorUnknownRun, false],
])("an error has the server's sentence: %o", async (golden, refused) => {
  const { fetch } = globalThis;
  globalThis.fetch = async () => new Response(JSON.stringify(golden.answer), { status: golden.status });
  try {
    const answer = routesAt(new URL("http://host/")).runs(new AbortController().signal);
    const error = await answer.catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RequestError);
    expect(error).toMatchObject({ message: golden.answer.error, refused });
  } finally {
    globalThis.fetch = fetch;
  }
});

test("the arguments of a series are those of a golden request", () => {
  const asked = new URLSearchParams(seriesRange.request.replace(/^series\?/, ""));
  const query = { run: "staircase", x: "epoch", range: [1.3, 1.45], width: 800, smoothing: 0.9 } as const;

  expect(seriesArguments(query)).toEqual({ ...Object.fromEntries(asked), width: "800" });
});
