/** Answers that were asked for one by one (schema/answers.ts): every write is safe to repeat. */
import { and, asc, desc, eq, ne, sql } from 'drizzle-orm';
import { insertNew } from '../insert-new.ts';
import type { Db } from '../connect.ts';
import { taught, type TrainingExample } from './examples.ts';
import { notRevoked } from './revocations.ts';
import { noArm } from './serving.ts';
import { answerDemonstrations, answers, examples, prompts, runs, samples } from '../schema.ts';

export type AnswerRow = typeof answers.$inferSelect;
export type AnswerDemonstration = typeof answerDemonstrations.$inferSelect;
type Changes = Partial<Omit<typeof answers.$inferInsert, 'id' | 'promptDigest' | 'checkpointId'>>;

export async function findAnswer(db: Db, id: string): Promise<AnswerRow | undefined> {
  return db.query.answers.findFirst({ where: eq(answers.id, id) });
}

/** Stores a request for an answer, or finds it. */
export async function addAnswer(db: Db, row: typeof answers.$inferInsert): Promise<AnswerRow> {
  await db.insert(answers).values(row).onConflictDoNothing();
  return (await findAnswer(db, row.id))!;
}

/** Changes what is known of it; tokens are added to those before. */
export async function noteAnswer(
  db: Db,
  id: string,
  changes: Changes,
  tokens: { promptTokens: number; completionTokens: number } = { promptTokens: 0, completionTokens: 0 },
): Promise<void> {
  await db
    .update(answers)
    .set({
      ...changes,
      promptTokens: sql`${answers.promptTokens} + ${tokens.promptTokens}`,
      completionTokens: sql`${answers.completionTokens} + ${tokens.completionTokens}`,
    })
    .where(eq(answers.id, id));
}

/** @throws an error of the database when one of them is the query itself */
export async function addDemonstrations(
  db: Db,
  rows: (typeof answerDemonstrations.$inferInsert)[],
): Promise<void> {
  await insertNew(db, answerDemonstrations, rows);
}

export async function demonstrationsOf(db: Db, answerId: string): Promise<AnswerDemonstration[]> {
  return db
    .select()
    .from(answerDemonstrations)
    .where(eq(answerDemonstrations.answerId, answerId))
    .orderBy(asc(answerDemonstrations.position));
}

/** Answers whose adapter, or the job that makes it, may still be there, oldest first. */
export async function heldAnswers(db: Db, most: number): Promise<AnswerRow[]> {
  return db.query.answers.findMany({
    where: eq(answers.adapterState, 'held'),
    orderBy: asc(answers.createdAt),
    limit: most,
  });
}

/** The accepted examples of a task that are nearest to a level, of equally near ones the newest; none that was revoked. */
export async function relatedExamples(
  db: Db,
  { task, key, level, most }: { task: string; key: string; level: number | undefined; most: number },
): Promise<TrainingExample[]> {
  const distance = level === undefined ? sql`0` : sql`abs(coalesce(${prompts.level}, 0) - ${level})`;
  return db
    .select(taught)
    .from(examples)
    .innerJoin(samples, eq(samples.id, examples.sampleId))
    .innerJoin(prompts, eq(prompts.id, examples.promptId))
    .innerJoin(runs, eq(runs.id, examples.runId))
    .where(and(eq(runs.task, task), ne(prompts.key, key), notRevoked, noArm))
    .orderBy(distance, desc(examples.id))
    .limit(most);
}
