/**
 * The small things that the web page and the HTML report are made of. Plain functions, which the report calls and pages use as
 * components: the `ratchet` command runs without a compiler for JSX. `html` escapes everything but what another part has made;
 * texts that this program did not write go through `Said` or `Block`.
 */
import { html } from 'hono/html';
import type { Child } from 'hono/jsx';
import type { RunStatus } from '../../loop/words.ts';
import { percent } from '../../process/text.ts';
import { cutText, visible } from '../../process/visible.ts';
import type { Score } from '../report/types.ts';

export type Html = ReturnType<typeof html>;
export type Tone = 'run' | 'good' | 'warn' | 'bad' | 'idle';

const attribute = (name: string, value: string | undefined) =>
  value === undefined ? '' : html` ${name}="${value}"`;

/** What acts without being seen is shown by name. */
export const Pieces = ({ text }: { text: string }): Html =>
  html`${visible(text).map((piece) =>
    piece.mark === undefined
      ? piece.text
      : html`<span class="unseen" title="${piece.title}">${piece.mark}</span>`,
  )}`;

/** Inline: in a line with others, cut short, and its direction is its own. */
export function Said({ text, most = 400 }: { text: string; most?: number }): Html {
  const cut = cutText(text, most);
  const more = `${cut.left.toLocaleString('en-US')} more characters`;
  const left = cut.left > 0 ? html`<span title="${more}">…</span>` : '';
  return html`<bdi>${Pieces({ text: cut.text })}</bdi>${left}`;
}

/** As a reader counts them, and PostgreSQL. */
export const characters = (text: string) => Array.from(text).length;

type Long = {
  text: string;
  most?: number;
  /** Characters of the whole, where `text` is only its beginning already. */
  length?: number;
  /** Where all of it can be read. */
  all?: string;
};

/** A block that keeps its lines. */
export function Block({ text, most = 4_000, length = characters(text), all }: Long): Html {
  const cut = cutText(text, most);
  // A parser drops the first line feed of a <pre>: let it be this one.
  return html`<pre class="block">${'\n'}${Pieces({ text: cut.text })}</pre>
    ${Cut({ left: length - characters(cut.text), length, all })}`;
}

/** How much of a text is not shown. */
export function Cut({ left, length, all }: { left: number; length: number; all?: string }): Html | null {
  if (left <= 0) return null;
  const link =
    all === undefined ? '' : html` <a href="${all}">Read all ${length.toLocaleString('en-US')}</a>`;
  return html`<p class="cut">${left.toLocaleString('en-US')} more characters.${link}</p>`;
}

type ChipProps = { tone: Tone; children: Child; title?: string; alive?: boolean };

/** @param alive it goes on this moment */
export const Chip = ({ tone, children, title, alive = false }: ChipProps): Html =>
  html`<span class="chip ${tone}${alive ? ' alive' : ''}" ${attribute('title', title)}>${children}</span>`;

const STATUS: Record<RunStatus, Tone> = {
  running: 'run',
  paused: 'warn',
  parked: 'bad',
  completed: 'good',
  failed: 'bad',
  stopped: 'idle',
};

export const StatusChip = ({ status }: { status: RunStatus }): Html =>
  Chip({ tone: STATUS[status], alive: status === 'running', children: status });

/** What gates and critics say. */
export const OUTCOMES: Record<string, Tone> = {
  pass: 'good',
  holds: 'good',
  fail: 'bad',
  fails: 'bad',
  unscored: 'warn',
};

/** The 95 % interval. */
export const Interval = ({ score: { low, high } }: { score: Score }): Html =>
  html`<span class="interval">${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}</span>`;

type FigureProps = { label: string; children: Child; note?: Child };

/** A number with its name: `children` is the number. */
export const Figure = ({ label, children, note }: FigureProps): Html =>
  html`<div class="figure">
    <dt>${label}</dt>
    <dd>${children}${note ? html`<small>${note}</small>` : ''}</dd>
  </div>`;

type BarProps = { share: number; tone?: Tone | 'accent'; label?: string };

/** A share as a bar. Inline styles are forbidden, so its length is an attribute of an SVG. */
export function Bar({ share, tone = 'run', label = percent(share, 0) }: BarProps): Html {
  const width = Math.max(0, Math.min(1, share)) * 100;
  return html`<svg
    class="bar ${tone}"
    viewBox="0 0 100 6"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    <rect class="track" width="100" height="6" />
    <rect class="fill" width="${width.toFixed(2)}" height="6" />
  </svg>`;
}

/** Verdicts beside each other, as shares of all. The numbers stand beside it. */
export function Split(verdicts: { pass: number; fail: number; unscored: number }): Html {
  const kinds = ['pass', 'fail', 'unscored'] as const;
  const total = Math.max(1, verdicts.pass + verdicts.fail + verdicts.unscored);
  let x = 0;
  return html`<svg class="split" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
    ${kinds.map((kind) => {
      const [from, width] = [x, (100 * verdicts[kind]) / total];
      x += width;
      return html`<rect class="${kind}" x="${from.toFixed(2)}" width="${width.toFixed(2)}" height="8" />`;
    })}
  </svg>`;
}

export const Empty = ({ children }: { children: Child }): Html => html`<p class="empty">${children}</p>`;

/** A line of a list of facts. */
export const Fact = ({ label, children }: { label: string; children: Child }): Html =>
  html`<dt>${label}</dt>
    <dd>${children}</dd>`;

type CardProps = { title: Child; note?: Child; id?: string; wide?: string; children?: Child };

/** @param wide its share of a grid: `half`, `third`, `two-thirds` */
export const Card = ({ title, note, id, wide, children }: CardProps): Html =>
  html`<section class="card${wide ? ` ${wide}` : ''}" ${attribute('id', id)}>
    <header>
      <h2>${title}</h2>
      ${note ? html`<small>${note}</small>` : ''}
    </header>
    ${children}
  </section>`;
