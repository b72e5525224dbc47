import { useSignalEffect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { cssVariables } from "../theme/variables";
import { useStore } from "./context";
import { FindingsLine, FindingsText } from "./FindingsTab";
import { Header } from "./Header";
import { Notices, SweepNotices } from "./Notices";
import { Panes } from "./Panes";
import { RunList } from "./RunList";
import { SidePanel } from "./SidePanel";
import { Empty, Failed, NothingShown, Skeleton } from "./States";
import { SweepPage } from "./SweepPage";

export function App() {
  const store = useStore();
  useSignalEffect(() => {
    const theme = store.view.theme.value;
    const element = document.documentElement;
    element.dataset.theme = theme.name;
    for (const [name, value] of cssVariables(theme)) element.style.setProperty(name, value);
  });
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      const typing = event.target instanceof HTMLInputElement;
      if (event.key !== "Escape" || typing) return;
      store.navigation.reset();
      store.sweeps.moves.reset();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [store]);
  const { answer, problem } = store.runs.list.value;
  const known = answer !== null && answer.runs.size > 0;
  return (
    <div class="app">
      {known && <RunList />}
      <main class="main" aria-busy={answer === null && problem === null}>
        {answer === null ? (
          problem === null ? (
            <Skeleton />
          ) : (
            <Failed problem={problem} />
          )
        ) : known ? (
          <Shown />
        ) : (
          <Empty />
        )}
      </main>
      {known && <SidePanel />}
      <output data-testid="message" class={`message${store.message.value === null ? "" : " message-shown"}`}>
        {store.message.value}
      </output>
    </div>
  );
}

function Shown() {
  const { view } = useStore();
  if (view.kind.value === "range_test") {
    return (
      <>
        <Header />
        <SweepNotices />
        {view.listed.value.length === 0 ? <NothingShown /> : <SweepPage />}
      </>
    );
  }
  return (
    <>
      <Header />
      <Notices />
      <FindingsLine />
      <FindingsText />
      {view.shown.value.length === 0 ? <NothingShown /> : <Panes />}
    </>
  );
}
