/** Base against best on the same held-out problems, what the base knew already, the guards, and each decision. */
import { html } from 'hono/html';
import { decisionWord } from '../render-decisions.ts';
import { formsSentence, majoritySentence } from '../render-comparison.ts';
import { change } from '../render-report.ts';
import type { IterationReport, Report } from '../report-types.ts';
import { levelRange, percent, points, pValueText } from '../text.ts';
import { curve, dumbbell } from './chart.ts';
import { guardHeld } from './headline.ts';
import { card, chip, note, said, scoreText, table, type Html } from './parts.ts';

export function proof(report: Report): Html {
  const { comparison, base, best, iterations } = report;
  if (comparison.length === 0) return card('proof', 'Proof', '', note('Nothing has been compared yet.'));
  const same = base?.id === best?.id;
  const looks = iterations.filter((one) => one.target !== null).length;
  const rows = comparison.map((one) => [
    one.role,
    scoreText(one.base),
    scoreText(one.best),
    same ? 'same' : points(one.best.rate - one.base.rate),
    one.onlyBest,
    one.onlyBase,
    pValueText(one.pValue),
  ]);
  const final = comparison.some((one) => one.role === 'final');
  return card('proof', 'Proof', 'base against best on the same held-out problems, answered greedily', [
    table(
      'Base against best',
      [
        { title: '' },
        { title: 'base' },
        { title: 'best' },
        { title: 'points', number: true },
        { title: 'fixed', number: true },
        { title: 'broken', number: true },
        { title: 'p', number: true },
      ],
      rows,
    ),
    note(
      'Intervals: 95 % Wilson. Fixed: only the best answers it right; broken: only the base does. p: exact one-sided McNemar test of ' +
        'these two numbers, best over base.',
    ),
    note(
      (looks === 0
        ? ''
        : `Target was looked at for ${looks} decision${looks === 1 ? '' : 's'}, so its gain may flatter. `) +
        (final
          ? 'The final set decided nothing: it was read once, at the end, for base and best, and is the number to quote.'
          : 'The final set decides nothing and is read once, at the end of a run; it was not read for base and best yet.'),
    ),
    report.baseForms ? note(html`<strong>Two forms of the base.</strong> ${formsSentence(report)}`) : '',
    report.majority
      ? note(html`<strong>What the base knew already.</strong> ${majoritySentence(report)}`)
      : '',
    groups(report),
  ]);
}

function groups({ comparison, iterations }: Report): unknown {
  const grouped = comparison.filter((one) => one.groups.length > 1);
  if (grouped.length === 0) return '';
  const word = iterations.some((one) => one.levels) ? 'level' : 'group';
  return html`<details${comparison.some((one) => one.groups.length > 24) ? '' : html` open`}><summary>By ${word}</summary>
<div class="columns">${grouped.map((one) =>
    table(
      `${one.role} by ${word}`,
      [
        { title: `${one.role}, ${word}` },
        { title: 'base', number: true },
        { title: '' },
        { title: 'best', number: true },
      ],
      one.groups.map(({ group, base, best }) => [
        said(group, 60),
        percent(base.rate),
        dumbbell(base, best),
        percent(best.rate),
      ]),
    ),
  )}</div></details>`;
}

export function course(report: Report): Html {
  const drawn = curve(report);
  if (!drawn) return card('curve', 'Over the iterations', '', note('No score yet.'));
  return card('curve', 'Over the iterations', '', drawn);
}

const TONES = { promote: 'good', discard: 'idle', 'nothing-to-train': 'warn', skip: 'idle' } as const;

const guardCell = ({ guards }: IterationReport): unknown =>
  guards.length === 0
    ? '–'
    : guards.map((one) => {
        const bound = one.fallAtMost === null ? '' : `, at most ${(100 * one.fallAtMost).toFixed(1)}`;
        const fall = one.fall <= 0 ? 'did not fall' : `fell ${(100 * one.fall).toFixed(1)}`;
        const held = guardHeld(one) ? 'held' : html`<strong class="problem">not held</strong>`;
        return html`<div>
          ${said(one.guard, 60)} ${fall}${bound}; margin ${(100 * one.margin).toFixed(1)}: ${held}
        </div>`;
      });

export function decisions({ iterations }: Report): Html {
  if (iterations.length === 0) return card('decisions', 'Decisions', '', note('No iteration has begun.'));
  const levels = iterations.some((one) => one.levels);
  const rows = iterations.map((one) => [
    one.iteration,
    ...(levels ? [levelRange(one.levels)] : []),
    chip(one.decision ? TONES[one.decision] : 'run', decisionWord(one)),
    html`<span class="nowrap">${change(one.before, one.target)}</span>`,
    pValueText(one.pValue),
    one.look ? Number(one.look.level.toPrecision(3)) : '–',
    guardCell(one),
    one.reason === null ? '–' : said(one.reason, 600),
  ]);
  return card('decisions', 'Decisions', 'each candidate against the best so far', [
    table(
      'Decisions',
      [
        { title: '#', number: true },
        ...(levels ? [{ title: 'levels' }] : []),
        { title: 'decision' },
        { title: 'target' },
        { title: 'p', number: true },
        { title: 'below', number: true },
        { title: 'guards, in points' },
        { title: 'why' },
      ],
      rows,
    ),
    note(
      'Below: what was left of the level for this look at the target problems. At most: upper bound of the fall with 95 % confidence; ' +
        'the margin is held against the measured fall.',
    ),
  ]);
}
