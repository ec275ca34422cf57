import { addCalls } from '../../db/queries/calls.ts';
import { insertNew } from '../../db/insert-new.ts';
import type { BenchmarkItemRow } from '../../db/queries/evaluations.ts';
import { evaluationItems, shownAnswers } from '../../db/schema.ts';
import { storableText } from '../../db/storable.ts';
import { measureBy } from '../../engine/harness/measure.ts';
import type { Reload } from '../../engine/reload.ts';
import type { Harness } from '../../tasks/harness.ts';
import type { Asking } from './benchmark.ts';

/**
 * Has a harness measure a checkpoint on all problems of its benchmark, and stores the scores with the one call that they cost, all or none.
 *
 * @param how.both the model answers in both forms: the harness's own is the same with the task's worked examples as without
 */
export async function askHarness(
  { db, run, evaluation, endpoint, whose }: Asking,
  harness: Harness,
  items: BenchmarkItemRow[],
  { both, reload }: { both: boolean; reload: Reload },
): Promise<void> {
  const { scores, call } = await measureBy(harness, db, {
    endpoint,
    problems: items.map(({ text }) => text),
    concurrency: run.settings.paging.callsInFlight,
    whose,
    reload,
    what: `measuring ${endpoint.model} on ${evaluation.benchmark}`,
  });
  await db.transaction(async (tx) => {
    const [callId] = await addCalls(tx, [call]);
    const all = scores.map(({ ok, answer, response }, i) => ({
      itemId: items[i]!.id,
      rationale: storableText(response),
      answer: answer === null ? null : storableText(answer),
      correct: ok,
      fingerprint: call.fingerprint,
      callId: callId!,
    }));
    const evaluationId = evaluation.id;
    await insertNew(
      tx,
      evaluationItems,
      all.map((row) => ({ ...row, evaluationId })),
    );
    if (both) await insertNew(tx, shownAnswers, all);
  });
}
