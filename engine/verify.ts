import { inArray } from 'drizzle-orm';
import { insertNew } from '../db/insert-new.ts';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Db } from '../db/connect.ts';
import type { Sample, StoredPrompt } from '../db/queries/prompts.ts';
import { storableText } from '../db/storable.ts';
import { verifications } from '../db/schema.ts';
import { policyOf, type GateSettings } from '../gates/index.ts';
import { canVerify, judgesBehaviour, type Task } from '../tasks/task.ts';
import { beating } from './beat.ts';

export type StoredVerification = typeof verifications.$inferSelect;

/** A sample, its prompt, and whether it agrees with the vote. */
export type Verifiable = { sample: Sample; prompt: StoredPrompt; agrees: boolean };

/** As long as a reason is stored. */
export const storedReason = (reason: string): string => storableText(reason).slice(0, 2000);

/** Verifications are stored in groups: of so many, or after so long, since one may take its time. */
const GROUP = 200;
const GROUP_MS = 5_000;

/**
 * The task's own verification of those samples that could become examples, each done once and stored. Without a
 * required agreement, that is every sample with an answer.
 */
export async function verifySamples(
  db: Db,
  task: Task,
  settings: GateSettings,
  candidates: readonly Verifiable[],
): Promise<Map<number, StoredVerification>> {
  const wanted = verifiable(task, settings, candidates);
  const found = await storedVerifications(db, wanted);
  const todo = unverified(wanted, found);
  if (todo.length === 0) return found;
  const { verify } = task;
  if (!verify) throw new Error(`sample ${todo[0]!.sample.id} was not checked in the sandbox`);
  const signal = cancellationSignal();
  let rows: (typeof verifications.$inferInsert)[] = [];
  let stored = Date.now();
  const store = async () => {
    await insertNew(db, verifications, rows);
    rows = [];
    stored = Date.now();
  };
  const problems = todo.map(({ sample: { request, rationale, answer }, prompt }) => ({
    prompt: { ...prompt, level: prompt.level ?? undefined },
    sample: { request, rationale, answer: answer! },
  }));
  const all = await beating(
    () => heartbeat({ total: todo.length }),
    async () => task.verifyAll?.(problems, signal),
  );
  for (const [i, { sample }] of todo.entries()) {
    signal.throwIfAborted();
    const { ok, score, reason } = all?.[i] ?? (await verify(problems[i]!.prompt, problems[i]!.sample));
    rows.push({
      sampleId: sample.id,
      ok: ok ?? null,
      score: score ?? null,
      reason: storedReason(reason),
    });
    if (rows.length >= GROUP || Date.now() - stored > GROUP_MS) await store();
    heartbeat({ verified: i + 1, total: todo.length });
  }
  await store();
  return storedVerifications(db, wanted);
}

/** Those that could become examples. Without a required agreement, that is every one with an answer. */
export function verifiable<One extends { agrees: boolean }>(
  task: Task,
  settings: GateSettings,
  candidates: readonly One[],
): One[] {
  const policy = policyOf(settings, canVerify(task));
  if (!canVerify(task) || policy.verification === 'off') return [];
  // What a program does is found out before the vote, of every sample.
  const all = judgesBehaviour(task) || policy.agreement !== 'required';
  return candidates.filter(({ agrees }) => agrees || all);
}

export async function storedVerifications(
  db: Db,
  of: readonly Verifiable[],
): Promise<Map<number, StoredVerification>> {
  if (of.length === 0) return new Map();
  const ids = of.map(({ sample }) => sample.id);
  const rows = await db.select().from(verifications).where(inArray(verifications.sampleId, ids));
  return new Map(rows.map((row) => [row.sampleId, row]));
}

/** Those with an answer of which nothing is stored yet. */
export const unverified = (
  wanted: readonly Verifiable[],
  found: ReadonlyMap<number, StoredVerification>,
): Verifiable[] => wanted.filter(({ sample }) => !found.has(sample.id) && sample.answer !== null);
