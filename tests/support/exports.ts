/** A run with what an export must tell apart: accepted, rejected, revoked, unscored, doubted by reviewers, given by a person. */
import { asc, eq } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import * as t from '../../db/schema.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { addCall, addCheckpoint, addIteration, addRun } from '../cli/fixture.ts';
import { longAddition } from './scripted-adder.ts';

export type Drawn = {
  request: string;
  /** The prompt's answer as this sample has it; null: none could be read. */
  answer: string | null;
  rationale?: string;
  outcome: 'accepted' | 'failed' | 'unscored' | 'advised';
  kind?: t.ExampleKind;
  round?: number;
};

/** `1234+1111` as the built-in model is asked it, times 10^k. */
export function asked(problem: string, k = 0): string {
  return problem
    .split('+')
    .map((number) => (number + '0'.repeat(k)).padStart(10, '0'))
    .join('+');
}

/** One run with one iteration; `prompts` in order, each with its samples in order. */
export async function addExportRun(
  db: Db,
  id: string,
  prompts: { text: string; truth: string; samples: Drawn[] }[],
  input: ImproveInput = {},
) {
  await addRun(db, id, input);
  const base = await addCheckpoint(db, id, 0, { target: 4, guard: 20 });
  const iterationId = await addIteration(db, id, 1, base.id);
  await addPrompts(db, id, iterationId, base.id, prompts);
  return { base, iterationId };
}

async function addPrompts(
  db: Db,
  runId: string,
  iterationId: number,
  checkpointId: number,
  prompts: { text: string; truth: string; samples: Drawn[] }[],
) {
  const callId = await addCall(db, runId, iterationId, 'generate');
  for (const [position, { text, truth, samples }] of prompts.entries()) {
    const [prompt] = await db
      .insert(t.prompts)
      .values({ iterationId, position, purpose: 'learn', key: text, text, level: 4 })
      .returning();
    await db.insert(t.votes).values({
      promptId: prompt!.id,
      answer: truth,
      votes: 5,
      runnerUpVotes: 1,
      samples: 8,
      agreement: 0.625,
      margin: 0.5,
      trusted: samples.some((one) => one.outcome === 'accepted'),
    });
    for (const [index, one] of samples.entries()) {
      const [sample] = await db
        .insert(t.samples)
        .values({
          promptId: prompt!.id,
          round: one.round ?? 1,
          index,
          checkpointId,
          callId,
          rewrite: 'as-is',
          strategy: 'long-addition',
          request: one.request,
          rationale: one.rationale ?? longAddition(one.request),
          answer: one.answer,
          formatOk: true,
          formatReason: '',
          coherenceOk: true,
          coherenceReason: '',
          finishReason: 'stop',
          completionTokens: 111,
          seed: 7,
        })
        .returning();
      await db.insert(t.verdicts).values([
        {
          sampleId: sample!.id,
          gate: 'agreement',
          outcome: one.outcome === 'failed' ? 'fail' : 'pass',
          score: 0.625,
          threshold: 0.375,
          reason: 'agreement 0.63 ≥ 0.38 (5 of 8 samples)',
          advisory: false,
        },
        {
          sampleId: sample!.id,
          gate: 'critique',
          outcome: one.outcome === 'unscored' ? 'unscored' : one.outcome === 'advised' ? 'fail' : 'pass',
          reason: 'said so',
          advisory: one.outcome === 'advised',
        },
      ]);
      if (one.outcome === 'accepted')
        await db.insert(t.examples).values({
          runId,
          iterationId,
          promptId: prompt!.id,
          sampleId: sample!.id,
          kind: one.kind ?? 'vote',
          answer: truth,
        });
    }
  }
}

/** Ids of a run's examples, in order. */
export async function exampleIds(db: Db, runId: string): Promise<number[]> {
  const rows = await db
    .select({ id: t.examples.id })
    .from(t.examples)
    .where(eq(t.examples.runId, runId))
    .orderBy(asc(t.examples.id));
  return rows.map((row) => row.id);
}
