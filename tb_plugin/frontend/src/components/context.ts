import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { Store } from "../state/store";

const StoreContext = createContext<Store | null>(null);

export const StoreProvider = StoreContext.Provider;

export function useStore(): Store {
  const store = useContext(StoreContext);
  if (store === null) throw new Error("a component is outside of StoreProvider");
  return store;
}
