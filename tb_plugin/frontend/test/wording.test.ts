/** Every sentence of the page in one file, where its wording is looked at and changed: `vitest run -u` writes it anew. */
import { expect, test } from "vitest";
import { METHODS, type Method } from "../src/api/rangeTest";
import type { LRReduction } from "../src/api/report";
import type { Series } from "../src/api/types";
import { plural } from "../src/model/axes/format";
import { formatPosition } from "../src/model/marks/epochs";
import { type Frame, layoutMarks } from "../src/model/marks/layout";
import { marksOf } from "../src/model/marks/marks";
import {
  divergesSentence,
  lrChangeLabel,
  lrChangeSentence,
  reductionItem,
  reductionLabel,
  reductionSentence,
  waitSentence,
} from "../src/model/marks/sentences";
import { constantText } from "../src/model/panes/constantLR";
import { endSentences, spreadText } from "../src/model/rangeTest/suggestions";
import { sweepMarksOf } from "../src/model/rangeTest/sweepMarks";
import {
  type Attribute,
  effectiveNote,
  fitAttributes,
  optimizerAttributes,
  runAttributes,
} from "../src/model/runs/about";
import { caveatOf } from "../src/model/runs/exactness";
import { describeFinding, positionLabel, SEVERITY_WORDS } from "../src/model/runs/findings";
import { filterOf, NO_FILTER } from "../src/model/runs/selection";
import { coverageOf, formatCoverage } from "../src/model/runs/status";
import { info, series } from "./built";
import { NONE, rangeTest, summary, sweep } from "./builtRangeTest";
import { finding, lrChange, reduction, report } from "./builtReport";
import { sources } from "./sources";

const FRAME: Frame = {
  width: 900,
  height: 200,
  x: (value) => value,
  y: (value) => 200 - value * 1000,
  measure: (text) => 6 * text.length,
};

function lrChanges(): readonly string[] {
  const unknown = { epoch: null, offset: null, steps_in_epoch: null, nearest_boundary: null };
  const all = [
    lrChange(),
    lrChange({ offset: 57, nearest_boundary: -19, epoch: 3 }),
    lrChange({ offset: 38, nearest_boundary: 38 }),
    lrChange({ offset: 0, nearest_boundary: 0, on_boundary: true, epoch: 5, to: 0.2 }),
    lrChange({ late: true, offset: 1, nearest_boundary: 1, steps_in_epoch: 1000 }),
    lrChange({ ...unknown, step_before: 90, to: 0.2 }),
  ];
  return all.map((change) => `${lrChangeLabel(change)}: ${lrChangeSentence(change, null)}`);
}

function clusters(): readonly string[] {
  const changes = (offsets: readonly number[]) =>
    offsets.map((offset, index) =>
      lrChange({ step: 400 + index, step_before: 399 + index, offset, on_boundary: offset === 0 }),
    );
  return [
    [0, 0],
    [19, 20],
    [0, 19],
  ].flatMap((offsets) => {
    const built = report();
    const run = series({ lastStep: 899, ended: 0 });
    const marks = marksOf({ ...built, lr: { ...built.lr, lr_changes: changes(offsets) } }, run, "step", {
      hidden: new Set(),
      shown: null,
      isAsking: false,
    });
    return layoutMarks("lr", marks, [0, 900], FRAME).dots.map(({ sentence }) => sentence);
  });
}

function reductions(): readonly string[] {
  const diverging = report({ reductions: [reduction()], diverges_at: { epoch: 2, step: 29 } });
  const steps = report({ unit: "step", diverges_at: { epoch: null, step: 60 } });
  const all: readonly (readonly [LRReduction, typeof diverging])[] = [
    [reduction(), diverging],
    [reduction({ did_from: 0.025, did_to: 0.023 }), report()],
    [reduction(), { ...report(), last_step: 40 }],
    [reduction({ kind: "both", did_from: 0.1, did_to: 0.02 }), report()],
    [reduction({ kind: "both", did_from: 0.1, did_to: 0.01 }), report()],
    [reduction({ kind: "did", did_from: 0.1, did_to: 0.02 }), report()],
    [reduction({ epoch: null, best_epoch: null }), steps],
  ];
  return [
    ...all.map(([built, owner]) => {
      const { unit } = owner.plateaus;
      return `${reductionLabel(built, unit)} | ${reductionItem(built, unit)} | ${reductionSentence(built, owner)}`;
    }),
    divergesSentence(diverging.plateaus),
    divergesSentence(steps.plateaus),
    divergesSentence(report().plateaus),
    divergesSentence(report({ reductions: [reduction()] }).plateaus),
    divergesSentence(report({ reductions: [reduction({ kind: "both", did_to: 0.01 })] }).plateaus),
  ];
}

function waits(): readonly string[] {
  const counted = report({ wait: [0, 1, 2], in_cooldown: [false, false, false] }).plateaus;
  return [
    waitSentence(counted, 0, false),
    waitSentence(counted, 1, false),
    waitSentence(counted, 2, true),
    waitSentence({ ...counted, unit: "step" }, 1, false),
    waitSentence({ ...counted, in_cooldown: [true, true, true] }, 1, false),
  ];
}

function coverages(): readonly string[] {
  const thinned = series({ steps: [0, 500, 999], lastStep: 999, hasEveryStep: false });
  const cover = (changes: Partial<Series>) =>
    formatCoverage([coverageOf({ ...series(), ...changes }, "step", null)]);
  return [
    cover({}),
    formatCoverage([coverageOf(series(), "step", [3, 3])]),
    cover({ ...thinned, steps: 1000 }),
    cover({ ...thinned, steps: 1000, complete: false }),
    cover({ complete: false }),
    cover({ ...series({ provenance: "scalars" }), complete: false }),
    formatCoverage([null]),
    formatCoverage([]),
  ];
}

function attributes(): readonly string[] {
  const optimizer = { class_name: "Adam", config: { beta_1: 0.9 } };
  const schedule = { class_name: "CosineDecay", config: { decay_steps: 1 } };
  const fit = {
    optimizer,
    schedule,
    model: "cnn",
    batch_size: 32,
    epochs: 1,
    initial_epoch: 2,
    steps_per_epoch: 1,
    step_sizes_every: 1,
    steps_per_execution: 8,
    gradient_accumulation_steps: 4,
    compiled: "XLA",
    framework: "keras 3",
    backend: "jax",
    recorded_by: "lrmon",
    ended: "interrupted",
  };
  const optimizers = [{ name: "body", optimizer, schedule, variables: 1 }];
  const states = ["running", "completed", "stopped", "interrupted", null] as const;
  const line = ({ name, value, more = [] }: Attribute) => `${name}: ${[value, ...more].join("; ")}`;
  return [
    ...runAttributes(info({ epochs: 1, start_time: 0, last_time: 3600 }), series({ fits: [{}, {}] }))
      // The reader's time zone decides on it.
      .filter(({ name }) => name !== "started")
      .map(line),
    ...states.flatMap((state) =>
      runAttributes(info({ state, steps: 0, epochs: 0, start_time: null }), null).map(line),
    ),
    ...fitAttributes(fit).map(line),
    ...fitAttributes({ optimizers: [...optimizers, { name: "head" }] }).map(line),
    ...optimizerAttributes({ optimizers, main_optimizer: "body" }, new Map([["body", "1 of 2 steps"]])).map(
      line,
    ),
    effectiveNote(fit) ?? "",
  ];
}

function findings(): readonly string[] {
  const run = { ...report(), first_step: 0, last_step: 999 };
  return [
    ...Object.values(SEVERITY_WORDS),
    describeFinding(finding()).title,
    describeFinding(finding({ numbers: { drift: 0 } })).title,
    positionLabel(finding(), run) ?? "",
    positionLabel(finding({ step: 0, last_step: 999 }), run) ?? "",
  ];
}

function rangeTests(): readonly string[] {
  const spread = summary(0.01, { low: 0.002, high: 0.04, spread: 1.3, found: 3 });
  const stopped = sweep([1, 2, 3], { stopped: "diverged", stopped_reason: "It rose at 0.1." });
  const running = { state: "running" } as const;
  const suggestions = Object.fromEntries(
    METHODS.map((method) => [method, { ...NONE, learning_rate: 0.1, reason: "" }]),
  ) as Record<Method, typeof NONE>;
  const one = sweepMarksOf(
    [
      {
        name: "a",
        test: rangeTest({
          recommended: spread,
          suggestions,
          sweeps: [stopped, { ...stopped, stopped_reason: null }],
        }),
      },
    ],
    { hidden: new Set(), color: () => "" },
  );
  const two = sweepMarksOf(
    ["a", "b"].map((name) => ({ name, test: rangeTest({ recommended: spread }) })),
    { hidden: new Set(), color: () => "" },
  );
  return [
    ...endSentences(rangeTest()),
    ...endSentences(rangeTest({ sweeps: [stopped] })),
    ...endSentences(rangeTest({ sweeps: [{ ...stopped, stopped_reason: null }] })),
    ...endSentences(rangeTest({ sweeps: [sweep([1, 2]), sweep([1])], ...running })),
    ...endSentences(rangeTest({ sweeps: [] })),
    spreadText(spread),
    spreadText({ ...spread, spread: 1 }),
    ...[...one.lines, ...two.lines].map(({ label, sentence }) => `${label}: ${sentence}`),
  ];
}

function caveats(): readonly string[] {
  const bounded = { loss_provenance: "a", exactness: { loss: "bounded" } } as const;
  const runs = [
    { name: "one", fits: [bounded] },
    { name: "two", fits: [{}, { loss_provenance: "none: no loss is returned" }] },
  ];
  return [caveatOf(runs.slice(0, 1), "loss"), caveatOf(runs, "loss")].map(
    (caveat) => `${caveat?.label}: ${caveat?.sentence}`,
  );
}

/** The texts in the sources, as they stand there: ‹› is a part that is filled in. */
function texts(): readonly string[] {
  return sources().flatMap(({ file, texts }) =>
    texts.length === 0 ? [] : [`${file}`, ...texts.map((text) => `  ${text}`)],
  );
}

test("the wording of the page is as the snapshot has it", async () => {
  const sections: Readonly<Record<string, readonly string[]>> = {
    "LR changes": lrChanges(),
    "Clusters of LR changes": clusters(),
    "LR reductions": reductions(),
    "The wait": waits(),
    "How much is drawn": coverages(),
    "What is recorded of a run": attributes(),
    Findings: findings(),
    "Range tests": rangeTests(),
    "What is not exact": caveats(),
    Others: [
      constantText([0.1]),
      constantText([0.1, 0.01]),
      formatPosition({ epoch: 7, offset: 41, steps: 76 }),
      formatPosition({ epoch: 7, offset: 41, steps: null }),
      plural(1, "epoch"),
      plural(1200, "step"),
      filterOf("(", NO_FILTER).problem ?? "",
    ],
    "Texts in the sources": texts(),
  };
  const page = Object.entries(sections).map(([title, lines]) => `# ${title}\n${lines.join("\n")}\n`);
  await expect(page.join("\n")).toMatchFileSnapshot("snapshots/page.txt");
});
