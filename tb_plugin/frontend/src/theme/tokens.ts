/** Every color of the page, of the charts and of the exported picture, for both themes. */

export interface Theme {
  readonly name: "light" | "dark";
  readonly page: string;
  readonly side: string;
  readonly card: string;
  readonly raised: string;
  readonly border: string;
  readonly text: string;
  readonly muted: string;
  readonly accent: string;
  readonly onAccent: string;
  readonly hover: string;
  readonly grid: string;
  readonly epoch: string;
  readonly cursor: string;
  readonly warning: string;
  readonly warningText: string;
  readonly warningPage: string;
  /** Text on the color of a warning. */
  readonly onWarning: string;
  readonly danger: string;
  readonly good: string;
  readonly learningRate: string;
  readonly effectiveLR: string;
  readonly loss: string;
  /** An LR reduction that ReduceLROnPlateau made or would make. */
  readonly rule: string;
  readonly metrics: readonly string[];
  /** For several runs; distinct with any common color blindness. */
  readonly runs: readonly string[];
}

export const LIGHT: Theme = {
  name: "light",
  page: "#ffffff",
  side: "#f7f8fa",
  card: "#ffffff",
  raised: "#ffffff",
  border: "#dde1e6",
  text: "#1d2330",
  muted: "#586171",
  accent: "#1765bf",
  onAccent: "#ffffff",
  hover: "#eceff3",
  grid: "#eef0f3",
  epoch: "#dfe3e9",
  cursor: "#4a5260",
  warning: "#d99a00",
  warningText: "#7a5200",
  warningPage: "#fdf6e3",
  onWarning: "#1d2330",
  danger: "#b3261e",
  good: "#17794a",
  learningRate: "#1765bf",
  effectiveLR: "#4495dd",
  loss: "#b8432b",
  rule: "#b47b00",
  metrics: ["#5a3aa0", "#1d9a93", "#3f3200", "#c55a9b", "#5b79f7", "#735879"],
  runs: [
    "#1765bf",
    "#d1600e",
    "#2ba1a7",
    "#7d1d52",
    "#a77af5",
    "#5c3a00",
    "#321698",
    "#a8465a",
    "#0a819d",
    "#494b88",
  ],
};

export const DARK: Theme = {
  name: "dark",
  page: "#1b1e24",
  side: "#23272e",
  card: "#20242a",
  raised: "#2b3038",
  border: "#3a404a",
  text: "#e7eaef",
  muted: "#a3abb8",
  accent: "#62a8f7",
  onAccent: "#0d1a2b",
  hover: "#2e343d",
  grid: "#292e36",
  epoch: "#363c46",
  cursor: "#b4bcc8",
  warning: "#f0b73a",
  warningText: "#f0c766",
  warningPage: "#35301f",
  onWarning: "#1b1e24",
  danger: "#ff8a80",
  good: "#5fcf95",
  learningRate: "#62a8f7",
  effectiveLR: "#a9d0fb",
  loss: "#f47e5e",
  rule: "#f0b73a",
  metrics: ["#b699f2", "#8df0d4", "#e6e04a", "#c9568f", "#5f79ee", "#cc572a"],
  runs: [
    "#62a8f7",
    "#f58b3c",
    "#7af0dc",
    "#d4588a",
    "#efe36a",
    "#5f74ec",
    "#b76b1c",
    "#d19fa5",
    "#78cdf5",
    "#4a91bf",
  ],
};
