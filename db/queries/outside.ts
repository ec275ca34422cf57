/** What comes from outside any run: prompts for later runs to draw, and worked answers for later runs to learn from. */
import { and, asc, eq, gt, inArray, sql } from 'drizzle-orm';
import type { Db } from '../connect.ts';
import { examples, givenExamples, iterations, prompts, samples, storedPrompts, verdicts } from '../schema.ts';
import { addPersonCall } from './calls.ts';

export type StoredPrompt = typeof storedPrompts.$inferSelect;
type GivenExample = typeof givenExamples.$inferSelect;

type Tx = Pick<Db, 'insert' | 'select'>;

/** @returns how many were not stored for the task before */
export async function addStoredPrompts(db: Tx, rows: (typeof storedPrompts.$inferInsert)[]): Promise<number> {
  if (rows.length === 0) return 0;
  const added = await db
    .insert(storedPrompts)
    .values(rows)
    .onConflictDoNothing()
    .returning({ id: storedPrompts.id });
  return added.length;
}

/** Stores a prompt, or finds the one of the same problem, from wherever it came. Answers its id. */
export async function storePrompt(db: Db, row: typeof storedPrompts.$inferInsert): Promise<number> {
  const [added] = await db
    .insert(storedPrompts)
    .values(row)
    .onConflictDoNothing()
    .returning({ id: storedPrompts.id });
  if (added) return added.id;
  const known = await db.query.storedPrompts.findFirst({
    where: and(eq(storedPrompts.task, row.task), sql`md5(${storedPrompts.key}) = md5(${row.key})`),
    columns: { id: true },
  });
  return known!.id;
}

export async function findStoredPrompt(db: Db, id: number): Promise<StoredPrompt | undefined> {
  return db.query.storedPrompts.findFirst({ where: eq(storedPrompts.id, id) });
}

/** All prompts stored for a task, oldest first, a page at a time. */
export async function* storedPromptPages(db: Db, task: string, count = 1000): AsyncGenerator<StoredPrompt[]> {
  for (let after = 0; ;) {
    const rows = await db
      .select()
      .from(storedPrompts)
      .where(and(eq(storedPrompts.task, task), gt(storedPrompts.id, after)))
      .orderBy(asc(storedPrompts.id))
      .limit(count);
    if (rows.length === 0) return;
    yield rows;
    after = rows.at(-1)!.id;
  }
}

/** @returns how many were not given for the task before */
export async function addGivenExamples(db: Tx, rows: (typeof givenExamples.$inferInsert)[]): Promise<number> {
  if (rows.length === 0) return 0;
  const added = await db
    .insert(givenExamples)
    .values(rows)
    .onConflictDoNothing()
    .returning({ id: givenExamples.id });
  return added.length;
}

/** Answers that were given for these problems of a task before. */
export async function givenAnswers(
  db: Tx,
  task: string,
  keys: string[],
): Promise<{ id: number; key: string; answer: string }[]> {
  if (keys.length === 0) return [];
  return db
    .select({ id: givenExamples.id, key: givenExamples.key, answer: givenExamples.answer })
    .from(givenExamples)
    .where(
      and(
        eq(givenExamples.task, task),
        inArray(
          sql`md5(${givenExamples.key})`,
          keys.map((key) => sql`md5(${key})`),
        ),
      ),
    );
}

const AT_ONCE = 500;

/**
 * Takes what was given for a task and is not in the run yet into an iteration, all or nothing: each a sample
 * of no round, which no model was asked for, with the verdict of the gate `human`, and an example.
 */
export async function takeInGiven(
  db: Db,
  {
    runId,
    iterationId,
    checkpointId,
    task,
  }: { runId: string; iterationId: number; checkpointId: number; task: string },
): Promise<number> {
  return db.transaction(async (tx) => {
    const missing = await tx
      .select()
      .from(givenExamples)
      .where(
        and(
          eq(givenExamples.task, task),
          sql`not exists (select 1 from ${examples} e where e.run_id = ${runId} and e.given_id = ${givenExamples.id})`,
          // What the run measures its votes on is held out like a benchmark.
          sql`not exists (select 1 from ${prompts} p join ${iterations} i on i.id = p.iteration_id
            where i.run_id = ${runId} and p.purpose = 'calibrate' and p.key = ${givenExamples.key})`,
        ),
      )
      .orderBy(asc(givenExamples.id));
    if (missing.length === 0) return 0;
    const callId = await addPersonCall(tx, { runId, iterationId, stage: 'adapt' });
    for (let i = 0; i < missing.length; i += AT_ONCE) {
      const page = missing.slice(i, i + AT_ONCE);
      const promptIds = await promptsFor(tx, iterationId, page);
      const worked = await tx
        .insert(samples)
        .values(
          page.map((one) => ({
            promptId: promptIds.get(one.key)!,
            origin: 'person' as const,
            round: 0,
            index: one.id,
            checkpointId,
            callId,
            rewrite: 'given',
            strategy: 'given',
            request: one.text,
            rationale: one.rationale,
            answer: one.answer,
            formatOk: true,
            formatReason: 'checked when it was given',
            coherenceOk: true,
            coherenceReason: 'a person vouches for it',
            finishReason: 'given',
            completionTokens: 0,
            seed: 0,
          })),
        )
        .returning({ id: samples.id });
      await tx.insert(verdicts).values(
        page.map((one, j) => ({
          sampleId: worked[j]!.id,
          gate: 'human',
          outcome: 'pass' as const,
          reason: `given by ${one.by}: ${one.origin}${one.note ? `; ${one.note}` : ''}`,
          advisory: false,
        })),
      );
      await tx.insert(examples).values(
        page.map((one, j) => ({
          runId,
          iterationId,
          promptId: promptIds.get(one.key)!,
          sampleId: worked[j]!.id,
          kind: 'human' as const,
          answer: one.answer,
          givenId: one.id,
        })),
      );
    }
    return missing.length;
  });
}

/** The iteration's prompts for these problems, by key. Those that are not in its pool are added, with the purpose `given`. */
async function promptsFor(tx: Tx, iterationId: number, given: GivenExample[]): Promise<Map<string, number>> {
  const keys = [...new Set(given.map((one) => one.key))];
  const known = await tx
    .select({ id: prompts.id, key: prompts.key })
    .from(prompts)
    .where(and(eq(prompts.iterationId, iterationId), inArray(prompts.key, keys)));
  const byKey = new Map(known.map((one) => [one.key, one.id]));
  const added = keys.filter((key) => !byKey.has(key)).map((key) => given.find((one) => one.key === key)!);
  if (added.length === 0) return byKey;
  const [last] = await tx
    .select({ position: sql<number>`coalesce(max(${prompts.position}), -1)::int` })
    .from(prompts)
    .where(eq(prompts.iterationId, iterationId));
  const rows = await tx
    .insert(prompts)
    .values(
      added.map(({ key, text, level }, i) => ({
        iterationId,
        position: last!.position + 1 + i,
        purpose: 'given' as const,
        key,
        text,
        level,
      })),
    )
    .returning({ id: prompts.id, key: prompts.key });
  for (const row of rows) byKey.set(row.key, row.id);
  return byKey;
}
