/** What it cost, by iteration, and what a unit of cost bought. */
import { html } from 'hono/html';
import { endingsText, estimatedText } from '../endings.ts';
import { STAGES } from '../../db/schema.ts';
import type { Report } from '../report-types.ts';
import { compact, duration, points } from '../text.ts';
import { bar, card, note, table, type Html } from './parts.ts';

const costText = (spent: number | null) => spent?.toFixed(spent < 1 ? 4 : 2) ?? '–';

export function cost({ totals, iterations }: Report): Html {
  const unit = iterations.find((one) => one.costUnit !== null)?.costUnit ?? null;
  const money = unit === 'money';
  const best = Math.max(...iterations.map((one) => one.roi ?? 0), 1e-9);
  const known = iterations.some((one) => one.roi !== null);
  const rows = iterations.map((one) => [
    one.iteration,
    compact(one.promptTokens),
    compact(one.completionTokens),
    compact(one.trainedTokens),
    duration(one.seconds),
    ...(money ? [costText(one.cost)] : []),
    one.before && one.target ? points(one.target.rate - one.before.rate) : '–',
    ...(known
      ? [
          one.roi?.toFixed(1) ?? '–',
          one.roi === null
            ? ''
            : bar([{ share: Math.max(0, one.roi) / best, tone: 'accent' }], one.roi.toFixed(1)),
        ]
      : []),
  ]);
  return card('cost', 'Cost and return', '', [
    note(
      `${compact(totals.tokens)} tokens (${compact(totals.promptTokens)} read, ${compact(totals.completionTokens)} written, ` +
        `${compact(totals.trainedTokens)} trained) in ${compact(totals.requests)} requests, ${duration(totals.seconds)} from start to end${estimatedText(totals)}${totals.cutOff || totals.refused ? `; ${compact(totals.samples)} samples${endingsText(totals)}` : ''}.`,
    ),
    rows.length === 0
      ? ''
      : table(
          'Cost by iteration',
          [
            { title: '#', number: true },
            { title: 'read', number: true },
            { title: 'written', number: true },
            { title: 'trained', number: true },
            { title: 'time', number: true },
            ...(money ? [{ title: 'cost', number: true }] : []),
            { title: 'gain, points', number: true },
            ...(known ? [{ title: 'return', number: true }, { title: '' }] : []),
          ],
          rows,
        ),
    known
      ? note(
          `Return: points of target accuracy per ${money ? 'unit of money' : 'million tokens'}, the waiting counted in.`,
        )
      : '',
    stageTable(iterations),
  ]);
}

function stageTable(iterations: Report['iterations']): unknown {
  const seconds = STAGES.map((stage) => ({
    stage,
    seconds: iterations.reduce((sum, one) => sum + (one.stageSeconds[stage] ?? 0), 0),
  })).filter((one) => one.seconds > 0);
  const all = seconds.reduce((sum, one) => sum + one.seconds, 0);
  if (all === 0) return '';
  return [
    html`<h3>Where the time went</h3>`,
    table(
      'Time by stage',
      [{ title: 'stage' }, { title: 'time', number: true }, { title: '' }],
      seconds.map((one) => [
        one.stage,
        duration(one.seconds),
        bar(
          [{ share: one.seconds / all, tone: 'run' }],
          `${((100 * one.seconds) / all).toFixed(0)} % of the time`,
        ),
      ]),
    ),
  ];
}
