/** A run whose model falls into one template, and a healthy one: what is measured, said and done. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import {
  startScriptedEndpoint,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';

const loop = useLoop(adder);
const { improve, rows } = loop;
const folder = mkdtempSync(join(tmpdir(), 'ratchet-drift-'));
let template: ScriptedEndpoint;
/** Temperatures and wordings under which the problem was put to the model. */
const asked: { temperature: number; text: string }[] = [];

const shop = (i: number) => ({ i, apples: 100 + 7 * i, sold: 3 * i, left: 100 + 4 * i });
const NAMES = ['crates', 'boxes', 'sacks', 'bags', 'trays', 'racks', 'bins', 'tubs', 'jars', 'cans', 'kegs'];
const VERBS = ['hold', 'carry', 'contain', 'store', 'keep', 'take', 'bear'];

/** Each fine-tuning makes it right more often, and after the first it writes the same words about every problem. */
function answer({ messages, seed, generation, temperature }: ScriptedRequest): string {
  const text = messages.at(-1)?.content ?? '';
  asked.push({ temperature, text });
  const id = Number(/Shop (\d+)/.exec(text)?.[1]);
  const { apples, sold, left } = shop(id);
  const luck = ((id * 7919 + (temperature === 0 ? 0 : seed)) % 1000) / 1000;
  const stated = luck < 0.55 + 0.35 * generation ? left : left + 1 + (seed % 5);
  if (generation > 0)
    return `I take the numbers.\nI subtract them.\nI get it in ${seed % 997} steps.\n#### ${stated}`;
  const word = (list: string[], k: number) => list[(id * k + seed) % list.length]!;
  return [
    `${word(NAMES, 3)} of shop ${id} ${word(VERBS, 5)} ${apples} in ${word(NAMES, 7)} at dawn`,
    `by dusk ${sold} ${word(NAMES, 2)} ${word(VERBS, 3)} none of what ${word(NAMES, 5)} ${word(VERBS, 2)}`,
    `leaving ${apples} - ${sold} = ${stated} for ${word(NAMES, 9)} that ${word(VERBS, 4)} more`,
    `#### ${stated}`,
  ].join('\n');
}

beforeAll(async () => {
  template = await startScriptedEndpoint({ baseModel: 'my-model', answer });
  const lines = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, k) => shop(from + k))
      .map(({ i, apples, sold, left }) =>
        JSON.stringify({
          prompt: `Shop ${i} has ${apples} and sells ${sold}. What is left?`,
          answer: String(left),
        }),
      )
      .join('\n');
  writeFileSync(join(folder, 'prompts.jsonl'), lines(1, 300));
  writeFileSync(join(folder, 'held-out.jsonl'), lines(300, 460));
  const task = {
    name: 'shops',
    prompts: { file: 'prompts.jsonl' },
    benchmarks: [{ name: 'target', role: 'target', file: 'held-out.jsonl' }],
    answer: { read: 'hash' },
    models: { generator: { baseURL: template.url, model: 'my-model' } },
  };
  writeFileSync(join(folder, 'task.yaml'), stringify(task));
}, 60_000);
afterAll(async () => {
  await template?.close();
  rmSync(folder, { recursive: true, force: true });
});

type Row = { index: number; source: string; reference: number | null; alarms: { measure: string }[] };
const driftOf = (runId: string) =>
  rows<Row>(
    sql`select i.index, d.source, d.reference_iteration as reference, d.alarms from drift d
      join iterations i on i.id = d.iteration_id where i.run_id = ${runId} order by 1, 2`,
  );
const adjustmentsOf = (runId: string) =>
  rows<{
    kind: string;
    cause: string;
    reason: string;
    from: number;
    until: number | null;
    checkpoint: number;
  }>(
    sql`select a.kind, a.cause, a.reason, a.from_iteration as from, a.until_iteration as until,
        c.iteration_index as checkpoint
      from adjustments a left join checkpoints c on c.id = a.checkpoint_id where a.run_id = ${runId} order by a.id`,
  );

describe('a model that falls into one template', () => {
  it('raises alarms, is answered step by step, and is set back to where it was calm', async () => {
    const result = await improve('template', {
      task: join(folder, 'task.yaml'),
      iterations: 6,
      pool: { prompts: 40 },
      sampling: { samples: 4, cache: false },
      gates: { critique: { mode: 'off' }, policy: { novelty: 'off' } },
      probes: { mode: 'off' },
      benchmark: { majority: false },
      leaks: { similarity: 1 },
      promotion: { correction: 'none' },
      stagnation: { steps: [] },
      drift: { prompts: 12, patience: 1 },
    });
    expect(result).toMatchObject({ status: 'completed' });

    // The same prompts for every checkpoint, in no pool and no benchmark.
    const fixed = await rows<{ n: number; pooled: number; heldout: number }>(
      sql`select count(*)::int as n,
        count(*) filter (where key in (select key from prompts))::int as pooled,
        count(*) filter (where key in (select key from benchmark_items))::int as heldout
        from drift_prompts where run_id = 'template'`,
    );
    expect(fixed).toEqual([{ n: 12, pooled: 0, heldout: 0 }]);
    const answers = await rows<{ index: number; n: number }>(
      sql`select c.iteration_index as index, count(*)::int as n from drift_answers a
        join checkpoints c on c.id = a.checkpoint_id group by 1 order by 1`,
    );
    expect(answers.every(({ n }) => n === 12)).toBe(true);
    // Iteration 6 generates with the base again, which has answered.
    expect(answers.map(({ index }) => index)).not.toContain(6);
    const calls = await rows<{ n: number }>(
      sql`select count(*)::int as n from model_calls where run_id = 'template' and stage = 'drift'`,
    );
    expect(calls[0]!.n).toBe(12 * answers.length);

    const drifted = await driftOf('template');
    expect(drifted.map(({ index, source }) => [index, source])).toEqual(
      [1, 2, 3, 4, 5, 6].flatMap((index) => [
        [index, 'accepted'],
        [index, 'fixed'],
      ]),
    );
    const alarmed = (index: number, source: string) =>
      drifted
        .find((row) => row.index === index && row.source === source)!
        .alarms.map(({ measure }) => measure);
    for (const source of ['accepted', 'fixed']) {
      expect(alarmed(1, source)).toEqual([]);
      expect(alarmed(2, source)).toEqual(
        expect.arrayContaining(['templateEntropy', 'distinct2', 'compression']),
      );
      expect(alarmed(6, source)).toEqual([]);
    }

    const adjustments = await adjustmentsOf('template');
    expect(adjustments.map(({ kind, cause, from }) => [kind, cause, from])).toEqual([
      ['temperature', 'drift', 3],
      ['selection', 'drift', 4],
      ['noise', 'drift', 5],
      ['reset', 'drift', 6],
    ]);
    expect(adjustments[0]!.reason).toMatch(
      /bits of step templates of accepted rationales: .* > 35 %.*temperature 0\.3 higher/,
    );
    expect(adjustments[3]).toMatchObject({ checkpoint: 0 });
    const generating = await rows<{ index: number; checkpoint: number }>(
      sql`select i.index, c.iteration_index as checkpoint from iterations i
        join checkpoints c on c.id = i.checkpoint_id where i.run_id = 'template' order by 1`,
    );
    expect(generating.map(({ checkpoint }) => checkpoint > 0)).toEqual([
      false,
      true,
      true,
      true,
      true,
      false,
    ]);

    // What the reset undid is neither replayed nor usual: the base writes as it did, and is accepted again.
    const replayed = await rows<{ n: number }>(
      sql`select count(*)::int as n from dataset_examples x join datasets d on d.id = x.dataset_id
        join iterations i on i.id = d.iteration_id join examples e on e.id = x.example_id
        join iterations j on j.id = e.iteration_id
        where i.run_id = 'template' and i.index = 6 and j.index between 2 and 5`,
    );
    expect(replayed[0]!.n).toBe(0);

    // What was decided is what was done.
    const temperatures = new Set(asked.map(({ temperature }) => temperature));
    expect([...temperatures]).toEqual(expect.arrayContaining([0.8, 1.1, 1.025, 0.95, 0.875]));
    const strategies = await rows<{ index: number; strategies: string[] }>(
      sql`select i.index, array_agg(distinct s.strategy order by s.strategy) as strategies from samples s
        join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id
        where i.run_id = 'template' and s.round = 1 group by 1 order by 1`,
    );
    expect(strategies[3]!.strategies).toEqual(['plain']);
    expect(strategies[4]!.strategies).toHaveLength(4);

    // The loop says it by the signal that an operator may send, and the report shows it.
    const messages = await rows<{ id: string; kind: string }>(
      sql`select message_id as id, args->>'kind' as kind from messages where run_id = 'template'
          and args->>'kind' = 'drift' order by 1`,
    );
    expect(messages).toEqual([2, 3, 4, 5].map((index) => ({ id: `drift/${index}`, kind: 'drift' })));
    const report = await buildReport(loop.database.db, 'template');
    expect(report.iterations[1]!.drift.map(({ source, reference }) => [source, reference])).toEqual([
      ['accepted', 1],
      ['fixed', 1],
    ]);
    const shown = renderReport(report);
    expect(shown).toMatch(/iteration 2: bits of step templates of the fixed sample: .* > 35 %/);
    expect(Math.max(...shown.split('\n').map((line) => line.length))).toBeLessThanOrEqual(100);
    const { iterations } = await loop.temporal.client.workflow
      .getHandle('template')
      .query<{ iterations: { drift?: { distance: number; alarms: number } }[] }>('history');
    expect(iterations[1]!.drift!.alarms).toBeGreaterThan(0);
    expect(iterations[1]!.drift!.distance).toBeGreaterThan(0.35);
    await saveHistory(loop.temporal, 'template', 'improve-drift');
    await saveHistory(loop.temporal, 'template/iteration-2', 'iteration-drift');
  }, 240_000);
});

describe('a healthy run with measures against forgetting', () => {
  it('raises no alarm, trains the base anew when it is due, and passes its parameters on to the trainer', async () => {
    const result = await improve(
      'healthy',
      loop.small({
        iterations: 3,
        drift: { prompts: 12 },
        training: { resetEvery: 2, weightDecay: 0.02, emaDecay: 0.9, replay: 5 },
      }),
    );
    expect(result).toMatchObject({ status: 'completed' });
    expect((await driftOf('healthy')).every(({ alarms }) => alarms.length === 0)).toBe(true);
    const unread = await rows<{ share: number }>(
      sql`select (d.measures->>'unreadable')::float8 as share from drift d
        join iterations i on i.id = d.iteration_id where i.run_id = 'healthy' and d.source = 'fixed'`,
    );
    expect(unread.map(({ share }) => share)).toEqual([0, 0, 0]);
    expect(await adjustmentsOf('healthy')).toMatchObject([
      {
        kind: 'retrain',
        cause: 'settings',
        from: 2,
        until: 2,
        reason: expect.stringMatching(/^training\.resetEvery 2: the base is trained anew/),
      },
    ]);
    const trained = await rows<{
      index: number;
      parent: number;
      examples: number;
      replayed: number;
      all: number;
    }>(
      sql`select i.index, p.iteration_index as parent, d.examples,
          (select count(*)::int from dataset_examples x where x.dataset_id = d.id and x.replayed) as replayed,
          (select count(*)::int from examples e join iterations j on j.id = e.iteration_id
            where e.run_id = i.run_id and j.index <= i.index) as all
        from training_jobs t join datasets d on d.id = t.dataset_id join iterations i on i.id = d.iteration_id
          join checkpoints p on p.id = t.parent_checkpoint_id where i.run_id = 'healthy' order by 1`,
    );
    expect(trained.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(trained[1]).toMatchObject({ parent: 0, examples: trained[1]!.all });
    expect(trained[2]!.replayed).toBe(5);

    const jobs = [...loop.endpoint.jobs.values()].map((job) => JSON.stringify(job));
    expect(jobs).toHaveLength(3);
    for (const job of jobs) {
      expect(job).toContain('"weight_decay":0.02');
      expect(job).toContain('"ema_decay":0.9');
      expect(job).not.toMatch(/reset_?every/i);
    }
    // Every candidate was measured on every guard.
    const guards = await rows<{ n: number }>(
      sql`select count(*)::int as n from evaluations e join checkpoints c on c.id = e.checkpoint_id
        where c.run_id = 'healthy' and e.benchmark = 'guard' and e.finished_at is not null`,
    );
    expect(guards[0]!.n).toBe(4);
  }, 180_000);
});
