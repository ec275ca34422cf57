/** Long-term memory in whole runs: what is admitted, what it is worth, and that poison is caught. */
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import { addMemory } from '../../db/queries/memory.ts';
import { memoryTokens } from '../../engine/memory/prompt.ts';
import { loadTask } from '../../tasks/index.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { CAREFUL, FORGET, FOUR_ONLY, readingAdder, shownSum } from '../support/reading-adder.ts';
import type { ImproveInput } from '../../loop/input.ts';

const loop = useLoop(readingAdder);
const { improve, rows } = loop;
const task = loadTask({ kind: 'arithmetic' });

const TASK = 'arithmetic';

async function plant(kind: 'pattern' | 'heuristic', text: string, of?: { key: string; request: string }) {
  const request = of?.request ?? null;
  return (await addMemory(
    loop.database.db,
    { task: TASK, kind, request, text, tokens: memoryTokens({ request, text }), by: 'a test' },
    of ? [{ key: of.key, text: of.key, level: null }] : [],
    'planted',
  ))!;
}

/** The share of the first samples that are right, by the task's own truth. */
async function rightShare(runId: string): Promise<number> {
  const drawn = await rows<{ text: string; key: string; answer: string | null }>(
    sql`select p.text, p.key, s.answer from samples s join prompts p on p.id = s.prompt_id
      join iterations i on i.id = p.iteration_id
      where i.run_id = ${runId} and s.round = 1 and p.purpose = 'learn'`,
  );
  return drawn.filter((one) => one.answer === task.truth!(one)).length / drawn.length;
}

const statesOf = (ids: number[]) =>
  rows<{ id: number; state: string; reason: string }>(
    sql`select distinct on (entry_id) entry_id::float8 as id, state, reason from memory_states s
      where entry_id in (${sql.join(ids, sql`, `)}) order by entry_id, s.id desc`,
  );

const withMemory = (changes: ImproveInput = {}): ImproveInput =>
  loop.small({
    pool: { prompts: 24, rehearsal: 4 },
    memory: { mode: 'on', tests: 24, problems: 32 },
    ...changes,
  });

/** Wrong work of every kind that is told apart: a slip at any place, and rules that mislead, one of them only some levels. */
async function poison(count: number): Promise<number[]> {
  const ids = [await plant('heuristic', FORGET), await plant('heuristic', FOUR_ONLY)];
  for (let i = 0; ids.length < count; i++) {
    const sum = shownSum(1234 + 37 * i, 8642 + 91 * i, i % 9);
    ids.push(await plant('pattern', sum.text, sum));
  }
  return ids;
}

describe('memory', () => {
  it('is made of what a run accepts, tested in the next iteration, and counted in its stage', async () => {
    const tested = { mode: 'on' as const, tests: 2, proposals: 2, problems: 16 };
    await improve('learns', withMemory({ iterations: 2, memory: tested, training: { epochs: 1 } }));
    const outputs = await rows<{ output: Record<string, number> }>(
      sql`select s.output from stages s join iterations i on i.id = s.iteration_id
        where i.run_id = 'learns' and s.name = 'generate' order by i.index`,
    );
    expect(outputs[0]!.output).not.toHaveProperty('memoryTests');
    expect(outputs[1]!.output).toMatchObject({ memoryTests: 2, memoryTested: 2 });
    const [paid] = await rows<{ n: number; answers: number }>(
      sql`select count(*)::int as n, (select count(*)::int from memory_answers) as answers from model_calls
        where run_id = 'learns' and stage = 'memory'`,
    );
    expect(paid!.n).toBe(paid!.answers);
    const report = await buildReport(loop.database.db, 'learns');
    expect(report.memory.map(({ iteration, number }) => [iteration, number])).toEqual([
      [2, 1],
      [2, 2],
    ]);
    expect(renderReport(report)).toMatch(/Tests of memory entries\n.*\n +2 +1 +memory:\d+ +16 +16 /);
    await saveHistory(loop.temporal, 'learns/iteration-2', 'iteration-memory');
  }, 240_000);

  it('catches poison that as it is would cost a third of all answers, and keeps what helps', async () => {
    const bad = await poison(20);
    const right = shownSum(4821, 977);
    await plant('pattern', right.text, right);
    await plant('heuristic', CAREFUL);

    await improve('off', loop.small({ pool: { prompts: 24, rehearsal: 4 } }));
    const alone = await rightShare('off');
    await improve('ungated', withMemory({ experiment: 'ungated' }));
    const ungated = await rightShare('ungated');
    await improve('gated', withMemory());
    const gated = await rightShare('gated');
    expect(alone - ungated).toBeGreaterThanOrEqual(0.3);
    expect(gated).toBeGreaterThanOrEqual(alone);

    const states = await statesOf(bad);
    const caught = states.filter(({ state }) => state === 'rejected').length;
    expect(caught / bad.length).toBeGreaterThanOrEqual(0.95);
    // Of sums of five digits it makes all wrong, and the whole may yet be better.
    expect(states.find(({ id }) => id === bad[1])!.reason).toMatch(
      /level 5 fell by \d+\.\d %, 5\.0 % is allowed/,
    );
    // What helps is let in: one of these, or one that an earlier run of the task made, beside which they bring no more.
    const admitted = await rows<{ id: number }>(
      sql`select distinct entry_id::float8 as id from memory_states where state = 'admitted'`,
    );
    expect(admitted.length).toBeGreaterThan(0);
    expect(admitted.filter(({ id }) => bad.includes(id))).toEqual([]);
    // Nothing that was rejected was ever shown by the run that tests.
    const [leaked] = await rows<{ n: number }>(
      sql`select count(*)::int as n from memory_shown m join samples s on s.id = m.sample_id
        join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id
        where i.run_id = 'gated' and m.entry_id in (${sql.join(bad, sql`, `)})`,
    );
    expect(leaked!.n).toBe(0);
  }, 480_000);
});
