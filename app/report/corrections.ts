/** What became of the corrections that a run was given: trained, refused and why, in review, superseded. */
import { drawnProblems, type DrawnProblem } from '../../db/queries/taught-requests.ts';
import type { Db } from '../../db/connect.ts';
import { readRun } from '../../engine/context.ts';
import { keyOf } from '../../tasks/file/rows.ts';
import type { CorrectionRow } from '../../tasks/support/rows.ts';

const ENDS = ['trained', 'not trained', 'refused', 'in review', 'superseded', 'held out', 'kept up'] as const;

export type CorrectionEnd = {
  id: string;
  request: string;
  /** What is right by the correction. */
  answer: string | null;
  by: string;
  end: (typeof ENDS)[number];
  /** It trained by what the task made of the correction alone: no answer of the model passed. */
  asWritten: boolean;
  why: string;
};

export type CorrectionCount = { end: CorrectionEnd['end']; corrections: number; why: string };

export type CorrectionReport = { ends: CorrectionEnd[]; counts: CorrectionCount[] };

const FIXED = {
  refused: 'refused',
  review: 'in review',
  superseded: 'superseded',
  hold: 'held out',
} as const;

function endOf(row: CorrectionRow, drawn: DrawnProblem | undefined): Pick<CorrectionEnd, 'end' | 'why'> {
  if (row.fate !== 'learn' && row.fate !== 'keep') return { end: FIXED[row.fate], why: row.reason };
  if (drawn?.example != null)
    return {
      end: row.fate === 'learn' ? 'trained' : 'kept up',
      why: `example ${drawn.example}, iteration ${drawn.iteration}${drawn.written ? ', as written' : ''}; ${row.reason}`,
    };
  const why =
    drawn === undefined
      ? 'not drawn yet'
      : drawn.stoppedBy === null
        ? 'left out of the dataset'
        : `no sample passed the gate ${drawn.stoppedBy}`;
  return { end: 'not trained', why };
}

/** Null for a task that has no corrections. */
export async function correctionReport(db: Db, runId: string): Promise<CorrectionReport | null> {
  // A task that can't be read any more must not hide the rest of the report.
  const run = await readRun(db, runId).catch(() => undefined);
  if (run?.taskSpec.kind !== 'support') return null;
  const { rows } = run.taskSpec;
  const drawn = new Map((await drawnProblems(db, runId)).map((one) => [one.key, one]));
  const ends = rows.map((row): CorrectionEnd => ({
    id: row.id,
    request: row.request,
    answer: row.answer ?? null,
    by: row.decidedBy ?? row.by,
    asWritten: drawn.get(keyOf(row.request))?.written ?? false,
    ...endOf(row, drawn.get(keyOf(row.request))),
  }));
  const order = (end: CorrectionEnd['end']) => ENDS.indexOf(end);
  const counts = ENDS.flatMap((end): CorrectionCount[] => {
    const own = ends.filter((one) => one.end === end);
    return own.length === 0
      ? []
      : [{ end, corrections: own.length, why: commonest(own.map(({ why }) => why)) }];
  });
  return { ends: ends.toSorted((a, b) => order(a.end) - order(b.end)), counts };
}

/** The reason that most have, without what only one of them has. */
function commonest(reasons: readonly string[]): string {
  const general = reasons.map((why) =>
    why.replace(/^example \d+, iteration \d+(?:, as written)?; /, '').replace(/ \([^()]*#\d+\)$/, ''),
  );
  const [[first, n] = ['', 0]] = [...Map.groupBy(general, (why) => why)]
    .map(([why, own]) => [why, own.length] as const)
    .toSorted((a, b) => b[1] - a[1]);
  return n === general.length ? first : `${n} × ${first}`;
}

export function correctionSentence({ ends }: CorrectionReport): string {
  const n = (end: CorrectionEnd['end']) => ends.filter((one) => one.end === end).length;
  const corrected = ends.length - n('kept up');
  const written = ends.filter(({ end, asWritten }) => end === 'trained' && asWritten).length;
  const alone =
    written === 0
      ? ''
      : ` (${written} of them in the words of the correction, since no answer of the model passed)`;
  return `Of ${corrected} corrections ${n('trained')} trained${alone}, ${n('refused')} were refused and ${n('in review')} are in review; ${n('kept up')} answers that users were content with were practised along.`;
}
