/** What gates let pass, what they did with planted samples, how votes and reviewers judged, how the way of writing moved. */
import { html } from 'hono/html';
import { auditByGate, totalsOf } from '../../../loop/audit.ts';
import { percent } from '../../../process/text.ts';
import { Split } from '../../html/parts.ts';
import type {
  CalibrationReport,
  ClusterReport,
  GateReport,
  IterationReport,
  Report,
  Score,
} from '../types.ts';
import { votesNeeded } from '../wording.ts';
import { numbers, type Table } from './table.ts';

type GateLine = Omit<GateReport, 'advisory'> & { advisory: number; iterations: number };

/** Verdicts over all iterations. */
export function gateTable({ iterations }: Report): Table<GateLine> {
  const all = iterations.flatMap((one) => one.gates);
  const rows = [...Map.groupBy(all, (one) => one.gate)].map(([gate, own]) => {
    const sum = (of: 'pass' | 'fail' | 'unscored') => own.reduce((total, one) => total + one[of], 0);
    const advisory = own.filter((one) => one.advisory).length;
    const [pass, fail, unscored] = [sum('pass'), sum('fail'), sum('unscored')];
    return { gate, pass, fail, unscored, advisory, iterations: own.length };
  });
  const mode = ({ advisory, iterations: all }: GateLine, [always, some, never]: [string, string, string]) =>
    advisory === 0 ? always : advisory === all ? never : some;
  return {
    title: 'Gates',
    rows,
    columns: [
      { title: 'gate', short: '', text: (one) => one.gate },
      ...numbers<GateLine>({
        pass: (one) => one.pass,
        fail: (one) => one.fail,
        unscored: (one) => one.unscored,
      }),
      { title: 'passed, failed', html: (one) => Split(one) },
      {
        title: 'passed',
        align: 'right',
        text: (one) => percent(one.pass / Math.max(1, one.pass + one.fail + one.unscored)),
      },
      {
        title: '',
        text: (one) => mode(one, ['required', 'required in some iterations', 'advises only']),
        terminal: (one) => mode(one, ['', 'advised only in some iterations', 'advises only']),
      },
    ],
  };
}

type ProbeLine = { kind: string; planted: number; caught: number; failedBy: Map<string, number> };

/** Planted bad samples, by their kind: how many of them were caught, and how many each gate failed. */
export function probeTable({ iterations }: Report): Table<ProbeLine> {
  const kinds = iterations.flatMap(({ audit }) => audit?.kinds ?? []);
  const gates = [...new Set(kinds.flatMap((kind) => kind.gates.map((one) => one.gate)))];
  return {
    title: 'Planted bad samples',
    rows: [...Map.groupBy(kinds, (one) => one.kind)].map(([kind, own]) => ({
      kind,
      ...totalsOf(own),
      failedBy: new Map(auditByGate(own).map((one) => [one.gate, one.fail])),
    })),
    columns: [
      { title: 'kind', short: '', text: (one) => one.kind },
      { title: 'caught', align: 'right', text: (one) => `${one.caught} of ${one.planted}` },
      {
        title: '',
        align: 'right',
        text: (one) => percent(one.planted === 0 ? null : one.caught / one.planted),
      },
      ...gates.map((gate) => ({
        title: `by ${gate}`,
        short: gate,
        align: 'right' as const,
        text: (one: ProbeLine) => one.failedBy.get(gate) ?? null,
      })),
    ],
  };
}

const total = (calibration: CalibrationReport | null, of: 'right' | 'total') =>
  calibration?.byVotes.reduce((sum, cell) => sum + cell[of], 0);

/** How right votes were where answers are known, and how independent. */
export function voteTable({ iterations }: Report): Table<IterationReport> {
  const byLevel = iterations.some((one) => one.calibration?.levels.some(({ level }) => level !== null));
  return {
    title: 'Votes',
    rows: iterations,
    columns: [
      { title: '#', align: 'right', text: (one) => one.iteration },
      {
        title: 'right',
        align: 'right',
        text: ({ calibration }) =>
          calibration && `${total(calibration, 'right')}/${total(calibration, 'total')}`,
      },
      {
        title: byLevel ? 'votes needed by level' : 'votes needed',
        text: ({ calibration }) => calibration && votesNeeded(calibration),
      },
      ...numbers<IterationReport>({
        within: ({ votes }) => votes.within?.toFixed(2) ?? null,
        across: ({ votes }) => votes.across?.toFixed(2) ?? null,
        shared: ({ votes }) => votes.sharedMistakes,
        'no answer': ({ votes }) => votes.noAnswer,
        copies: ({ votes }) => votes.copies,
      }),
    ],
  };
}

/** Of how many ways the rationales of accepted prompts are: those that train, and all that passed. */
export function clusterTable({ iterations }: Report) {
  const rows = iterations.flatMap(({ iteration, clusters }) =>
    clusters ? [{ iteration, ...clusters }] : [],
  );
  const each = (count: number, { prompts }: ClusterReport) => (count / prompts).toFixed(2);
  const table: Table<(typeof rows)[number]> = {
    title: 'Clusters of rationales',
    rows,
    columns: numbers<(typeof rows)[number]>({
      '#': (one) => one.iteration,
      'accepted prompts': (one) => one.prompts,
      'clusters trained on': (one) => one.chosen,
      'per prompt': (one) => each(one.chosen, one),
      'clusters that passed': (one) => one.passed,
      'passed, per prompt': (one) => each(one.passed, one),
    }),
  };
  return table;
}

export type PrecisionLine = { votes: number; samples: number; right: number; total: number };

/** Right of all calibration votes with one K, by how many samples stood behind them, most first. */
export function precisionByVotes({ iterations }: Report): PrecisionLine[] {
  const measured = iterations.flatMap((one) => one.calibration ?? []);
  const samples = measured.at(-1)?.samples ?? 0;
  const cells = measured.filter((one) => one.samples === samples).flatMap((one) => one.byVotes);
  return [...Map.groupBy(cells, (cell) => cell.votes)]
    .sort(([a], [b]) => b - a)
    .map(([votes, same]) => {
      const sum = (of: 'right' | 'total') => same.reduce((all, cell) => all + cell[of], 0);
      return { votes, samples, right: sum('right'), total: sum('total') };
    });
}

/** `95.0 % [83.5–98.6]` */
export const rateText = ({ rate, low, high }: Score): string =>
  `${percent(rate)} [${(100 * low).toFixed(1)}–${(100 * high).toFixed(1)}]`;

/** What reviewers were asked and said. */
export function reviewTable({ iterations }: Report) {
  const rows = iterations.flatMap(({ iteration, review }) => (review ? [{ iteration, ...review }] : []));
  const table: Table<(typeof rows)[number]> = {
    title: 'Human review',
    rows,
    columns: [
      ...numbers<(typeof rows)[number]>({
        '#': (one) => one.iteration,
        items: (one) => one.items,
        waiting: (one) => one.waiting,
        accepted: (one) => one.accepted,
        rejected: (one) => one.rejected,
        corrected: (one) => one.corrected,
      }),
      {
        title: 'audited precision',
        text: ({ precision }) => precision && `${rateText(precision)} of ${precision.total}`,
      },
    ],
  };
  return table;
}

/** How rationales are written, of what was accepted and of the fixed sample. */
export function driftTable({ iterations }: Report) {
  const rows = iterations.flatMap(({ iteration, drift }) => drift.map((one) => ({ iteration, ...one })));
  type Line = (typeof rows)[number];
  const table: Table<Line> = {
    title: 'Drift',
    rows,
    columns: [
      { title: '#', align: 'right', text: (one) => one.iteration },
      { title: 'of', text: (one) => one.source },
      ...numbers<Line>({
        texts: (one) => one.texts,
        tokens: (one) => one.tokens.toFixed(0),
        pairs: (one) => one.distinct2.toFixed(2),
        bits: (one) => one.templateEntropy.toFixed(2),
        compressed: (one) => one.compression.toFixed(2),
        'one answer': (one) => percent(one.topAnswer, 0),
        unread: (one) => percent(one.unreadable, 0),
        distance: (one) => one.distance?.toFixed(3) ?? null,
      }),
      {
        title: '',
        text: (one) => (one.alarms.length > 0 ? 'alarm' : ''),
        html: (one) => (one.alarms.length > 0 ? html`<strong class="problem">alarm</strong>` : ''),
      },
    ],
  };
  const alarms = rows.flatMap((one) =>
    one.alarms.map(({ reason }) => ({ iteration: one.iteration, reason })),
  );
  return { table, alarms };
}
