/** What the report page shows beside the report: real samples of both kinds, and what to compare a repetition with. */
import { and, asc, eq, inArray, ne, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { verdictsOf } from './export.ts';
import { drawn } from './samples.ts';
import { notRevoked } from './revocations.ts';
import { keptOut } from './review-outcomes.ts';
import type { KeepRule } from '../../loop/review.ts';
import {
  benchmarkItems,
  checkpoints,
  datasets,
  examples,
  iterations,
  modelCalls,
  prompts,
  samples,
  verdicts,
  votes,
} from '../schema.ts';

/** The beginning of a text, and how many characters all of it has. */
const beginning = (column: typeof samples.rationale | typeof prompts.text, most: number) =>
  sql<string>`left(${column}, ${most})`;

const shown = {
  sampleId: samples.id,
  promptId: prompts.id,
  iteration: iterations.index,
  key: prompts.key,
  level: prompts.level,
  prompt: beginning(prompts.text, 2_000),
  promptLength: sql<number>`length(${prompts.text})`,
  rationale: beginning(samples.rationale, 2_000),
  rationaleLength: sql<number>`length(${samples.rationale})`,
  rewrite: samples.rewrite,
  strategy: samples.strategy,
  answer: samples.answer,
  votedAnswer: votes.answer,
  votes: votes.votes,
  samples: votes.samples,
};

/** The same few for every reader, and chosen by nobody. */
const byDigest = sql`md5(${samples.id}::text)`;

async function withVerdicts<T extends { sampleId: number }>(db: Db, rows: T[]) {
  const all = await verdictsOf(
    db,
    rows.map((row) => row.sampleId),
  );
  return rows.map((row) => ({ ...row, verdicts: all.get(row.sampleId) ?? [] }));
}

/** Accepted samples of the model, each of another unlabeled prompt; neither revoked ones nor those reviewers keep out. */
export async function someAccepted(db: Db, runId: string, rule: KeepRule | undefined, most: number) {
  const rows = await db
    .select({ ...shown, exampleId: examples.id, kind: examples.kind })
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .leftJoin(votes, eq(votes.promptId, prompts.id))
    .where(
      and(
        eq(examples.runId, runId),
        eq(prompts.purpose, 'learn'),
        inArray(examples.kind, ['vote', 'hard']),
        notRevoked,
      ),
    )
    .orderBy(byDigest)
    .limit(20 * most);
  const ids = rows.map((row) => row.exampleId);
  const out = rule && ids.length > 0 ? await keptOut(db, runId, rule, ids) : new Set<number>();
  const seen = new Set<number>();
  const kept = rows.filter(({ exampleId, promptId }) => {
    if (out.has(exampleId) || seen.has(promptId)) return false;
    seen.add(promptId);
    return true;
  });
  return withVerdicts(db, kept.slice(0, most));
}

/** For each required gate one of the model's samples that it failed, those first that no other gate failed. */
export async function someRejected(db: Db, runId: string, most: number) {
  const others = sql`(select count(*) from ${verdicts} o where o.sample_id = ${samples.id} and o.gate <> ${verdicts.gate}
    and o.outcome = 'fail' and not o.advisory)`;
  const rows = await db
    .selectDistinctOn([verdicts.gate], { ...shown, gate: verdicts.gate })
    .from(verdicts)
    .innerJoin(samples, eq(samples.id, verdicts.sampleId))
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
    .leftJoin(votes, eq(votes.promptId, prompts.id))
    .where(
      and(
        eq(iterations.runId, runId),
        eq(prompts.purpose, 'learn'),
        drawn(),
        eq(verdicts.outcome, 'fail'),
        ne(verdicts.advisory, true),
        sql`not exists (select 1 from ${examples} e where e.sample_id = ${samples.id})`,
      ),
    )
    .orderBy(asc(verdicts.gate), others, byDigest);
  return withVerdicts(db, rows.slice(0, most));
}

/** Models that answered, by role, with the fingerprints that they told. */
export async function modelsAsked(db: Db, runId: string) {
  return db
    .select({
      role: modelCalls.role,
      model: modelCalls.model,
      fingerprint: modelCalls.fingerprint,
      requests: sql<number>`coalesce(sum(${modelCalls.requests}), 0)::int`,
    })
    .from(modelCalls)
    .where(eq(modelCalls.runId, runId))
    .groupBy(modelCalls.role, modelCalls.model, modelCalls.fingerprint)
    .orderBy(asc(modelCalls.role), asc(modelCalls.model), asc(modelCalls.fingerprint));
}

/** A run's checkpoints with the digest of what trained each. */
export async function trainedCheckpoints(db: Db, runId: string) {
  return db
    .select({
      id: checkpoints.id,
      iteration: checkpoints.iterationIndex,
      model: checkpoints.model,
      fingerprint: checkpoints.fingerprint,
      path: checkpoints.path,
      digest: datasets.digest,
      examples: datasets.examples,
    })
    .from(checkpoints)
    .leftJoin(iterations, and(eq(iterations.runId, runId), eq(iterations.index, checkpoints.iterationIndex)))
    .leftJoin(datasets, eq(datasets.iterationId, iterations.id))
    .where(eq(checkpoints.runId, runId))
    .orderBy(asc(checkpoints.iterationIndex));
}

/** The held-out problems in their order. */
export async function heldOut(db: Db, runId: string) {
  return db
    .select({
      benchmark: benchmarkItems.benchmark,
      role: benchmarkItems.role,
      text: benchmarkItems.text,
      answer: benchmarkItems.answer,
    })
    .from(benchmarkItems)
    .where(eq(benchmarkItems.runId, runId))
    .orderBy(asc(benchmarkItems.role), asc(benchmarkItems.benchmark), asc(benchmarkItems.position));
}
