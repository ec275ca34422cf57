/** The held-out scores over the iterations, as inline SVG. Colours are the style sheet's. */
import { html } from 'hono/html';
import type { IterationReport, Report, Score } from '../types.ts';
import { percent } from '../../../process/text.ts';
import type { Html } from '../../html/parts.ts';

const [WIDTH, HEIGHT] = [760, 290];
const EDGE = { left: 52, right: 118, top: 24, bottom: 40 };

type Point = { x: number; score: Score };

/** Target score of the best checkpoint after each iteration, and from each reset on that of the one it goes back to. */
function bestCourse({ base, best, iterations, course }: Report): Point[] {
  const points: Point[] = base?.target ? [{ x: 0, score: base.target }] : [];
  for (const one of iterations) {
    const after = one.decision === 'promote' ? one.target : one.before;
    if (one.finished && after) points.push({ x: one.iteration, score: after });
  }
  for (const { kind, iteration } of course) {
    if (kind !== 'reset') continue;
    const next = iterations.find((one) => one.iteration === iteration);
    const score = next ? next.before : best?.target;
    if (score) points.push({ x: iteration - 0.5, score });
  }
  return points.toSorted((one, other) => one.x - other.x);
}

const tried = (iterations: IterationReport[], role: 'target' | 'guard'): Point[] =>
  iterations.flatMap((one) => (one[role] ? [{ x: one.iteration, score: one[role] }] : []));

/** Labels at the right end, moved apart where they would lie on each other. */
function endLabels(labels: { y: number; text: string; kind: string }[]): Html[] {
  const gap = 15;
  const sorted = labels.toSorted((a, b) => a.y - b.y);
  for (let i = 1; i < sorted.length; i++) sorted[i]!.y = Math.max(sorted[i]!.y, sorted[i - 1]!.y + gap);
  const below = (sorted.at(-1)?.y ?? 0) - (HEIGHT - EDGE.bottom);
  if (below > 0) for (const one of sorted) one.y -= below;
  return sorted.map(
    ({ y, text, kind }) =>
      html`<text class="label ${kind}" x="${WIDTH - EDGE.right + 10}" y="${(y + 4).toFixed(1)}"
        >${text}</text
      >`,
  );
}

/** Nothing to draw before the base is measured. */
export function curve(report: Report): Html | undefined {
  const best = bestCourse(report);
  if (best.length === 0) return undefined;
  const { iterations, majority, base, course } = report;
  const last = Math.max(1, ...iterations.map((one) => one.iteration));
  const x = (at: number) => EDGE.left + (at / last) * (WIDTH - EDGE.left - EDGE.right);
  const y = (rate: number) => EDGE.top + (1 - rate) * (HEIGHT - EDGE.top - EDGE.bottom);
  const at = (px: number, rate: number) => `${x(px).toFixed(1)},${y(rate).toFixed(1)}`;
  const line = (points: Point[]) => points.map((one) => at(one.x, one.score.rate)).join(' ');
  const candidates = tried(iterations, 'target');
  const guard = [...(base?.guard ? [{ x: 0, score: base.guard }] : []), ...tried(iterations, 'guard')];
  const promoted = new Set(
    iterations.filter((one) => one.decision === 'promote').map((one) => one.iteration),
  );
  const radius = last > 60 ? 2.5 : 4.5;
  const step = Math.max(1, Math.ceil(last / 12));
  const ticks = Array.from({ length: Math.floor(last / step) + 1 }, (_, i) => i * step);
  const resets = course.filter((one) => one.kind === 'reset');
  const end = best.at(-1)!.score;
  const labels = [
    { y: y(end.rate), text: `target ${percent(end.rate)}`, kind: 'target' },
    ...(guard.length > 0
      ? [
          {
            y: y(guard.at(-1)!.score.rate),
            text: `guard ${percent(guard.at(-1)!.score.rate)}`,
            kind: 'guard',
          },
        ]
      : []),
    ...(majority
      ? [
          {
            y: y(majority.score.rate),
            text: `maj@${majority.samples} ${percent(majority.score.rate)}`,
            kind: 'majority',
          },
        ]
      : []),
  ];
  const words =
    `Held-out accuracy over ${iterations.length} iterations: target ${percent(best[0]!.score.rate)} at the start, ` +
    `${percent(end.rate)} now; ${promoted.size} promotions, ${resets.length} resets.`;
  return html`<div class="scroll" tabindex="0" role="region" aria-label="Curve of held-out accuracy">
      <svg class="curve" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${words}">
        ${[0, 0.25, 0.5, 0.75, 1].map(
          (rate) =>
            html`<line
                class="rule"
                x1="${EDGE.left}"
                x2="${WIDTH - EDGE.right}"
                y1="${y(rate)}"
                y2="${y(rate)}"
              />
              <text class="tick" x="${EDGE.left - 8}" y="${y(rate) + 4}" text-anchor="end"
                >${rate * 100} %</text
              >`,
        )}
        ${ticks.map((tick) => html`<text class="tick" x="${x(tick)}" y="${HEIGHT - EDGE.bottom + 20}" text-anchor="middle">${tick === 0 ? 'base' : tick}</text>`)}
        <text class="tick" x="${x(last / 2)}" y="${HEIGHT - 4}" text-anchor="middle">iteration</text>
        ${resets.map(
          ({ iteration }) =>
            html`<line
                class="reset"
                x1="${x(iteration - 0.5)}"
                x2="${x(iteration - 0.5)}"
                y1="${EDGE.top}"
                y2="${HEIGHT - EDGE.bottom}"
              />
              <text class="label warn" x="${x(iteration - 0.5) + 4}" y="${EDGE.top - 6}">reset</text>`,
        )}
        ${majority ? html`<line class="majority" x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${y(majority.score.rate)}" y2="${y(majority.score.rate)}" />` : ''}
        <polygon
          class="band"
          points="${[
            ...best.map((one) => at(one.x, one.score.high)),
            ...best.toReversed().map((one) => at(one.x, one.score.low)),
          ].join(' ')}"
        />
        ${guard.length > 0 ? html`<polyline class="guard" points="${line(guard)}" />` : ''}
        <polyline class="target" points="${line(best)}" />
        ${candidates.map((one) => {
          const kind = promoted.has(one.x) ? 'promoted' : 'discarded';
          return html`<circle
            class="${kind}"
            cx="${x(one.x).toFixed(1)}"
            cy="${y(one.score.rate).toFixed(1)}"
            r="${radius}"
            ><title>
              iteration ${one.x}, ${kind}: ${percent(one.score.rate)} (${one.score.correct} of
              ${one.score.total})
            </title></circle
          >`;
        })}
        ${endLabels(labels)}
      </svg>
    </div>
    <ul class="legend">
      <li><i class="line target"></i>best so far on target, with its 95 % interval</li>
      <li><i class="dot promoted"></i>promoted</li>
      <li><i class="dot discarded"></i>discarded</li>
      <li><i class="line guard"></i>candidates on guard</li>
      ${majority ? html`<li><i class="line majority"></i>majority of the base</li>` : ''}
      ${resets.length > 0 ? html`<li><i class="line reset"></i>reset</li>` : ''}
    </ul>`;
}

/** From base to best, one group. */
export function dumbbell(base: Score, best: Score): Html {
  const at = (rate: number) => (4 + rate * 192).toFixed(1);
  return html`<svg
    class="dumbbell"
    viewBox="0 0 200 14"
    role="img"
    aria-label="${percent(base.rate)} to ${percent(best.rate)}"
  >
    <line class="rule" x1="4" x2="196" y1="7" y2="7" />
    <line
      class="${best.rate < base.rate ? 'fell' : 'rose'}"
      x1="${at(base.rate)}"
      x2="${at(best.rate)}"
      y1="7"
      y2="7"
    />
    <circle class="discarded" cx="${at(base.rate)}" cy="7" r="3.5" />
    <circle class="promoted" cx="${at(best.rate)}" cy="7" r="4" />
  </svg>`;
}
