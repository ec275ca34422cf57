/** Teacher and student side by side, of runs with a teacher: what each gets right, how fast it writes, how large it is. */
import type { Db } from '../../db/connect.ts';
import { footprintsOf, type Footprint } from '../../db/queries/checkpoints.ts';
import { scores as scoreRows } from '../../db/queries/report.ts';
import { baseAndBest, findCheckpoint, type Checkpoint } from '../../db/queries/runs.ts';
import { median } from '../../loop/statistics.ts';
import { TEACHER } from '../../loop/words.ts';
import { percent } from '../../process/text.ts';
import { roleScores } from './scores.ts';
import type { Distilled, DistillationReport, Score } from './types.ts';

/** Null for a run without a teacher, and before it was asked. */
export async function distillationReport(db: Db, runId: string): Promise<DistillationReport | null> {
  const teacher = await findCheckpoint(db, runId, TEACHER);
  if (!teacher || !(await findCheckpoint(db, runId, 0))) return null;
  const { base, best } = await baseAndBest(db, runId);
  const rows = await scoreRows(db, [runId]);
  const known = await footprintsOf(db, [teacher.id, base.id, best.id]);
  const line = (who: Distilled['who'], checkpoint: Checkpoint): Distilled => {
    const { target, final } = roleScores(rows, checkpoint.id);
    return { who, model: checkpoint.model, target, final, ...sizeAndPace(known.get(checkpoint.id)) };
  };
  const before = line('student before', base);
  const student = best.id === base.id ? before : line('student after', best);
  const taught = line('teacher', teacher);
  const on = taught.final && student.final ? ('final' as const) : ('target' as const);
  return {
    rows: best.id === base.id ? [taught, before] : [taught, before, student],
    atOnce: known.get(teacher.id)?.atOnce ?? null,
    on,
    kept: ratio(student[on]?.rate, taught[on]?.rate),
    faster: ratio(student.tokensPerSecond, taught.tokensPerSecond),
    size: ratio(student.parameters, taught.parameters),
  };
}

const sizeAndPace = (one: Footprint | undefined) => ({
  tokensPerSecond: one ? (median(one.rounds) ?? null) : null,
  rounds: one?.rounds ?? [],
  parameters: one?.parameters ?? null,
  weightBytes: one?.weightBytes ?? null,
});

const ratio = (a: number | null | undefined, b: number | null | undefined): number | null =>
  a === null || a === undefined || !b ? null : a / b;

/** What the student is worth beside its teacher, as far as it is known. */
export function distillationSentences(report: DistillationReport): string[] {
  const { rows, on, kept, faster, size, atOnce } = report;
  const [taught] = rows;
  const student = rows.at(-1)!;
  const score = (one: Score | null | undefined) => percent(one?.rate);
  const unpromoted = student.who === 'student before' ? ', with nothing promoted,' : '';
  const parts = [
    kept === null
      ? undefined
      : `keeps ${percent(kept)} of the teacher's ${on} score (${score(student[on])} of ${score(taught?.[on])})`,
    faster === null ? undefined : `writes ${faster.toFixed(2)} times as many tokens per second`,
    size === null ? undefined : `has ${percent(size)} of its parameters`,
  ].filter((part) => part !== undefined);
  const said = parts.length === 0 ? [] : [`The student${unpromoted} ${list(parts)}.`];
  if (atOnce === null) return said;
  return [
    ...said,
    `Tokens per second: median of ${taught!.rounds.length} rounds of ${atOnce} held-out problems at once, teacher and student in turns. ` +
      'Parameters and memory of the weights: as the server that answers says.',
  ];
}

const list = (parts: string[]): string =>
  parts.length < 3 ? parts.join(' and ') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)!}`;
