import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { RunInfo } from "../api/types";
import { letterWidth } from "../host/browser";
import { formatCount, plural } from "../model/axes/format";
import { shortRunNames } from "../model/runs/runNames";
import { KINDS, type Kind } from "../model/runs/selection";
import { chooseFilter, chooseTheme, type ThemeChoice } from "../state/choices";
import { useStore } from "./context";
import { Segmented } from "./Segmented";
import { Sparkline } from "./Sparkline";
import { ColumnSplitter, widthOf } from "./Splitter";

const ROW = 30;
/** Rows beyond the visible ones, so that a quick scroll shows no gap. */
const SPARE = 6;
/** Pixels of a row beside the name; the style sheet cuts what still has no room. */
const BESIDE = 72;
const SPARKLINE = 46;
/** A narrower list has no sparklines: the names need the room. */
const NARROW = 210;
const LEAST_LETTERS = 8;

export function RunList() {
  const { choices, view, sizes } = useStore();
  const { pattern, problem } = choices.filter.value;
  const matching = view.matching.value;
  const total = view.names.value.length;
  const noun = view.kind.value === "training" ? "run" : "range test";
  const setMatching = (on: boolean): void => {
    const affected = new Set(matching);
    const others = view.selected.value.filter((name) => !affected.has(name));
    choices.selections[view.kind.value].value = on ? [...others, ...matching] : others;
  };
  return (
    <aside class="runs" aria-label="Runs" style={widthOf(sizes.value.runs)}>
      <p class="brand">LR Monitor</p>
      <Kinds />
      <input
        type="search"
        class={problem === null ? "filter" : "filter filter-wrong"}
        placeholder="Filter runs (regex)"
        aria-label="Filter runs by a regular expression"
        aria-invalid={problem !== null}
        aria-describedby="filter-problem"
        spellcheck={false}
        value={pattern}
        onInput={(event) => chooseFilter(choices, event.currentTarget.value)}
      />
      <p id="filter-problem" class="filter-problem" role="status">
        {problem}
      </p>
      <div class="runs-head">
        <span data-testid="run-count">
          {matching.length === total
            ? plural(total, noun)
            : `${formatCount(matching.length)} of ${plural(total, noun)}`}
        </span>
        <button type="button" class="link" data-testid="select-all" onClick={() => setMatching(true)}>
          all
        </button>
        <button type="button" class="link" data-testid="select-none" onClick={() => setMatching(false)}>
          none
        </button>
      </div>
      <Rows names={matching} />
      <Foot />
      <ColumnSplitter column="runs" />
    </aside>
  );
}

const KIND_LABELS: Readonly<Record<Kind, string>> = { training: "Trainings", range_test: "Range tests" };

/** Trainings or range tests, where there are both. */
function Kinds() {
  const { choices, view } = useStore();
  const infos = [...view.infos.value.values()];
  if (KINDS.some((kind) => !infos.some((run) => run.kind === kind))) return null;
  return (
    <div class="kinds">
      <Segmented
        label="Kind of run"
        name="kind"
        value={view.kind.value}
        options={KINDS.map((kind) => ({ value: kind, label: KIND_LABELS[kind] }))}
        onChange={(kind) => {
          choices.kind.value = kind;
        }}
      />
    </div>
  );
}

function Rows({ names }: { names: readonly string[] }) {
  const { view } = useStore();
  const root = useRef<HTMLDivElement>(null);
  const top = useSignal(0);
  const height = useSignal(600);
  const width = useSignal(200);
  const letter = useSignal(7);
  useEffect(() => {
    const element = root.current;
    if (element === null) return;
    letter.value = letterWidth(element);
    const observer = new ResizeObserver(() => {
      height.value = element.clientHeight;
      width.value = element.clientWidth;
    });
    observer.observe(element);
    return () => observer.disconnect();
  }, [height, width, letter]);
  const first = Math.max(0, Math.floor(top.value / ROW) - SPARE);
  const last = Math.min(names.length, Math.ceil((top.value + height.value) / ROW) + SPARE);
  const selected = new Set(view.selected.value);
  const only = selected.size === 1;
  const sparklines = view.kind.value === "training" && width.value >= NARROW;
  const letters = Math.floor((width.value - BESIDE - (sparklines ? SPARKLINE : 0)) / letter.value);
  const short = shortRunNames(names, Math.max(LEAST_LETTERS, letters));
  return (
    <div
      class="rows"
      ref={root}
      onScroll={(event) => {
        top.value = event.currentTarget.scrollTop;
      }}
    >
      <ul style={{ height: `${names.length * ROW}px` }}>
        {names.slice(first, last).map((name, index) => (
          <Row
            key={name}
            name={name}
            label={short.get(name) ?? name}
            info={view.infos.value.get(name) as RunInfo}
            top={(first + index) * ROW}
            checked={selected.has(name)}
            sparkline={sparklines}
            only={only && selected.has(name)}
          />
        ))}
      </ul>
    </div>
  );
}

interface RowProperties {
  readonly name: string;
  /** The name, cut so that it has room. */
  readonly label: string;
  readonly info: RunInfo;
  readonly top: number;
  readonly checked: boolean;
  readonly sparkline: boolean;
  readonly only: boolean;
}

function Row({ name, label, info, top, checked, sparkline, only }: RowProperties) {
  const { choices, view } = useStore();
  const training = info.kind === "training";
  const theme = view.theme.value;
  const color = only ? (training ? theme.learningRate : theme.loss) : view.runColor.value(name);
  const toggle = (): void => {
    const chosen = view.selected.value;
    choices.selections[info.kind].value = checked
      ? chosen.filter((selected) => selected !== name)
      : [...chosen, name];
  };
  const cut = label.lastIndexOf("/") + 1;
  return (
    <li data-run={name} class={only ? "row row-only" : "row"} style={{ top: `${top}px`, "--swatch": color }}>
      <input type="checkbox" checked={checked} onChange={toggle} aria-label={`Draw ${name}`} />
      <button
        type="button"
        class="row-name"
        aria-label={name}
        title={`${name}\n${summaryOf(info)}\nClick: show only this run`}
        onClick={() => {
          choices.selections[info.kind].value = [name];
        }}
      >
        <span class="folder">{label.slice(0, cut)}</span>
        {label.slice(cut)}
      </button>
      {info.state === "running" && <span class="live" role="img" aria-label="running" title="running" />}
      {sparkline && <Sparkline values={info.sparkline} color={color} />}
      <span class="row-badge">
        {training && info.findings > 0 && (
          <span class={`badge badge-${info.severity ?? "info"}`} title={plural(info.findings, "finding")}>
            {info.findings}
            <span class="unseen"> {info.findings === 1 ? "finding" : "findings"}</span>
          </span>
        )}
      </span>
    </li>
  );
}

function summaryOf(info: RunInfo): string {
  const parts = [plural(info.steps, "step")];
  if (info.kind === "training") parts.push(plural(info.epochs, "epoch"));
  if (info.optimizer !== null) parts.unshift(info.optimizer);
  if (info.schedule !== null) parts.unshift(info.schedule);
  if (info.state !== null) parts.push(info.state);
  if (info.kind === "training" && info.findings > 0) parts.push(plural(info.findings, "finding"));
  return parts.join(" · ");
}

const NEXT: Readonly<Record<ThemeChoice, ThemeChoice>> = { auto: "light", light: "dark", dark: "auto" };
const THEME_ICONS: Readonly<Record<ThemeChoice, string>> = { auto: "◐", light: "☀", dark: "☾" };

function Foot() {
  const { choices } = useStore();
  const theme = choices.theme.value;
  return (
    <footer class="foot">
      <span>lrmon for TensorBoard</span>
      <button
        type="button"
        class="button button-small"
        aria-label={`Theme: ${theme}. Change to ${NEXT[theme]}.`}
        title={`Theme: ${theme}${theme === "auto" ? " (as in TensorBoard)" : ""}`}
        onClick={() => chooseTheme(choices, NEXT[theme])}
      >
        <span aria-hidden="true">{THEME_ICONS[theme]}</span> <span class="theme-name">{theme}</span>
      </button>
    </footer>
  );
}
