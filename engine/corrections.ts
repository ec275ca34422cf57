/** What becomes of a reviewer's decision beyond the sample itself: examples that a person vouches for. */
import type { Db } from '../db/connect.ts';
import { samplesOf, type Sample } from '../db/queries/prompts.ts';
import { unsettled } from '../db/queries/review-outcomes.ts';
import { examples, prompts, samples } from '../db/schema.ts';
import { eq } from 'drizzle-orm';
import { formsOf, iterationContext, type IterationContext } from './context.ts';

/** A right rationale for a corrected answer, or why there is none: then the correction is stored, and trains nothing. */
export type Correction = {
  /** As the task writes it, where a sample shows how. */
  answer: string;
  source: { sampleId: number; rationale?: string } | { untrainable: string };
};

/**
 * Looks for a rationale that leads to a corrected answer: the reviewer's own, if given, else that of another sample of
 * the prompt. Either must be in the task's format, and the task itself must read the answer out of it.
 */
export async function findCorrection(
  db: Db,
  context: IterationContext,
  sample: Sample,
  answer: string,
  rationale?: string,
): Promise<Correction> {
  const { task } = context;
  const all = await samplesOf(db, [sample.promptId]);
  const others = all.filter(
    (one) => one.id !== sample.id && one.answer !== null && task.sameAnswer(one.answer, answer),
  );
  const spelled = others[0]?.answer ?? answer;
  if (rationale !== undefined) {
    const problem = await problemOf(db, context, sample, answer, rationale);
    return {
      answer: spelled,
      source: problem ? { untrainable: problem } : { sampleId: sample.id, rationale },
    };
  }
  const sound = others.find((one) => one.formatOk && one.coherenceOk);
  return {
    answer: spelled,
    source: sound
      ? { sampleId: sound.id }
      : { untrainable: `no sample of this prompt gives ${answer} in sound steps` },
  };
}

async function problemOf(
  db: Db,
  context: IterationContext,
  sample: Sample,
  answer: string,
  rationale: string,
): Promise<string | undefined> {
  const { task } = context;
  const prompt = (await db.query.prompts.findFirst({ where: eq(prompts.id, sample.promptId) }))!;
  const format = task.checkFormat(sample.request, rationale);
  if (!format.ok) return `the rationale is not in the task's format: ${format.reason}`;
  const form = formsOf(context, { ...prompt, level: prompt.level ?? undefined }).find(
    (one) => one.key === sample.rewrite,
  );
  const own = task.readAnswer(rationale);
  const read = own === undefined ? undefined : form ? form.mapBack(own) : own;
  if (read !== undefined && task.sameAnswer(read, answer)) return undefined;
  return `the rationale leads to ${read ?? 'no answer'}, not to ${answer}`;
}

/** Makes the examples that decisions of a run ask for and that are not there yet. */
export async function settleReviews(db: Db, runId: string): Promise<void> {
  for (const review of await unsettled(db, runId)) {
    const sample = (await db.query.samples.findFirst({ where: eq(samples.id, review.sampleId) }))!;
    const made = {
      runId,
      iterationId: review.iterationId,
      promptId: sample.promptId,
      kind: 'human' as const,
    };
    if (review.decision === 'accept') {
      // One without an answer has nothing to teach.
      if (sample.answer === null) continue;
      await db
        .insert(examples)
        .values({ ...made, sampleId: sample.id, answer: sample.answer })
        .onConflictDoNothing();
      continue;
    }
    const context = await iterationContext(db, review.iterationId);
    const { source } = await findCorrection(
      db,
      context,
      sample,
      review.correctedAnswer!,
      review.correctedRationale ?? undefined,
    );
    if ('untrainable' in source) continue;
    await db
      .insert(examples)
      .values({ ...made, ...source, answer: review.correctedAnswer! })
      .onConflictDoNothing();
  }
}
