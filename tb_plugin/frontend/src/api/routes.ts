import { decodeRuns, decodeSeries, UnexpectedAnswer } from "./decode";
import { decodeRangeTest } from "./decodeRangeTest";
import { decodeReport } from "./decodeReport";
import type { RangeTest } from "./rangeTest";
import type { Report, RuleTexts } from "./report";
import type { Runs, Series, SeriesQuery } from "./types";

/** A request that brought no answer; the message is a sentence for the user. */
export class RequestError extends Error {
  constructor(
    message: string,
    /** What was asked for is wrong, and the message says how. */
    readonly refused = false,
  ) {
    super(message);
  }
}

/** Where the routes are, from the address of the bundle: beside it, or above the folder static that it lies in. */
export function routesBase(bundleAddress: string): URL {
  return new URL(/\/static\/[^/]*$/.test(bundleAddress) ? "../" : "./", bundleAddress);
}

export interface Routes {
  runs(signal: AbortSignal): Promise<Runs>;
  series(query: SeriesQuery, signal: AbortSignal): Promise<Series>;
  report(run: string, rule: RuleTexts, signal: AbortSignal): Promise<Report>;
  /** `training`: the run whose learning rates are compared with the test. */
  rangeTest(run: string, training: string | null, signal: AbortSignal): Promise<RangeTest>;
  exportAddress(run: string, format: "csv" | "json"): string;
}

export function routesAt(base: URL): Routes {
  const address = (route: string, query: Readonly<Record<string, string>>): string => {
    const url = new URL(route, base);
    url.search = new URLSearchParams(query).toString();
    return url.toString();
  };
  return {
    runs: async (signal) => decoded(await get(address("runs", {}), signal), decodeRuns),
    series: async (query, signal) =>
      decoded(await get(address("series", seriesArguments(query)), signal), decodeSeries),
    report: async (run, rule, signal) =>
      decoded(await get(address("report", { run, ...rule }), signal), decodeReport),
    rangeTest: async (run, training, signal) => {
      const query = { run, ...(training === null ? {} : { training }) };
      return decoded(await get(address("range_test", query), signal), decodeRangeTest);
    },
    exportAddress: (run, format) => address("export", { run, format }),
  };
}

export function seriesArguments(query: SeriesQuery): Record<string, string> {
  return {
    run: query.run,
    x: query.x,
    width: String(query.width),
    smoothing: String(query.smoothing),
    ...(query.range === null ? {} : { start: String(query.range[0]), end: String(query.range[1]) }),
  };
}

async function get(address: string, signal: AbortSignal): Promise<unknown> {
  let response: Response;
  try {
    response = await fetch(address, { signal });
  } catch (error) {
    if (signal.aborted) throw error;
    throw new RequestError("TensorBoard does not respond. Check that it is running.");
  }
  const body = await response.json().catch(() => null);
  if (response.ok) return body;
  if (signal.aborted) throw new RequestError("cancelled");
  const sentence =
    typeof body?.error === "string" ? body.error : `TensorBoard answered with status ${response.status}.`;
  throw new RequestError(sentence.replace(/^Invalid argument: /, ""), response.status === 400);
}

function decoded<T>(answer: unknown, decode: (answer: unknown) => T): T {
  try {
    return decode(answer);
  } catch (error) {
    if (error instanceof UnexpectedAnswer) {
      throw new RequestError(`TensorBoard's answer could not be read: ${error.message}.`);
    }
    throw error;
  }
}
