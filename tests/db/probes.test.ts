/** What the database itself refuses, whoever writes to it. */
import { sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const ids = { real: 0, planted: 0, undeclared: 0, example: 0, iteration: 0 };

const run = (query: SQL) => database.db.execute<{ id: number }>(query);
const one = async (query: SQL) => Number((await run(query)).rows[0]!.id);
const refusal = async (query: SQL) => {
  const error: unknown = await run(query).then(
    () => new Error('it was taken'),
    (e: unknown) => (e as { cause: unknown }).cause,
  );
  return (error as Error).message;
};

beforeAll(async () => {
  database = await createTestDatabase();
  await run(
    sql`insert into runs (id, task, task_spec, settings, code_version) values ('r', 't', '{}', '{}', 'x')`,
  );
  const checkpoint = await one(
    sql`insert into checkpoints (run_id, iteration_index, kind, model) values ('r', 0, 'base', 'm') returning id`,
  );
  ids.iteration = await one(
    sql`insert into iterations (run_id, index, checkpoint_id, plan) values ('r', 1, ${checkpoint}, '{"seed": 1}') returning id`,
  );
  const prompt = await one(
    sql`insert into prompts (iteration_id, position, purpose, key, text) values (${ids.iteration}, 0, 'learn', 'k', 'k') returning id`,
  );
  const call = await one(
    sql`insert into model_calls (run_id, stage, role, model, latency_ms) values ('r', 'generate', 'generator', 'm', 1) returning id`,
  );
  const sample = (round: number, index: number) =>
    one(sql`insert into samples (prompt_id, origin, round, index, checkpoint_id, call_id, rewrite, strategy, request, rationale, answer,
      format_ok, format_reason, coherence_ok, coherence_reason, finish_reason, completion_tokens, seed)
      values (${prompt}, ${round > 0 ? 'model' : 'planted'}, ${round}, ${index}, ${checkpoint}, ${call}, 'a', 'b', 'c', 'd', '1', true, '', true, '', 'stop', 1, 1)
      returning id`);
  ids.real = await sample(1, 0);
  ids.planted = await sample(0, 0);
  ids.undeclared = await sample(0, 1);
  await run(sql`insert into probes (sample_id, iteration_id, kind, origin, host_sample_id)
    values (${ids.planted}, ${ids.iteration}, 'wrong-answer', 'task', ${ids.real})`);
  ids.example = await one(example(ids.real));
}, 120_000);

afterAll(async () => {
  await database?.drop();
});

const example = (sample: number, kind = 'vote') =>
  sql`insert into examples (run_id, iteration_id, prompt_id, sample_id, kind, answer)
    select 'r', ${ids.iteration}, prompt_id, id, ${kind}, '1' from samples where id = ${sample} returning id`;
const planted = /sample \d+ is planted/;

describe('a planted sample', () => {
  it('can be no example, of any kind, declared or not, nor become one', async () => {
    expect(await refusal(example(ids.planted))).toMatch(planted);
    expect(await refusal(example(ids.planted, 'human'))).toMatch(planted);
    expect(await refusal(example(ids.undeclared))).toMatch(planted);
    expect(
      await refusal(sql`update examples set sample_id = ${ids.planted} where id = ${ids.example}`),
    ).toMatch(planted);
  });

  it('can be in no dataset, even where the first guard was off', async () => {
    await run(sql`alter table examples disable trigger refuse_planted_samples`);
    const smuggled = await one(example(ids.planted));
    await run(sql`alter table examples enable trigger refuse_planted_samples`);
    const dataset = await one(
      sql`insert into datasets (iteration_id, digest, examples, bytes) values (${ids.iteration}, 'd', 1, 1) returning id`,
    );
    const member = (id: number) =>
      sql`insert into dataset_examples (dataset_id, position, example_id, replayed) values (${dataset}, ${id}, ${id}, false)`;
    expect(await refusal(member(smuggled))).toMatch(planted);
    await run(member(ids.example));
    expect(
      await refusal(
        sql`update dataset_examples set example_id = ${smuggled} where example_id = ${ids.example}`,
      ),
    ).toMatch(planted);
    await run(sql`delete from examples where id = ${smuggled}`);
  });

  it('is put to no reviewer', async () => {
    expect(
      await refusal(sql`insert into reviews (run_id, iteration_id, sample_id, reason, audit)
        values ('r', ${ids.iteration}, ${ids.planted}, 'audit', true)`),
    ).toMatch(planted);
  });

  it('stays planted, and a real one stays real', async () => {
    expect(
      await refusal(sql`update samples set origin = 'model', round = 1 where id = ${ids.planted}`),
    ).toMatch(/for good/);
    expect(
      await refusal(sql`update samples set origin = 'planted', round = 0 where id = ${ids.real}`),
    ).toMatch(/for good/);
    // No probe is made of what may be an example already.
    expect(
      await refusal(sql`insert into probes (sample_id, iteration_id, kind, origin, host_sample_id)
        values (${ids.real}, ${ids.iteration}, 'verbose', 'task', ${ids.real})`),
    ).toMatch(/was not planted/);
    expect(
      await refusal(sql`insert into probes (sample_id, iteration_id, kind, origin, host_sample_id)
        values (${ids.undeclared}, ${ids.iteration}, 'verbose', 'task', ${ids.planted})`),
    ).toMatch(/planted itself/);
  });

  it('is never taken for a draw of the model', async () => {
    expect(await refusal(sql`update samples set cache_key = 'k' where id = ${ids.planted}`)).toMatch(
      /no cache key/,
    );
    await run(sql`update samples set cache_key = 'k' where id = ${ids.real}`);
  });
});
