/** A small line of held-out scores, one point per decided iteration. */
type Point = { rate: number; best: boolean };

const [WIDTH, HEIGHT, EDGE] = [132, 36, 4];

export const Sparkline = ({ points, label }: { points: Point[]; label: string }) => {
  if (points.length === 0) return <span class="muted">no score yet</span>;
  const low = Math.min(...points.map((one) => one.rate));
  const high = Math.max(...points.map((one) => one.rate));
  const x = (i: number) =>
    points.length === 1 ? WIDTH / 2 : EDGE + (i * (WIDTH - 2 * EDGE)) / (points.length - 1);
  // A run that moves by a point must not look like one that moves by fifty.
  const span = Math.max(high - low, 0.1);
  const y = (rate: number) => HEIGHT - EDGE - ((rate - low) / span) * (HEIGHT - 2 * EDGE);
  const at = points.map((one, i) => `${x(i).toFixed(1)},${y(one.rate).toFixed(1)}`);
  const last = points.at(-1)!;
  return (
    <svg
      class="spark"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={label}
    >
      <polygon
        class="area"
        points={`${x(0).toFixed(1)},${HEIGHT} ${at.join(' ')} ${x(points.length - 1).toFixed(1)},${HEIGHT}`}
      />
      <polyline class="line" points={at.join(' ')} />
      <circle class="dot" cx={x(points.length - 1).toFixed(1)} cy={y(last.rate).toFixed(1)} r="2.5" />
    </svg>
  );
};
