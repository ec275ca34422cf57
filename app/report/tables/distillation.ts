/** Teacher, student before and student after. */
import { compact, cut, percent, plain } from '../../../process/text.ts';
import type { Distilled, DistillationReport, Score } from '../types.ts';
import type { Table } from './table.ts';

const scoreText = (score: Score | null): string | null =>
  score && `${percent(score.rate)} ${score.correct}/${score.total}`;

const bytesText = (bytes: number | null): string | null =>
  bytes === null ? null : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(2)} GB`;

export const distillationTable = ({ rows }: Pick<DistillationReport, 'rows'>): Table<Distilled> => ({
  title: 'Distillation',
  rows,
  columns: [
    { title: '', text: (one) => one.who, head: true },
    { title: 'model', text: (one) => one.model, terminal: (one) => cut(plain(one.model), 26) },
    { title: 'target', align: 'right', text: (one) => scoreText(one.target) },
    { title: 'final', align: 'right', text: (one) => scoreText(one.final) },
    {
      title: 'tokens/s',
      align: 'right',
      text: (one) => (one.tokensPerSecond === null ? null : Math.round(one.tokensPerSecond)),
    },
    {
      title: 'parameters',
      short: 'params',
      align: 'right',
      text: (one) => (one.parameters === null ? null : compact(one.parameters)),
    },
    { title: 'memory', align: 'right', text: (one) => bytesText(one.weightBytes) },
  ],
});
