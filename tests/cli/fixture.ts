/** A run in the database as the loop would have stored it, small enough to count by hand. */
import type { Db } from '../../db/connect.ts';
import * as t from '../../db/schema.ts';
import type { DecisionKind, RunStatus } from '../../loop/words.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';

/** Right answers per role; items are numbered, and the first ones are right. */
export type Right = { target: number; guard?: number; final?: number };
export const sizes = { target: 40, guard: 20, final: 30 } as const;

export async function addRun(db: Db, id: string, input: ImproveInput = {}, status: RunStatus = 'completed') {
  const createdAt = new Date('2026-11-20T10:00:00Z');
  await db.insert(t.runs).values({
    id,
    task: 'arithmetic',
    taskSpec: { kind: 'arithmetic' },
    settings: improveInputSchema.parse(input),
    codeVersion: 'test',
    status,
    createdAt,
    finishedAt: status === 'running' ? null : new Date(createdAt.getTime() + 300_000),
  });
  for (const role of ['target', 'guard', 'final'] as const) {
    const groups = role === 'guard' ? ['1', '2'] : ['4', '10'];
    await db.insert(t.benchmarkItems).values(
      Array.from({ length: sizes[role] }, (_, i) => ({
        runId: id,
        benchmark: role,
        role,
        position: i,
        key: `${role}-${i}`,
        text: '1+1',
        answer: '2',
        group: groups[i % 2],
      })),
    );
  }
  return id;
}

export async function addCheckpoint(db: Db, runId: string, iterationIndex: number, right: Right) {
  const kind = iterationIndex === 0 ? 'base' : 'adapter';
  const [checkpoint] = await db
    .insert(t.checkpoints)
    .values({
      runId,
      iterationIndex,
      kind,
      model: kind === 'base' ? 'builtin' : `ft:builtin:${iterationIndex}`,
      path: kind === 'base' ? null : `/data/adapters/${iterationIndex}`,
      fingerprint: `fp_${iterationIndex}`,
      trainedTokens: kind === 'base' ? null : 1000,
    })
    .returning();
  const callId = await addCall(db, runId, null, 'benchmark');
  const items = (await db.query.benchmarkItems.findMany()).filter((item) => item.runId === runId);
  for (const role of ['target', 'guard', 'final'] as const) {
    const correct = right[role];
    if (correct === undefined) continue;
    const [evaluation] = await db
      .insert(t.evaluations)
      .values({
        checkpointId: checkpoint!.id,
        benchmark: role,
        total: sizes[role],
        correct,
        unparsable: 0,
        finishedAt: new Date(),
      })
      .returning();
    await db.insert(t.evaluationItems).values(
      items
        .filter((item) => item.role === role)
        .map((item) => ({
          evaluationId: evaluation!.id,
          itemId: item.id,
          rationale: '#2',
          answer: '2',
          correct: item.position < correct,
          callId,
        })),
    );
  }
  return checkpoint!;
}

export async function addCall(db: Db, runId: string, iterationId: number | null, stage: string) {
  const [call] = await db
    .insert(t.modelCalls)
    .values({
      runId,
      iterationId,
      stage,
      role: 'generator',
      model: 'm',
      promptTokens: 10,
      completionTokens: 5,
      latencyMs: 1,
    })
    .returning();
  return call!.id;
}

export async function addIteration(
  db: Db,
  runId: string,
  index: number,
  checkpointId: number,
  finished = true,
) {
  const createdAt = new Date(Date.UTC(2026, 10, 20, 10, index));
  const [iteration] = await db
    .insert(t.iterations)
    .values({
      runId,
      index,
      checkpointId,
      plan: { seed: 1, levels: [4, 5] },
      createdAt,
      finishedAt: finished ? new Date(createdAt.getTime() + 61_000) : null,
    })
    .returning();
  return iteration!.id;
}

export type PoolPrompt = {
  text: string;
  purpose?: t.PromptPurpose;
  /** Samples asked for; all give `answer`. */
  samples?: number;
  answer: string;
  agreement: number;
  accepted?: t.ExampleKind;
};

/** Prompts with samples, votes, verdicts and, where accepted, two examples each. */
export async function addPool(
  db: Db,
  runId: string,
  iterationId: number,
  checkpointId: number,
  pool: PoolPrompt[],
) {
  const callId = await addCall(db, runId, iterationId, 'generate');
  for (const [position, one] of pool.entries()) {
    const purpose = one.purpose ?? 'learn';
    const [prompt] = await db
      .insert(t.prompts)
      .values({ iterationId, position, purpose, key: `${iterationId}-${position}`, text: one.text, level: 4 })
      .returning();
    const count = one.samples ?? 2;
    const samples = await db
      .insert(t.samples)
      .values(
        Array.from({ length: count }, (_, index) => ({
          promptId: prompt!.id,
          round: 1,
          index,
          checkpointId,
          callId,
          rewrite: 'as-is',
          strategy: 'plain',
          request: one.text,
          rationale: `#${one.answer}`,
          answer: one.answer,
          formatOk: true,
          formatReason: '',
          coherenceOk: true,
          coherenceReason: '',
          finishReason: 'stop',
          completionTokens: 5,
          seed: 1,
        })),
      )
      .returning();
    await db.insert(t.votes).values({
      promptId: prompt!.id,
      answer: one.answer,
      votes: count,
      runnerUpVotes: 0,
      samples: count,
      agreement: one.agreement,
      margin: one.agreement,
      trusted: one.accepted !== undefined,
    });
    await db.insert(t.verdicts).values(
      samples.flatMap((sample) => [
        {
          sampleId: sample.id,
          gate: 'agreement',
          outcome: one.accepted ? ('pass' as const) : ('fail' as const),
          reason: '',
          advisory: false,
        },
        { sampleId: sample.id, gate: 'critique', outcome: 'unscored' as const, reason: '', advisory: true },
      ]),
    );
    if (!one.accepted) continue;
    await db.insert(t.examples).values(
      samples.map((sample) => ({
        runId,
        iterationId,
        promptId: prompt!.id,
        sampleId: sample.id,
        kind: one.accepted!,
        answer: one.answer,
      })),
    );
  }
}

export async function addDecision(
  db: Db,
  iterationId: number,
  kind: DecisionKind,
  ids: { candidateId: number | null; bestId: number },
  numbers: Record<string, unknown>,
) {
  await db.insert(t.decisions).values({ iterationId, kind, ...ids, reason: 'because', numbers });
}

/**
 * A finished run of two iterations. The first is promoted (target 4 → 30 of 40), the second discarded.
 * Three pseudo-labels are accepted in the first, of which two are right, and one right one in the second.
 */
export async function addTwoIterations(db: Db, id: string, input: ImproveInput = {}) {
  await addRun(db, id, input);
  const base = await addCheckpoint(db, id, 0, { target: 4, guard: 20, final: 3 });
  const first = await addIteration(db, id, 1, base.id);
  await addPool(db, id, first, base.id, [
    { text: '1234+1111', answer: '2345', agreement: 0.75, accepted: 'vote' },
    { text: '1234+2222', answer: '3456', agreement: 1, accepted: 'vote' },
    { text: '1234+3333', answer: '9999', agreement: 0.75, accepted: 'hard' },
    { text: '1234+4444', answer: '1', agreement: 0.25 },
    { text: '1+1', purpose: 'rehearse', answer: '3', agreement: 1, samples: 1, accepted: 'rehearsal' },
  ]);
  const candidate = await addCheckpoint(db, id, 1, { target: 30, guard: 19, final: 24 });
  await addDecision(
    db,
    first,
    'promote',
    { candidateId: candidate.id, bestId: candidate.id },
    { pValue: 1.2e-5 },
  );
  const second = await addIteration(db, id, 2, candidate.id);
  await addPool(db, id, second, candidate.id, [
    { text: '4321+1111', answer: '5432', agreement: 0.5, accepted: 'vote' },
  ]);
  const worse = await addCheckpoint(db, id, 2, { target: 29, guard: 20 });
  await addDecision(db, second, 'discard', { candidateId: worse.id, bestId: candidate.id }, { pValue: 0.75 });
  return { base, best: candidate };
}
