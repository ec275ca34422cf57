/** When to kill: a share of a stage's work, or of its time where it is one piece. */
import type { StageName, StageStatus } from '../../../loop/words.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'drizzle-orm';
import { journal } from './folder.ts';
import type { Harness } from './stack.ts';
import type { Snapshot } from './snapshot.ts';

export const STAGES: StageName[] = [
  'collect',
  'generate',
  'evaluate',
  'filter',
  'adapt',
  'benchmark',
  'decide',
];

type Work = {
  status: StageStatus;
  elapsedMs: number;
  samples: number;
  resamples: number;
  answers: number;
  [column: string]: unknown;
};

async function workOf({ db }: Harness, runId: string, stage: StageName): Promise<Work | undefined> {
  const { rows } = await db.execute<Work>(sql`
    with iteration as (select id from iterations where run_id = ${runId} and index = 1),
      pool as (select id from prompts where iteration_id in (select id from iteration))
    select s.status, ${Date.now()} - extract(epoch from s.started_at)::float8 * 1000 as "elapsedMs",
      (select count(*)::int from samples where round = 1 and prompt_id in (select id from pool)) as samples,
      (select count(*)::int from samples where round > 1 and prompt_id in (select id from pool)) as resamples,
      (select count(*)::int from evaluation_items a join evaluations e on e.id = a.evaluation_id
        where e.iteration_id in (select id from iteration)) as answers
    from stages s where s.iteration_id in (select id from iteration) and s.name = ${stage}`);
  return rows[0];
}

/** How much of its time a fine-tuning job that was created since `sinceMs` has had; 0 before there is one. */
function shareTrained({ model, jobMs }: Harness, sinceMs: number): number {
  for (const entry of journal(model.folder).entries()) {
    const createdMs = 'job' in entry ? entry.endsAtMs - jobMs : 0;
    if (createdMs >= sinceMs) return (Date.now() - createdMs) / jobMs;
  }
  return 0;
}

function shareDone(work: Work, stage: StageName, reference: Snapshot): number {
  switch (stage) {
    case 'generate':
      return work.samples / reference.work.samples;
    case 'evaluate':
      return work.resamples / reference.work.resamples;
    case 'benchmark':
      return work.answers / reference.work.answers;
    default: {
      const { startedMs, finishedMs } = reference.stages.find((s) => s.name === stage && s.index === 1)!;
      return work.elapsedMs / (finishedMs - startedMs);
    }
  }
}

/** Waits until `share` of the stage is done, or the stage is over. */
export async function waitForMoment(
  harness: Harness,
  runId: string,
  { stage, share }: { stage: StageName; share: number },
  reference: Snapshot,
): Promise<void> {
  const sinceMs = Date.now();
  const deadline = sinceMs + 90_000;
  for (;;) {
    const work = await workOf(harness, runId, stage);
    const done =
      work && stage === 'adapt' ? shareTrained(harness, sinceMs) : work && shareDone(work, stage, reference);
    if (work?.status === 'done' || (done ?? 0) >= share) return;
    if (Date.now() > deadline)
      throw new Error(`${Math.round(100 * share)} % of ${stage} was not reached in 90 s`);
    await sleep(10);
  }
}
