/** Which problems with known answers an iteration draws, and what their votes say about all others. */
import { addCalibrations, earlierCalibrationVotes, type Calibration } from '../db/queries/calibration.ts';
import type { Db } from '../db/connect.ts';
import { CALIBRATION } from '../db/queries/leaks.ts';
import { calibrate, precisionByVotes, type CalibrationVote, type Required } from '../loop/calibration.ts';
import type { ImproveSettings } from '../loop/input.ts';
import type { HeldOut } from '../loop/leaks.ts';
import { stands, type Vote } from '../loop/vote.ts';
import type { IterationContext } from './context.ts';
import { samplesFor } from './pool.ts';

/** Are votes measured in this run? The ungated arm trusts them all, so there is nothing to measure for. */
export function calibrates({ settings, task }: Pick<IterationContext, 'settings' | 'task'>): boolean {
  const { share } = settings.gates.agreement.calibration;
  return task.calibration !== undefined && share > 0 && settings.experiment !== 'ungated';
}

/** Calibration problems per iteration. */
export function calibrationWanted({ pool, gates }: ImproveSettings): number {
  return Math.ceil(pool.prompts * gates.agreement.calibration.share);
}

export const asHeldOut = ({ key, text }: { key: string; text: string }): HeldOut => {
  return { key, text, benchmark: CALIBRATION };
};

/** The vote over a problem with a known answer. */
export type MeasuredVote = { level: number | null; truth: string } & Pick<
  Vote,
  'answer' | 'votes' | 'runnerUpVotes' | 'samples'
> & { unreadable: number; sharedMistake: boolean };

function evidenceOf({ settings, task }: IterationContext, votes: readonly MeasuredVote[]): CalibrationVote[] {
  return votes.flatMap((one) => {
    const { level, truth, answer, votes: count, runnerUpVotes } = one;
    const counts = settings.gates.agreement.noAnswer === 'votes';
    const against = { ...one, unreadable: counts ? one.unreadable : 0 };
    if (answer === undefined || !stands({ ...one, agreement: 0, margin: 0 }, against)) return [];
    return [{ level, votes: count, lead: count - runnerUpVotes, right: task.sameAnswer(answer, truth) }];
  });
}

/**
 * What the precision asked for needs at each level, from this iteration's calibration votes and those of the latest ones before
 * it. Stored. Empty where votes are not measured: agreement is uncalibrated then.
 */
export async function measureVotes(
  db: Db,
  context: IterationContext,
  own: readonly MeasuredVote[],
  levels: readonly (number | null)[],
): Promise<Map<number | null, Required>> {
  if (own.length === 0) return new Map();
  const { iteration, run, settings } = context;
  const { agreement } = settings.gates;
  const samples = samplesFor(context, { purpose: 'calibrate' });
  const window = {
    after: iteration.index - agreement.calibration.iterations,
    before: iteration.index,
  };
  // A vote of another K says nothing about so many votes of this one.
  const earlier = (await earlierCalibrationVotes(db, run.id, window)).filter(
    ({ vote }) => vote.samples === samples,
  );
  const before = earlier.map(({ level, truth, vote }) => {
    return { level, truth, ...vote, answer: vote.answer ?? undefined };
  });
  const now = evidenceOf(context, own);
  const required = calibrate([...evidenceOf(context, before), ...now], { ...agreement, samples, levels });
  const iterations = new Set(earlier.map((row) => row.iteration)).size + 1;
  await addCalibrations(
    db,
    required.map(({ level, votes, lead, precision, here, all, reason }) => ({
      iterationId: iteration.id,
      level,
      samples,
      asked: agreement.precision,
      votes,
      lead,
      precision,
      right: here.right,
      total: here.total,
      rightAtAll: all.right,
      totalAtAll: all.total,
      iterations,
      cells: precisionByVotes(now.filter((one) => one.level === level)),
      reason,
    })),
  );
  return new Map(required.map((one) => [one.level, one]));
}

/** A stored calibration as the gates see it. */
export function requiredOf(
  row: Calibration | undefined,
): { votes?: number; lead?: number; reason: string } | undefined {
  if (!row) return undefined;
  return { votes: row.votes ?? undefined, lead: row.lead ?? undefined, reason: row.reason };
}
