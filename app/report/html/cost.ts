/** What it cost, by iteration, and what a unit of cost bought. */
import { html } from 'hono/html';
import { STAGES } from '../../../loop/words.ts';
import { compact, duration, points } from '../../../process/text.ts';
import { Bar, Card, type Html } from '../../html/parts.ts';
import { endingsText, estimatedText } from '../endings.ts';
import { numbers } from '../tables/table.ts';
import type { IterationReport, Report } from '../types.ts';
import { note, table } from './parts.ts';

const costText = (spent: number | null) => spent?.toFixed(spent < 1 ? 4 : 2) ?? '–';

function costTable(iterations: IterationReport[], money: boolean, known: boolean): Html {
  const best = Math.max(...iterations.map((one) => one.roi ?? 0), 1e-9);
  return table({
    title: 'Cost by iteration',
    rows: iterations,
    columns: [
      ...numbers<IterationReport>({
        '#': (one) => one.iteration,
        read: (one) => compact(one.promptTokens),
        written: (one) => compact(one.completionTokens),
        trained: (one) => compact(one.trainedTokens),
        time: (one) => duration(one.seconds),
      }),
      { title: 'cost', align: 'right', shown: money, text: (one) => costText(one.cost) },
      {
        title: 'gain, points',
        align: 'right',
        text: (one) => (one.before && one.target ? points(one.target.rate - one.before.rate) : null),
      },
      { title: 'return', align: 'right', shown: known, text: (one) => one.roi?.toFixed(1) ?? null },
      {
        title: '',
        shown: known,
        html: ({ roi }) =>
          roi === null ? '' : Bar({ share: roi / best, tone: 'accent', label: roi.toFixed(1) }),
      },
    ],
  });
}

export function cost({ totals, iterations }: Report): Html {
  const money = iterations.find((one) => one.costUnit !== null)?.costUnit === 'money';
  const known = iterations.some((one) => one.roi !== null);
  return Card({
    id: 'cost',
    title: 'Cost and return',
    children: [
      note(
        `${compact(totals.tokens)} tokens (${compact(totals.promptTokens)} read, ${compact(totals.completionTokens)} written, ` +
          `${compact(totals.trainedTokens)} trained) in ${compact(totals.requests)} requests, ${duration(totals.seconds)} from start to end${estimatedText(totals)}${totals.cutOff || totals.refused ? `; ${compact(totals.samples)} samples${endingsText(totals)}` : ''}.`,
      ),
      iterations.length === 0 ? null : costTable(iterations, money, known),
      known
        ? note(
            `Return: points of target accuracy per ${money ? 'unit of money' : 'million tokens'}, the waiting counted in.`,
          )
        : null,
      stageTable(iterations),
    ],
  });
}

function stageTable(iterations: IterationReport[]): Html | null {
  const rows = STAGES.map((stage) => ({
    stage,
    seconds: iterations.reduce((sum, one) => sum + (one.stageSeconds[stage] ?? 0), 0),
  })).filter((one) => one.seconds > 0);
  const all = rows.reduce((sum, one) => sum + one.seconds, 0);
  if (all === 0) return null;
  const times = table({
    title: 'Time by stage',
    rows,
    columns: [
      { title: 'stage', text: (one) => one.stage },
      { title: 'time', align: 'right', text: (one) => duration(one.seconds) },
      {
        title: '',
        html: ({ seconds }) =>
          Bar({ share: seconds / all, label: `${((100 * seconds) / all).toFixed(0)} % of the time` }),
      },
    ],
  });
  return html`<h3>Where the time went</h3>
    ${times}`;
}
