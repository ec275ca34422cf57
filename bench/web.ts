/**
 * How long the pages of the web page take with many samples in the database, and what they cost. docs/measurements/pages.md quotes it.
 *
 *   npx node --import tsx bench/web.ts [--samples 100000] [--requests 60]
 *
 * Starts its own PostgreSQL; DATABASE_URL names another server to use. Exits with 1 when a page's 95th percentile passes 200 ms. Wall
 * times grow with what else the machine does; the processor time of this process (pages and the client that asks for them) and of the
 * database does not.
 */
import type { StageName } from '../loop/words.ts';
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { sql } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import * as t from '../db/schema.ts';
import { improveInputSchema } from '../loop/input.ts';
import { createTestDatabase } from '../tests/support/database.ts';
import { startSite } from '../tests/web/site.ts';
import { createMeter } from './cost.ts';

const { values: options } = parseArgs({
  options: {
    samples: { type: 'string', default: '100000' },
    requests: { type: 'string', default: '60' },
  },
});
const LIMIT_MS = 200;
const ITERATIONS = 4;
const K = 8;
const RUN = 'bench';

/** A run of a few large iterations: K samples a prompt, seven verdicts a sample, a call for each, and two small runs beside it. */
async function fill(db: Db, count: number): Promise<void> {
  const settings = improveInputSchema.parse({ iterations: ITERATIONS });
  for (const id of [RUN, 'small-1', 'small-2'])
    await db.insert(t.runs).values({
      id,
      task: 'arithmetic',
      taskSpec: { kind: 'arithmetic' },
      settings,
      codeVersion: 'bench',
      status: 'completed',
      finishedAt: new Date(),
    });
  const prompts = Math.ceil(count / ITERATIONS / K);
  const checkpoint = async (index: number) => {
    const [row] = await db
      .insert(t.checkpoints)
      .values({
        runId: RUN,
        iterationIndex: index,
        kind: index === 0 ? 'base' : 'adapter',
        model: `m${index}`,
      })
      .returning();
    return row!.id;
  };
  await db.execute(sql`insert into benchmark_items (run_id, benchmark, role, position, key, text, answer)
    select ${RUN}, 'target', 'target', i, 'k' || i, '1+1', '2' from generate_series(1, 600) i`);
  let best = await checkpoint(0);
  const [call] = await db
    .insert(t.modelCalls)
    .values({ runId: RUN, stage: 'benchmark', role: 'generator', model: 'm', latencyMs: 5 })
    .returning();
  const measure = async (id: number, correct: number) => {
    const [evaluation] = await db
      .insert(t.evaluations)
      .values({
        checkpointId: id,
        benchmark: 'target',
        total: 600,
        correct,
        unparsable: 0,
        finishedAt: new Date(),
      })
      .returning();
    await db.execute(sql`insert into evaluation_items (evaluation_id, item_id, rationale, answer, correct, call_id)
      select ${evaluation!.id}, i.id, repeat(md5(i.id || '/' || ${id}::text) || E'\n', 12), '2', (i.position * 7919) % 600 < ${correct}, ${call!.id}
      from benchmark_items i where i.run_id = ${RUN} and i.benchmark = 'target'`);
  };
  await measure(best, 60);
  for (let index = 1; index <= ITERATIONS; index++) {
    const [iteration] = await db
      .insert(t.iterations)
      .values({
        runId: RUN,
        index,
        checkpointId: best,
        plan: { seed: index, levels: [4] },
        finishedAt: new Date(),
      })
      .returning();
    const id = iteration!.id;
    await db.execute(sql`insert into prompts (iteration_id, position, purpose, key, text, level)
      select ${id}, i, 'learn', ${index} || '/' || i, i || '+' || ${index}, 4 from generate_series(0, ${prompts - 1}) i`);
    await db.execute(sql`insert into model_calls (run_id, iteration_id, stage, role, model, prompt_tokens, completion_tokens, latency_ms)
      select ${RUN}, ${id}, 'generate', 'generator', 'm', 30, 110, 5 from generate_series(1, ${prompts * K})`);
    await db.execute(sql`insert into samples (prompt_id, round, index, checkpoint_id, call_id, rewrite, strategy, request, rationale, answer,
        format_ok, format_reason, coherence_ok, coherence_reason, finish_reason, completion_tokens, seed)
      select p.id, 1, k, ${best}, (select min(id) from model_calls), 'x10^' || k, 'long-addition', p.text,
        repeat(md5(p.id || '/' || k) || E'\n', 12), (p.position + (case when k < 6 then 0 else k end))::text,
        true, '', true, '', 'stop', 110, p.id + k
      from prompts p, generate_series(0, ${K - 1}) k where p.iteration_id = ${id} order by p.position, k`);
    await db.execute(sql`insert into votes (prompt_id, answer, votes, runner_up_votes, samples, agreement, margin, trusted)
      select id, position::text, 6, 1, 8, 0.75, 0.625, true from prompts where iteration_id = ${id}`);
    // A gate that nearly always passes, one that nearly never does, and one that rarely says anything.
    await db.execute(sql`insert into verdicts (sample_id, gate, outcome, score, threshold, reason, advisory)
      select s.id, g, case when g = 'agreement' and s.index >= 6 then 'fail' when g = 'length' and s.id % 5000 = 0 then 'fail'
          when g = 'novelty' and s.id % 5000 <> 1 then 'fail' when g = 'critique' and s.id % 3 = 0 then 'unscored' else 'pass' end,
        0.75, 0.5, g || ' 0.75 ≥ 0.50 (6 of 8 samples)', g = 'novelty'
      from samples s join prompts p on p.id = s.prompt_id,
        unnest(array['agreement', 'coherence', 'critique', 'distribution', 'format', 'length', 'novelty']) g
      where p.iteration_id = ${id}`);
    await db.execute(sql`insert into examples (run_id, iteration_id, prompt_id, sample_id, kind, answer)
      select ${RUN}, ${id}, p.id, s.id, 'vote', s.answer from samples s join prompts p on p.id = s.prompt_id
      where p.iteration_id = ${id} and s.index < 2 order by p.position, s.index`);
    const [dataset] = await db
      .insert(t.datasets)
      .values({ iterationId: id, digest: 'd', examples: prompts * 2, bytes: 1 })
      .returning();
    await db.execute(sql`insert into dataset_examples (dataset_id, position, example_id, replayed)
      select ${dataset!.id}, row_number() over (order by id) - 1, id, false from examples where iteration_id = ${id}`);
    const candidate = await checkpoint(index);
    await measure(candidate, 60 + 100 * index);
    const noted: Record<string, Record<string, unknown>> = {
      collect: { prompts, rehearsal: 0 },
      generate: { samples: prompts * K },
      evaluate: { voted: prompts, trusted: prompts, critiqued: 0, resampled: 0 },
      filter: { judged: prompts * K, accepted: prompts, examples: prompts * 2 },
      adapt: { examples: prompts * 2 },
      benchmark: { items: 600 },
      decide: { row: { agreement: 0.75, rationaleTokens: 110 } },
    };
    await db.insert(t.stages).values(
      Object.entries(noted).map(([name, output]) => ({
        iterationId: id,
        name: name as StageName,
        status: 'done' as const,
        attempts: 1,
        output,
        startedAt: new Date(Date.now() - 60_000),
        finishedAt: new Date(),
      })),
    );
    await db.insert(t.decisions).values({
      iterationId: id,
      kind: 'promote',
      candidateId: candidate,
      bestId: candidate,
      reason: 'better',
      numbers: { pValue: 1e-9, roi: 3, spend: { tokens: 1e6 } },
    });
    await db.execute(sql`insert into reviews (run_id, iteration_id, sample_id, reason, audit)
      select ${RUN}, ${id}, e.sample_id, 'audit', true from examples e where e.iteration_id = ${id} order by e.id limit 200`);
    best = candidate;
  }
  await db.execute(sql`vacuum analyze`);
}

/** As it was while the gates judged the last iteration. */
async function reopen(db: Db): Promise<void> {
  const id = sql`(select max(id) from iterations where run_id = ${RUN})`;
  await db.execute(sql`delete from decisions where iteration_id = ${id}`);
  await db.execute(sql`update iterations set finished_at = null where id = ${id}`);
  await db.execute(sql`update stages set status = case when name = 'filter' then 'running' else 'pending' end, output = null,
    finished_at = null where iteration_id = ${id} and name in ('filter', 'adapt', 'benchmark', 'decide')`);
  await db.execute(sql`update runs set status = 'running', finished_at = null where id = ${RUN}`);
}

const database = await createTestDatabase();
const site = await startSite(database.db);
const requests = Number(options.requests);
try {
  await fill(database.db, Number(options.samples));
  const { rows } = await database.db.execute<{
    samples: number;
    verdicts: number;
    first: number;
    base: number;
    last: number;
    review: number;
  }>(
    sql`select (select count(*) from samples)::int as samples, (select count(*) from verdicts)::int as verdicts,
      (select min(id) from samples)::int as first, (select min(id) from checkpoints)::int as base,
      (select max(id) from checkpoints)::int as last, (select min(id) from reviews)::int as review`,
  );
  const { samples, verdicts, first, base, last, review } = rows[0]!;
  const iteration = (i: number) => `/runs/${RUN}/iterations/${1 + (i % ITERATIONS)}`;
  const somewhere = (i: number) =>
    Math.floor(((i * 7919) % requests) * (samples / ITERATIONS / K / requests));
  const pages: Record<string, (i: number) => string> = {
    Runs: () => '/',
    Run: () => `/runs/${RUN}`,
    Iteration: iteration,
    'Iteration, deep in its samples': (i) => `${iteration(i)}?after=${somewhere(i)}.1.3`,
    'Iteration, a gate that often fails': (i) => `${iteration(i)}?gate=agreement&outcome=fail`,
    'Iteration, a gate that rarely fails': (i) => `${iteration(i)}?gate=length&outcome=fail`,
    'Iteration, a gate that rarely passes': (i) => `${iteration(i)}?gate=novelty&outcome=pass`,
    'Iteration, a gate that is unscored': (i) => `${iteration(i)}?gate=critique&outcome=unscored`,
    'Iteration, an outcome that is nowhere': (i) => `${iteration(i)}?gate=format&outcome=fail`,
    'Iteration, any gate that failed': (i) => `${iteration(i)}?outcome=fail`,
    'Iteration, trained on': (i) => `${iteration(i)}?became=trained`,
    'Iteration, unreadable answers': (i) => `${iteration(i)}?answer=none`,
    'Iteration, prompts that contain': (i) => `${iteration(i)}?prompt=${1000 + i}`,
    Sample: (i) => `/samples/${first + ((i * 7919) % samples)}`,
    'Text of a sample': (i) => `/samples/${first + ((i * 104_729) % samples)}/text?field=rationale`,
    Checkpoints: () => '/checkpoints',
    'Checkpoints of a task': () => '/tasks/arithmetic',
    Checkpoint: (i) => `/checkpoints/${base + (i % (last - base + 1))}`,
    'Checkpoint, deep in its training set': (i) => `/checkpoints/${last}?from=${somewhere(i)}`,
    'Two checkpoints': (i) => `/compare?a=${base + (i % (last - base))}&b=${last}`,
    'Two checkpoints, all problems': (i) => `/compare?a=${base + (i % (last - base))}&b=${last}&show=all`,
    Review: () => '/review',
    'Item of a review': (i) => `/runs/${RUN}/review/${review + i}`,
    Launch: () => '/launch',
    'Run under way': () => `/runs/${RUN}`,
    'Iteration under way': () => `/runs/${RUN}/iterations/${ITERATIONS}`,
  };
  const meter = await createMeter(database.db);
  type Row = Record<'first ms' | 'median ms' | 'p95 ms' | 'cpu ms' | 'database cpu ms' | 'kB', number>;
  const table: Record<string, Partial<Row> & { p95: string }> = {};
  const load = loadavg();
  const slow: string[] = [];
  for (const [name, path] of Object.entries(pages)) {
    if (name === 'Run under way') await reopen(database.db);
    const times: number[] = [];
    let bytes = 0;
    let began = meter();
    for (let i = 0; i < requests; i++) {
      // The first answer compiles, plans and fills what is kept: it counts in the times, not in what a page costs.
      if (i === 1) began = meter();
      const asked = performance.now();
      const answer = await fetch(site.url + path(i));
      bytes = (await answer.text()).length;
      times.push(performance.now() - asked);
      if (answer.status !== 200) throw new Error(`${path(i)} answers ${answer.status}`);
    }
    const ended = meter();
    const each = (total: number) => Math.round((total / (requests - 1)) * 10) / 10;
    const sorted = times.toSorted((a, b) => a - b);
    const p95 = sorted[Math.ceil(0.95 * requests) - 1]!;
    if (p95 > LIMIT_MS) slow.push(name);
    table[name] = {
      'first ms': Math.round(times[0]!),
      'median ms': Math.round(sorted[Math.floor(requests / 2)]!),
      'p95 ms': Math.round(p95),
      p95: p95 > LIMIT_MS ? 'fail' : 'pass',
      'cpu ms': each(ended.process - began.process),
      ...(began.database === undefined || ended.database === undefined
        ? {}
        : { 'database cpu ms': each(ended.database - began.database) }),
      kB: Math.round(bytes / 1024),
    };
  }
  const loads = (all: number[]) => all[0]!.toFixed(1);
  console.log(
    `${samples.toLocaleString('en-US')} samples, ${verdicts.toLocaleString('en-US')} verdicts; ${requests} requests a page, one after the other; ` +
      `load average ${loads(load)} before and ${loads(loadavg())} after on ${availableParallelism()} cores`,
  );
  console.table(table);
  console.log(
    slow.length === 0
      ? `pass: every page's 95th percentile is within ${LIMIT_MS} ms`
      : `fail: the 95th percentile passes ${LIMIT_MS} ms: ${slow.join('; ')}`,
  );
  if (slow.length > 0) process.exitCode = 1;
} finally {
  await site.close();
  await database.drop();
}
// The exit hook of the embedded server would end the process with 0.
process.exit(process.exitCode);
