/**
 * The small things that the page is made of. Everything a template is given is escaped, but what another template made.
 * Texts that this program did not write go through `said` or `block`.
 */
import { html } from 'hono/html';
import { percent } from '../text.ts';
import { cutText, visible } from '../visible.ts';
import type { Score } from '../report-types.ts';

export type Html = ReturnType<typeof html>;
export type Tone = 'run' | 'good' | 'warn' | 'bad' | 'idle';

const whole = (count: number) => count.toLocaleString('en-US');

const pieces = (text: string): Html[] =>
  visible(text).map((piece) =>
    piece.mark === undefined
      ? html`${piece.text}`
      : html`<span class="unseen" title="${piece.title}">${piece.mark}</span>`,
  );

/** Inline, cut short. */
export function said(text: string, most = 400): Html {
  const cut = cutText(text, most);
  const left = cut.left > 0 ? html`<span class="muted">… ${whole(cut.left)} more</span>` : '';
  return html`<bdi>${pieces(cut.text)}</bdi>${left}`;
}

export const characters = (text: string) => Array.from(text).length;

/** A block that keeps its lines. `length`: characters of the whole, where `text` is only its beginning. */
export function block(text: string, most: number, length = characters(text)): Html {
  const cut = cutText(text, most);
  const left = length - characters(cut.text);
  const more = left > 0 ? html`<p class="cut">${whole(left)} more characters.</p>` : '';
  // A parser drops the first line feed of a <pre>: let it be this one.
  return html`<pre class="block">${'\n'}${pieces(cut.text)}</pre>
    ${more}`;
}

export const chip = (tone: Tone, text: string | Html): Html =>
  html`<span class="chip ${tone}">${text}</span>`;

export function card(id: string, title: string, note: string | Html, body: unknown): Html {
  return html`<section class="card" id="${id}">
    <header>
      <h2>${title}</h2>
      ${note ? html`<small>${note}</small>` : ''}
    </header>
    ${body}
  </section> `;
}

export const figure = (label: string, value: string | Html, small: string | Html = ''): Html =>
  html`<div class="figure">
    <dt>${label}</dt>
    <dd>${value}${small ? html`<small>${small}</small>` : ''}</dd>
  </div>`;

export type Column = { title: string; number?: boolean };

/** A table that scrolls by itself where the page is narrow. */
export function table(label: string, columns: Column[], rows: unknown[][]): Html {
  const kind = (i: number) => (columns[i]!.number ? html` class="number"` : '');
  return html`<div class="scroll" tabindex="0" role="region" aria-label="${label}">
    <table>
      <thead>
        <tr>
          ${columns.map(({ title }, i) => html`<th scope="col" ${kind(i)}>${title}</th>`)}
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<tr>
              ${row.map((cell, i) => html`<td${kind(i)}>${cell}</td>`)}
            </tr> `,
        )}
      </tbody>
    </table>
  </div>`;
}

export const note = (text: unknown): Html => html`<p class="note">${text}</p>`;

/** `74.5 %`, its interval, and the counts. */
export function scoreText({ rate, low, high, correct, total }: Score): Html {
  const interval = `${(low * 100).toFixed(1)}–${(high * 100).toFixed(1)}`;
  return html`${percent(rate)} <span class="interval">[${interval}] ${correct}/${total}</span>`;
}

/** `2026-11-20 10:05 UTC` */
export const time = (iso: string): Html =>
  html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`;

/** Shares of a whole beside each other. */
export function bar(parts: { share: number; tone: string }[], label: string): Html {
  let x = 0;
  const rects = parts.map(({ share, tone }) => {
    const from = x;
    x += share * 100;
    return html`<rect
      class="${tone}"
      x="${from.toFixed(2)}"
      width="${(share * 100).toFixed(2)}"
      height="6"
    />`;
  });
  return html`<svg
    class="bar"
    viewBox="0 0 100 6"
    preserveAspectRatio="none"
    role="img"
    aria-label="${label}"
  >
    <rect class="track" width="100" height="6" />
    ${rects}
  </svg>`;
}
