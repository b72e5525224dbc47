import type { Value } from "../api/types";
import { finite } from "../model/axes/lookup";
import { autoScale, span } from "../model/axes/scale";

const WIDTH = 40;
const HEIGHT = 16;

/** The run's learning rate in a nutshell: logarithmic where the chart would be. */
export function Sparkline({ values, color }: { values: readonly Value[]; color: string }) {
  const extent = span([values]);
  if (extent === null) return <span class="sparkline" />;
  const scaled =
    autoScale(extent) === "log" ? (value: number) => Math.log(Math.max(value, extent.minPositive)) : Number;
  const [low, high] = [scaled(extent.min), scaled(extent.max)];
  const points = values.flatMap((value, index) => {
    if (!finite(value)) return [];
    const x = values.length < 2 ? 0 : (index / (values.length - 1)) * WIDTH;
    const y = high > low ? HEIGHT - 2 - ((scaled(value) - low) / (high - low)) * (HEIGHT - 4) : HEIGHT / 2;
    return [`${x.toFixed(1)},${y.toFixed(1)}`];
  });
  // A single value is drawn as the line that it would hold.
  if (points.length === 1) points.push(`${WIDTH},${points[0]?.split(",")[1]}`);
  return (
    <svg
      class="sparkline"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      aria-hidden="true"
    >
      <polyline
        points={points.join(" ")}
        fill="none"
        stroke={color}
        stroke-width="1.5"
        stroke-linejoin="round"
      />
    </svg>
  );
}
