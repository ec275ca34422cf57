/**
 * What exports read, page by page in a fixed order, so that a run of any size needs the memory of one page. All of one
 * export is to be read in one transaction (`snapshot`), or a run under way would change it meanwhile.
 */
import type { Outcome } from '../../loop/words.ts';
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { drawn } from './samples.ts';
import { notRevoked } from './revocations.ts';
import { keptOut } from './review-outcomes.ts';
import type { KeepRule } from '../../loop/review.ts';
import {
  datasetExamples,
  examples,
  iterations,
  prompts,
  revocations,
  samples,
  verdicts,
  votes,
} from '../schema.ts';

/** Reads of one moment, however long they take. */
export function snapshot<T>(db: Db, work: (db: Db) => Promise<T>): Promise<T> {
  return db.transaction((tx) => work(tx as unknown as Db), {
    isolationLevel: 'repeatable read',
    accessMode: 'read only',
  });
}

const columns = {
  exampleId: examples.id,
  kind: examples.kind,
  runId: examples.runId,
  answer: examples.answer,
  rationale: sql<string>`coalesce(${examples.rationale}, ${samples.rationale})`,
  iteration: iterations.index,
  promptId: prompts.id,
  key: prompts.key,
  prompt: prompts.text,
  level: prompts.level,
  sampleId: samples.id,
  request: samples.request,
  strategy: samples.strategy,
  /** Wrote the rationale; 0: a person did. */
  checkpoint:
    sql<number>`case when ${examples.givenId} is null then ${samples.checkpointId} else 0 end`.mapWith(
      Number,
    ),
  /** Null where no vote was held: a person gave the answer. */
  agreement: sql<number | null>`case when ${examples.givenId} is null then ${votes.agreement} end`,
  revoked: sql<boolean>`exists (select 1 from ${revocations} x where x.example_id = ${examples.id})`,
};

const accepted = (db: Db) =>
  db
    .select(columns)
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(iterations, eq(iterations.id, examples.iterationId))
    .leftJoin(votes, eq(votes.promptId, prompts.id));

export type AcceptedRow = Awaited<ReturnType<typeof accepted>>[number];

export type Wanted = {
  runId: string;
  /** Only what this iteration accepted. */
  iteration?: number;
  /** What reviewers keep out; undefined where the run asks for no review. */
  rule?: KeepRule;
};

const inScope = ({ runId, iteration }: Wanted) =>
  and(
    eq(examples.runId, runId),
    iteration === undefined ? undefined : eq(iterations.index, iteration),
    notRevoked,
  );

async function withoutKeptOut(db: Db, { runId, rule }: Wanted, rows: AcceptedRow[]): Promise<AcceptedRow[]> {
  if (!rule || rows.length === 0) return rows;
  const ids = rows.map((row) => row.exampleId);
  const out = await keptOut(db, runId, rule, ids);
  return rows.filter((row) => !out.has(row.exampleId));
}

/** Accepted examples in the order of their ids: neither revoked nor kept out by reviewers. */
export async function* acceptedPages(db: Db, wanted: Wanted, count: number): AsyncGenerator<AcceptedRow[]> {
  for (let after = 0; ;) {
    const rows = await accepted(db)
      .where(and(inScope(wanted), gt(examples.id, after)))
      .orderBy(asc(examples.id))
      .limit(count);
    yield await withoutKeptOut(db, wanted, rows);
    if (rows.length < count) return;
    after = rows.at(-1)!.exampleId;
  }
}

/** A dataset in its own order, revoked examples and all: it is what a checkpoint was trained on. */
export async function* datasetPages(db: Db, datasetId: number, count: number): AsyncGenerator<AcceptedRow[]> {
  for (let from = 0; ; from += count) {
    const members = await db
      .select({ exampleId: datasetExamples.exampleId })
      .from(datasetExamples)
      .where(
        and(
          eq(datasetExamples.datasetId, datasetId),
          sql`${datasetExamples.position} >= ${from} and ${datasetExamples.position} < ${from + count}`,
        ),
      )
      .orderBy(asc(datasetExamples.position));
    if (members.length === 0) return;
    const ids = members.map((one) => one.exampleId);
    const byId = new Map(
      (await accepted(db).where(inArray(examples.id, ids))).map((row) => [row.exampleId, row]),
    );
    yield ids.map((id) => byId.get(id)!);
  }
}

const candidate = {
  sampleId: samples.id,
  promptId: samples.promptId,
  round: samples.round,
  index: samples.index,
  request: samples.request,
  rationale: samples.rationale,
  answer: samples.answer,
  behaviour: samples.behaviour,
  checkpoint: samples.checkpointId,
  /** A required gate failed it. Unscored is not failed. */
  failed: sql<boolean>`exists (select 1 from ${verdicts} v where v.sample_id = ${samples.id}
    and v.outcome = 'fail' and not v.advisory)`,
  /** Null where the vote is not trusted. */
  trusted: sql<string | null>`case when ${votes.trusted} then ${votes.answer} end`,
};

const candidates = (db: Db) =>
  db.select(candidate).from(samples).leftJoin(votes, eq(votes.promptId, samples.promptId));
export type CandidateRow = Awaited<ReturnType<typeof candidates>>[number];

/** Prompts with accepted examples, in the order of their ids, each page with those examples and the model's other samples. */
export async function* promptPages(
  db: Db,
  wanted: Wanted,
  count: number,
): AsyncGenerator<{ accepted: AcceptedRow[]; others: CandidateRow[] }> {
  for (let after = 0; ;) {
    const ids = (
      await db
        .selectDistinct({ id: examples.promptId })
        .from(examples)
        .innerJoin(iterations, eq(iterations.id, examples.iterationId))
        .innerJoin(samples, eq(samples.id, examples.sampleId))
        .where(and(inScope(wanted), gt(examples.promptId, after)))
        .orderBy(asc(examples.promptId))
        .limit(count)
    ).map((row) => row.id);
    if (ids.length === 0) return;
    const rows = await accepted(db)
      .where(and(inScope(wanted), inArray(examples.promptId, ids)))
      .orderBy(asc(examples.promptId), asc(examples.id));
    const others = await candidates(db)
      .where(
        and(
          inArray(samples.promptId, ids),
          drawn(),
          sql`not exists (select 1 from ${examples} e where e.sample_id = ${samples.id}
            and not exists (select 1 from ${verdicts} h where h.sample_id = ${samples.id} and h.gate = 'human' and h.outcome = 'fail'))`,
          sql`btrim(${samples.rationale}) <> ''`,
        ),
      )
      .orderBy(asc(samples.promptId), asc(samples.round), asc(samples.index));
    yield { accepted: await withoutKeptOut(db, wanted, rows), others };
    after = ids.at(-1)!;
  }
}

export type GateVerdict = {
  gate: string;
  outcome: Outcome;
  score: number | null;
  threshold: number | null;
  reason: string;
  advisory: boolean;
};

/** What the gates and people said of these samples, by sample, in the order of the gates' names. */
export async function verdictsOf(db: Db, sampleIds: number[]): Promise<Map<number, GateVerdict[]>> {
  if (sampleIds.length === 0) return new Map();
  const rows = await db
    .select()
    .from(verdicts)
    .where(inArray(verdicts.sampleId, sampleIds))
    .orderBy(asc(verdicts.sampleId), asc(verdicts.gate));
  return Map.groupBy(rows, (row) => row.sampleId);
}
