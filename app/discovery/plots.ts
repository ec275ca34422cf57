/** Plots of a study as inline SVG: a value for each experiment. Colours and lines are the style sheet's. */
import { html } from 'hono/html';
import type { Html } from '../html/parts.ts';

const [WIDTH, HEIGHT] = [760, 240];
const EDGE = { left: 64, right: 24, top: 16, bottom: 40 };

type Series = { kind: string; points: (readonly [number, number])[] };

type Plot = {
  /** What is seen, for those who can't see it. */
  words: string;
  xTitle: string;
  x: readonly [number, number];
  y: readonly [number, number];
  /** Beside the rules, from the bottom up. */
  yTicks: { at: number; text: string }[];
  xTicks: { at: number; text: string }[];
  lines?: Series[];
  /** Each with the ends of its error bar, and what is said of it. */
  dots?: { x: number; y: number; low?: number; high?: number; kind: string; title: string }[];
};

export function plot({ words, xTitle, x, y, yTicks, xTicks, lines = [], dots = [] }: Plot): Html {
  const across = (value: number) =>
    (EDGE.left + ((value - x[0]) / (x[1] - x[0] || 1)) * (WIDTH - EDGE.left - EDGE.right)).toFixed(1);
  const up = (value: number) =>
    (
      HEIGHT -
      EDGE.bottom -
      ((value - y[0]) / (y[1] - y[0] || 1)) * (HEIGHT - EDGE.top - EDGE.bottom)
    ).toFixed(1);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${words}">
    <svg class="study-plot" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="img" aria-label="${words}">
      ${yTicks.map(
        ({ at, text }) =>
          html`<line x1="${EDGE.left}" x2="${WIDTH - EDGE.right}" y1="${up(at)}" y2="${up(at)}" />
            <text x="${EDGE.left - 8}" y="${Number(up(at)) + 4}" text-anchor="end">${text}</text>`,
      )}
      ${xTicks.map(
        ({ at, text }) =>
          html`<text x="${across(at)}" y="${HEIGHT - EDGE.bottom + 18}" text-anchor="middle">${text}</text>`,
      )}
      <text x="${(WIDTH + EDGE.left - EDGE.right) / 2}" y="${HEIGHT - 4}" text-anchor="middle">
        ${xTitle}
      </text>
      ${lines.map(
        ({ kind, points }) =>
          html`<polyline
            class="${kind}"
            points="${points.map(([px, py]) => `${across(px)},${up(py)}`).join(' ')}"
          />`,
      )}
      ${dots.map(
        (one) =>
          html`${
              one.low === undefined || one.high === undefined
                ? ''
                : html`<line
                    class="error"
                    x1="${across(one.x)}"
                    x2="${across(one.x)}"
                    y1="${up(one.low)}"
                    y2="${up(one.high)}"
                  />`
            }<circle class="${one.kind}" cx="${across(one.x)}" cy="${up(one.y)}" r="4"
              ><title>${one.title}</title></circle
            >`,
      )}
    </svg>
  </div>`;
}

/** Round numbers in a range, three to six of them. */
export function ticks(low: number, high: number): { at: number; text: string }[] {
  const span = high - low || Math.abs(high) || 1;
  const rough = span / 4;
  const unit = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * unit).find((one) => one >= rough)!;
  const found: { at: number; text: string }[] = [];
  for (let at = Math.ceil(low / step) * step; at <= high + step / 1e6; at += step)
    found.push({ at, text: String(Number(at.toPrecision(6))) });
  return found;
}
