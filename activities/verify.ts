import { inArray } from 'drizzle-orm';
import { cancellationSignal, heartbeat } from '@temporalio/activity';
import type { Db } from '../db/connect.ts';
import type { Sample, StoredPrompt } from '../db/prompts.ts';
import { verifications } from '../db/schema.ts';
import { policyOf } from '../gates/index.ts';
import type { GateSettings } from '../gates/gate.ts';
import type { Task } from '../tasks/task.ts';

export type StoredVerification = typeof verifications.$inferSelect;

/** A sample, its prompt, and whether it agrees with the vote. */
export type Verifiable = { sample: Sample; prompt: StoredPrompt; agrees: boolean };

/** Longest reason that is stored. */
const REASON_CHARACTERS = 2000;

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
  const found = new Map<number, StoredVerification>();
  const policy = policyOf(settings, task.verify !== undefined);
  if (!task.verify || policy.verification === 'off') return found;
  const wanted = candidates.filter(({ agrees }) => agrees || policy.agreement !== 'required');
  const ids = wanted.map(({ sample }) => sample.id);
  const load = async () => {
    if (ids.length === 0) return;
    const rows = await db.select().from(verifications).where(inArray(verifications.sampleId, ids));
    for (const row of rows) found.set(row.sampleId, row);
  };
  await load();
  const signal = cancellationSignal();
  const todo = wanted.filter(({ sample }) => !found.has(sample.id) && sample.answer !== null);
  let rows: (typeof verifications.$inferInsert)[] = [];
  let stored = Date.now();
  const store = async () => {
    if (rows.length > 0) await db.insert(verifications).values(rows).onConflictDoNothing();
    rows = [];
    stored = Date.now();
  };
  for (const [i, { sample, prompt }] of todo.entries()) {
    signal.throwIfAborted();
    const { request, rationale, answer } = sample;
    const { ok, score, reason } = await task.verify(
      { ...prompt, level: prompt.level ?? undefined },
      { request, rationale, answer: answer! },
    );
    rows.push({
      sampleId: sample.id,
      ok: ok ?? null,
      score: score ?? null,
      reason: reason.replaceAll('\0', '\uFFFD').slice(0, REASON_CHARACTERS),
    });
    if (rows.length >= GROUP || Date.now() - stored > GROUP_MS) await store();
    heartbeat({ verified: i + 1, total: todo.length });
  }
  await store();
  if (todo.length > 0) await load();
  return found;
}
