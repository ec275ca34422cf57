/** Samples with all that led to them and all that was said about them. */
import { and, asc, desc, eq, inArray, isNotNull, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { memoryOfSamples } from './memory.ts';
import { paraphraseKey } from './prompts.ts';
import {
  calibrations,
  checkpoints,
  critiques,
  examples,
  givenExamples,
  iterations,
  modelCalls,
  paraphrases,
  probes,
  prompts,
  reviews,
  samples,
  verdicts,
  votes,
} from '../schema.ts';

/** What people decided about samples of these prompts. */
async function decidedOf(db: Db, promptIds: number[]) {
  return db
    .select({ review: reviews, promptId: samples.promptId, answer: samples.answer })
    .from(reviews)
    .innerJoin(samples, eq(samples.id, reviews.sampleId))
    .where(and(inArray(samples.promptId, promptIds), isNotNull(reviews.decision)))
    .orderBy(asc(reviews.id));
}

/** What the voting samples of prompts answered, each answer with its samples, most frequent first. */
async function answersOf(db: Db, promptIds: number[]) {
  return db
    .select({
      promptId: samples.promptId,
      answer: samples.answer,
      samples: sql<number[]>`array_agg(${samples.id}::float8 order by ${samples.index})`,
    })
    .from(samples)
    .where(and(inArray(samples.promptId, promptIds), eq(samples.round, 1)))
    .groupBy(samples.promptId, samples.answer)
    .orderBy(desc(sql`count(*)`), asc(samples.answer));
}

/** Samples with all that was measured of them and said about them, in the order of their ids. */
export async function judgedSamples(db: Db, sampleIds: number[]) {
  if (sampleIds.length === 0) return [];
  const rows = await db
    .select({
      sample: samples,
      prompt: prompts,
      iteration: iterations,
      vote: votes,
      call: modelCalls,
      generator: checkpoints,
      planted: probes.kind,
      plantedFrom: probes.origin,
      host: probes.hostSampleId,
      calibration: calibrations,
    })
    .from(samples)
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .innerJoin(modelCalls, eq(modelCalls.id, samples.callId))
    .innerJoin(checkpoints, eq(checkpoints.id, samples.checkpointId))
    .leftJoin(votes, eq(votes.promptId, prompts.id))
    .leftJoin(probes, eq(probes.sampleId, samples.id))
    .leftJoin(
      calibrations,
      and(
        eq(calibrations.iterationId, iterations.id),
        sql`${calibrations.level} is not distinct from ${prompts.level}`,
        sql`${calibrations.debated} = coalesce(${votes.debated}, false)`,
      ),
    )
    .where(inArray(samples.id, sampleIds))
    .orderBy(asc(samples.id));
  const said = await db
    .select()
    .from(verdicts)
    .where(inArray(verdicts.sampleId, sampleIds))
    .orderBy(asc(verdicts.gate));
  const critiqued = await db
    .select({ critique: critiques, call: modelCalls })
    .from(critiques)
    .innerJoin(modelCalls, eq(modelCalls.id, critiques.callId))
    .where(inArray(critiques.sampleId, sampleIds))
    .orderBy(asc(critiques.critic));
  const made = await db
    .select({ example: examples, given: givenExamples })
    .from(examples)
    .leftJoin(givenExamples, eq(givenExamples.id, examples.givenId))
    .where(inArray(examples.sampleId, sampleIds))
    .orderBy(asc(examples.id));
  const seen = await memoryOfSamples(db, sampleIds);
  const promptIds = [...new Set(rows.map((row) => row.prompt.id))];
  const decided = await decidedOf(db, promptIds);
  const answers = await answersOf(db, promptIds);
  const worded = await db
    .select({ paraphrase: paraphrases, call: modelCalls })
    .from(paraphrases)
    .innerJoin(modelCalls, eq(modelCalls.id, paraphrases.callId))
    .where(inArray(paraphrases.promptId, promptIds));
  return rows.map((row) => ({
    ...row,
    verdicts: said.filter((one) => one.sampleId === row.sample.id),
    critiques: critiqued.filter((one) => one.critique.sampleId === row.sample.id),
    /** Two where a reviewer wrote other steps to what the gates had accepted, oldest first. */
    examples: made.filter((one) => one.example.sampleId === row.sample.id),
    /** Memory entries that stood before the question. */
    memory: seen.get(row.sample.id) ?? [],
    decided: decided.filter((one) => one.promptId === row.prompt.id),
    answers: answers.filter((one) => one.promptId === row.prompt.id),
    paraphrase: worded.find(
      ({ paraphrase }) =>
        paraphrase.promptId === row.prompt.id && paraphraseKey(paraphrase.index) === row.sample.rewrite,
    ),
  }));
}
export type JudgedRow = Awaited<ReturnType<typeof judgedSamples>>[number];
