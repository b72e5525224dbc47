/** Words that the page avoids, in the names of its sources and in what users read; docs/glossary.md has the terms. */
export interface Word {
  readonly pattern: RegExp;
  readonly better: string;
  /** A use that the pattern must find. */
  readonly example: string;
}

/** Words of names: of `rateLegend` and `--rate-legend` they are rate and legend. */
export const NAME_WORDS: readonly Word[] = [
  { pattern: /(?<!learning )\brates?\b/, better: "lr, learningRate", example: "rateLegend" },
  { pattern: /\bcolours?\b/, better: "color", example: "runColour" },
  {
    pattern: /\b(behaviour|neighbour|centre|favour)\w*/,
    better: "American spelling",
    example: "neighbourOf",
  },
  { pattern: /\bplaces?\b/, better: "position, index", example: "placeInEpoch" },
  { pattern: /\bedges?\b|\bstairs?\b/, better: "lrChange, bound", example: "epochEdges" },
  { pattern: /\btriggers?\b/, better: "reduction", example: "Triggers" },
  { pattern: /\btold\b|\btell\b|\bsaid\b/, better: "a noun for what it holds", example: "tellFinding" },
  { pattern: /\bfound\b|\bseen\b/, better: "a noun for what it holds", example: "useFound" },
  { pattern: /^(each|of|one)$/, better: "a noun for what it holds", example: "one" },
  { pattern: /\bfacts?\b/, better: "attribute, summary", example: "factsOf" },
  { pattern: /\bsources?\b/, better: "provenance", example: "sourceOf" },
  { pattern: /\bmonitors\b/, better: "metricNames", example: "allMonitors" },
  { pattern: /\bforetold\b/, better: "preflightWarning", example: "foretold" },
  { pattern: /\bbegan\b|\blasted\b/, better: "start, duration", example: "began" },
  { pattern: /\bdeparts?\b/, better: "diverges", example: "departsAt" },
  { pattern: /\btwins?\b/, better: "copy", example: "twinOf" },
];

/** Names of the HTTP API that have such a word. */
export const NAMES_OF_THE_API: ReadonlySet<string> = new Set(["found"]);

/** Words of texts that users read. */
export const TEXT_WORDS: readonly Word[] = [
  {
    pattern: /(?<!learning[ -])\brates?\b/i,
    better: "learning rate, LR",
    example: "A tenth of the rate with the lowest loss",
  },
  {
    pattern: /colour|behaviour|neighbour|centre\b|favour/i,
    better: "American spelling",
    example: "its colour",
  },
  {
    pattern: /\bplaces?\b/i,
    better: "position; cannot be shown on",
    example: "0 has no place on a log axis",
  },
  {
    pattern: /\bedges?\b|\bstairs?\b/i,
    better: "LR change, end of the axis",
    example: "0 at the lower edge",
  },
  {
    pattern: /\bLR steps?\b|\bsteps (down|up)\b|\blearning rate steps\b|\bwithout a step\b/i,
    better: "LR change, LR drop",
    example: "LR step inside an epoch",
  },
  { pattern: /\btriggers?\b|\btriggered\b/i, better: "LR reduction", example: "at the first trigger" },
  { pattern: /\bwith the rule\b/i, better: "under this rule", example: "LR with the rule" },
  { pattern: /\btold\b|\bsaid\b|\bforetold\b/i, better: "reported, recorded", example: "as it was told" },
  { pattern: /\bdeparts?\b/i, better: "diverges", example: "where it departs" },
  { pattern: /\bwithin a bound\b/i, better: "bounded", example: "within a bound" },
  { pattern: /\bnot available\b/i, better: "unavailable", example: "The loss is not available" },
  { pattern: /\bleft out\b|\bnot applied\b/i, better: "skipped", example: "steps that were left out" },
  {
    pattern: /\bmonitors\b|\bfacts\b|\bsources?\b/i,
    better: "metrics; provenance",
    example: "Choose the monitors",
  },
  {
    pattern: /\bbegan\b|\bbegins?\b|\blasted\b|\bended\b(?! (there|at))/i,
    better: "started, duration, completed",
    example: "epochs ended",
  },
  {
    pattern: /\b(steps?|batch(es)?|samples?|loss|value|once) an? (epoch|step|batch|decade|run)\b/i,
    better: "per epoch, per decade",
    example: "loss a decade",
  },
  {
    pattern: /\bwould have been\b|\bwould have made\b/i,
    better: "would have changed the training",
    example: "not the one that would have been",
  },
  {
    pattern: /\bgood to know\b|\bto point out\b|\basks? for a word\b/i,
    better: "Info; no findings",
    example: "Good to know",
  },
  { pattern: /\bdoubts?\b/i, better: "caution", example: "why one should doubt it" },
  { pattern: /\blies?\b|\blay\b|\bstands\b/i, better: "is, are", example: "some batches lie below" },
  {
    pattern: /\bgo(es)? on\b|\bgone on\b|\bin store\b/i,
    better: "continue, planned",
    example: "it has in store",
  },
  {
    pattern: /\bnobody\b|\bwhoever\b|\bone's own\b/i,
    better: "a sentence with a subject",
    example: "nobody knows",
  },
  {
    pattern: /\b(up|for|back|to)wards\b/i,
    better: "upward, toward",
    example: "before the loss turns upwards",
  },
];
