/** A trained checkpoint with as many examples as asked for, made by the database itself: for sizes that no run reaches in a test. */
import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import * as t from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { longAddition } from './scripted-adder.ts';

const AT_ONCE = 10_000;

const problem = (i: number) => `${String(i).padStart(10, '0')}+${String(2 * i + 1).padStart(10, '0')}`;

/** One iteration, one sample and one example per prompt, three verdicts per sample, and the checkpoint trained on them all. */
export async function addSynthetic(
  db: Db,
  runId: string,
  count: number,
): Promise<{ baseId: number; checkpointId: number; datasetId: number }> {
  const settings = improveInputSchema.parse({});
  await db.insert(t.runs).values({
    id: runId,
    task: 'arithmetic',
    taskSpec: { kind: 'arithmetic' },
    settings,
    codeVersion: 'test',
  });
  const checkpoint = async (values: Partial<typeof t.checkpoints.$inferInsert>) => {
    const row = { runId, iterationIndex: 0, kind: 'base' as const, model: 'builtin', ...values };
    return (await db.insert(t.checkpoints).values(row).returning())[0]!.id;
  };
  const baseId = await checkpoint({ fingerprint: 'fp_0000000000000000' });
  const [iteration] = await db
    .insert(t.iterations)
    .values({ runId, index: 1, checkpointId: baseId, plan: { seed: 1, levels: [4] } })
    .returning();
  const iterationId = iteration!.id;
  const [call] = await db
    .insert(t.modelCalls)
    .values({ runId, iterationId, stage: 'generate', role: 'generator', model: 'builtin', latencyMs: 1 })
    .returning();
  await db.execute(sql`insert into prompts (iteration_id, position, purpose, key, text, level)
    select ${iterationId}, i, 'learn', ${runId} || '/' || i, i || '+1', 4 from generate_series(0, ${count - 1}) i`);
  const digest = createHash('sha256');
  let bytes = 0;
  for (let from = 0; from < count; from += AT_ONCE) {
    const requests = Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, i) => problem(from + i));
    const rationales = requests.map((request) => longAddition(request));
    for (const [i, content] of requests.entries()) {
      const messages = [
        { role: 'user', content },
        { role: 'assistant', content: rationales[i] },
      ];
      const line = `${JSON.stringify({ messages })}\n`;
      digest.update(line);
      bytes += line.length;
    }
    await db.$client.query(
      `insert into samples (prompt_id, round, index, checkpoint_id, call_id, rewrite, strategy, request, rationale, answer,
         format_ok, format_reason, coherence_ok, coherence_reason, finish_reason, completion_tokens, seed)
       select p.id, 1, 0, $1, $2, 'as-is', 'long-addition', u.request, u.rationale, '1', true, '', true, '', 'stop', 111, 7
       from unnest($3::text[], $4::text[]) with ordinality u(request, rationale, n)
       join prompts p on p.iteration_id = $5 and p.position = $6 + u.n - 1`,
      [baseId, call!.id, requests, rationales, iterationId, from],
    );
  }
  await db.execute(sql`insert into votes (prompt_id, answer, votes, runner_up_votes, samples, agreement, margin, trusted)
    select id, '1', 6, 1, 8, 0.75, 0.625, true from prompts where iteration_id = ${iterationId}`);
  await db.execute(sql`insert into verdicts (sample_id, gate, outcome, reason, advisory)
    select s.id, g, 'pass', g || ' is fine', false from samples s join prompts p on p.id = s.prompt_id,
    unnest(array['agreement', 'format', 'length']) g where p.iteration_id = ${iterationId}`);
  await db.execute(sql`insert into examples (run_id, iteration_id, prompt_id, sample_id, kind, answer)
    select ${runId}, ${iterationId}, p.id, s.id, 'vote', '1' from samples s join prompts p on p.id = s.prompt_id
    where p.iteration_id = ${iterationId} order by p.position`);
  const [dataset] = await db
    .insert(t.datasets)
    .values({ iterationId, digest: digest.digest('hex'), examples: count, bytes })
    .returning();
  const datasetId = dataset!.id;
  await db.execute(sql`insert into dataset_examples (dataset_id, position, example_id, replayed)
    select ${datasetId}, p.position, e.id, false from examples e join prompts p on p.id = e.prompt_id
    where e.iteration_id = ${iterationId}`);
  const [job] = await db
    .insert(t.trainingJobs)
    .values({
      key: runId,
      datasetId,
      parentCheckpointId: baseId,
      parentModel: 'builtin',
      parameters: { epochs: 3 },
      remoteId: `ftjob-${runId}`,
      status: 'succeeded',
      seconds: 12,
      trainedTokens: 1000,
    })
    .returning();
  const checkpointId = await checkpoint({
    iterationIndex: 1,
    kind: 'adapter',
    model: `ft:builtin:${runId}`,
    parentId: baseId,
    trainingJobId: job!.id,
    fingerprint: `fp_${createHash('sha256').update(runId).digest('hex').slice(0, 16)}`,
    path: `/data/adapters/${runId}`,
  });
  await db.insert(t.decisions).values({
    iterationId,
    kind: 'promote',
    candidateId: checkpointId,
    bestId: checkpointId,
    reason: 'better',
    numbers: { before: 0.1, after: 0.4, pValue: 1e-9, fixed: 30, broken: 2 },
  });
  await db.execute(sql`analyze`);
  return { baseId, checkpointId, datasetId };
}

/** Trains another checkpoint on a dataset of its own that holds these examples, all of them replayed. */
export async function addPupil(
  db: Db,
  values: { runId: string; index: number; parentId: number; generatorId: number; exampleIds: number[] },
): Promise<{ id: number; iterationId: number; datasetId: number }> {
  const { runId, index, parentId, generatorId, exampleIds } = values;
  const [iteration] = await db
    .insert(t.iterations)
    .values({ runId, index, checkpointId: generatorId, plan: { seed: index } })
    .returning();
  const [dataset] = await db
    .insert(t.datasets)
    .values({ iterationId: iteration!.id, digest: 'none', examples: exampleIds.length, bytes: 1 })
    .returning();
  await db.insert(t.datasetExamples).values(
    exampleIds.map((exampleId, position) => ({
      datasetId: dataset!.id,
      position,
      exampleId,
      replayed: true,
    })),
  );
  const [job] = await db
    .insert(t.trainingJobs)
    .values({
      key: `${runId}/${index}`,
      datasetId: dataset!.id,
      parentCheckpointId: parentId,
      parentModel: 'm',
      parameters: {},
      remoteId: `ftjob-${runId}-${index}`,
      status: 'succeeded',
    })
    .returning();
  const [checkpoint] = await db
    .insert(t.checkpoints)
    .values({
      runId,
      iterationIndex: index,
      kind: 'adapter',
      model: `ft:${runId}:${index}`,
      parentId,
      trainingJobId: job!.id,
    })
    .returning();
  return { id: checkpoint!.id, iterationId: iteration!.id, datasetId: dataset!.id };
}
