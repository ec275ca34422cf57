/** The report's part on votes: how often they were right where answers are known, and how independent they were. */
import type pc from 'picocolors';
import type { CalibrationReport, IterationReport, Report } from './report-types.ts';
import { table, wrap, type Column } from './text.ts';

/** More numbers of votes than this are too many to read. */
const VOTES_SHOWN = 12;

/** `8 of 8 19/19, 7 of 8 30/31`, over all iterations with one K. */
function precisionByVotes(measured: CalibrationReport[]): string {
  const samples = measured.at(-1)!.samples;
  const cells = measured.filter((one) => one.samples === samples).flatMap((one) => one.byVotes);
  const byVotes = [...Map.groupBy(cells, (cell) => cell.votes)].sort(([a], [b]) => b - a);
  const shown = byVotes.slice(0, VOTES_SHOWN).map(([votes, same]) => {
    const sum = (of: 'right' | 'total') => same.reduce((total, cell) => total + cell[of], 0);
    return `${votes} of ${samples} ${sum('right')}/${sum('total')}`;
  });
  return shown.length === 0 ? 'no calibration vote had an answer' : shown.join(', ');
}

/** `3` votes, or by level `4: 3, 8: 5`; `none` where no number of votes is enough. */
export function votesNeeded({ levels }: CalibrationReport): string {
  const text = (votes: number | null) => (votes === null ? 'none' : String(votes));
  return levels.map(({ level, votes }) => (level === null ? '' : `${level}: `) + text(votes)).join(', ');
}

function row(one: IterationReport): string[] {
  const { calibration, votes } = one;
  const total = calibration?.byVotes.reduce((sum, cell) => sum + cell.total, 0);
  const right = calibration?.byVotes.reduce((sum, cell) => sum + cell.right, 0);
  return [
    String(one.iteration),
    calibration ? `${right}/${total}` : '–',
    calibration ? votesNeeded(calibration) : '–',
    votes.within?.toFixed(2) ?? '–',
    votes.across?.toFixed(2) ?? '–',
    String(votes.sharedMistakes),
    String(votes.noAnswer),
    String(votes.copies),
  ];
}

export function voteTable(report: Report, c: ReturnType<typeof pc.createColors>): string[] {
  if (report.iterations.length === 0) return [];
  const measured = report.iterations.flatMap((one) => one.calibration ?? []);
  const asked = measured.at(-1)?.asked ?? 0;
  const wanted = asked > 0 ? `; a precision of ${asked} is asked for` : '; no precision is asked for';
  const sentence =
    measured.length === 0
      ? 'Agreement is uncalibrated: how often votes are right was not measured on problems with known answers.'
      : `Precision by votes, on calibration problems: ${precisionByVotes(measured)}${wanted}.`;
  const head: Column[] = [
    { title: '#', align: 'right' },
    { title: 'right', align: 'right' },
    {
      title: measured.some((one) => one.levels.some(({ level }) => level !== null))
        ? 'votes needed by level'
        : 'votes needed',
    },
    ...['within', 'across', 'shared', 'no answer', 'copies'].map((title): Column => ({
      title,
      align: 'right',
    })),
  ];
  const [title, ...lines] = table(head, report.iterations.map(row), '  ');
  return [
    c.bold('Votes'),
    c.dim(title!),
    ...lines,
    ...wrap(sentence, 98, '  '),
    ...wrap(
      'right: calibration votes. within, across: given one sample that voted for ŷ, the share of others that did, of its own rewrite ' +
        'or kind of rewrite and of others. shared: mistakes of one rewrite, not trusted. no answer: the largest vote. copies: samples of an endpoint that does not sample.',
      98,
      '  ',
    ).map(c.dim),
    '',
  ];
}
