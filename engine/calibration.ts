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
import type { Counted } from './voting.ts';

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
type MeasuredVote = { level: number | null; truth: string } & Pick<
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

/** Votes to measure, and the levels to measure at; `debated`: votes of debates, which are measured apart. */
type Measured = {
  own: readonly MeasuredVote[];
  levels: readonly (number | null)[];
  debated: boolean;
};

/** Of an iteration's votes those over problems with known answers. @param truths the answers, by id of the prompt */
export function measurable(
  counted: readonly Counted[],
  truths: ReadonlyMap<number, string>,
  { debated }: { debated: boolean },
): Measured {
  const own = counted.flatMap((one) => {
    const { prompt, result, unreadable, sharedMistake } = one;
    const truth = truths.get(prompt.id);
    return truth === undefined || one.debated !== debated
      ? []
      : [{ level: prompt.level, truth, ...result, unreadable, sharedMistake }];
  });
  const judged = counted.filter(({ prompt }) => prompt.purpose !== 'rehearse');
  return { own, levels: [...new Set(judged.map(({ prompt }) => prompt.level))], debated };
}

/**
 * What the precision asked for needs at each level, from this iteration's calibration votes and those of the latest ones before
 * it. Empty where votes are not measured: agreement is uncalibrated then.
 */
async function measure(db: Db, context: IterationContext, { own, levels, debated }: Measured) {
  const { iteration, run, settings } = context;
  const { agreement } = settings.gates;
  const samples = debated
    ? settings.strategy.debate.agents.length
    : samplesFor(context, { purpose: 'calibrate' });
  const window = {
    after: iteration.index - agreement.calibration.iterations,
    before: iteration.index,
  };
  // A vote of another K says nothing about so many votes of this one.
  const earlier = (await earlierCalibrationVotes(db, run.id, window)).filter(
    ({ vote }) => vote.samples === samples && vote.debated === debated,
  );
  if (own.length === 0 && earlier.length === 0) return { required: [], now: [], samples, iterations: 0 };
  const before = earlier.map(({ level, truth, vote }) => {
    return { level, truth, ...vote, answer: vote.answer ?? undefined };
  });
  const now = evidenceOf(context, own);
  const required = calibrate([...evidenceOf(context, before), ...now], { ...agreement, samples, levels });
  const iterations = new Set(earlier.map((row) => row.iteration)).size + (own.length > 0 ? 1 : 0);
  return { required, now, samples, iterations };
}

const byLevel = (required: readonly Required[]) => new Map(required.map((one) => [one.level, one]));

/** What these votes would need, by level. Nothing is stored. */
export async function votesNeeded(
  db: Db,
  context: IterationContext,
  measured: Measured,
): Promise<Map<number | null, Required>> {
  return byLevel((await measure(db, context, measured)).required);
}

/** The same for the iteration's vote. Stored. */
export async function measureVotes(
  db: Db,
  context: IterationContext,
  measured: Measured,
): Promise<Map<number | null, Required>> {
  const { iteration, settings } = context;
  const { required, now, samples, iterations } = await measure(db, context, measured);
  await addCalibrations(
    db,
    required.map(({ level, votes, lead, precision, here, all, reason }) => ({
      iterationId: iteration.id,
      level,
      samples,
      debated: measured.debated,
      asked: settings.gates.agreement.precision,
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
  return byLevel(required);
}

/** A stored calibration as the gates see it. */
export function requiredOf(
  row: Calibration | undefined,
): { votes?: number; lead?: number; reason: string } | undefined {
  if (!row) return undefined;
  return { votes: row.votes ?? undefined, lead: row.lead ?? undefined, reason: row.reason };
}
