/** A run that improves one target after the other: what is finished is a guard, and is rehearsed. */
import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { pageData } from '../../app/report/html/data.ts';
import { renderPage } from '../../app/report/html/page.ts';
import { buildReport } from '../../app/report/report.ts';
import { listRuns, renderList } from '../../cli/list.ts';
import { renderReport } from '../../cli/render/report.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { forgetfulAdder } from '../support/forgetful-adder.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop, type Loop } from '../support/loop.ts';
import { startSite } from '../web/site.ts';

const loop: Loop = useLoop(forgetfulAdder(() => loop.endpoint));
const { improve, rows } = loop;

const curriculum = (id: string, rehearsal: number): [string, ImproveInput] => [
  id,
  loop.small({
    iterations: 3,
    pool: { prompts: 24, rehearsal: 0 },
    curriculum: { targets: [{ target: 'shorter', reach: 0.7 }, 'longer'], rehearsal },
    promotion: { alpha: 0.6 },
    stagnation: { steps: [] },
    drift: { prompts: 0, steps: [] },
  }),
];

const stagesOf = (runId: string) =>
  rows<{ from: number; reason: string; model: string }>(
    sql`select a.from_iteration as "from", a.reason, c.model from adjustments a join checkpoints c on c.id = a.checkpoint_id
      where a.run_id = ${runId} and a.kind = 'stage' order by a.id`,
  );

/** Of each dataset: its iteration, and how many of its examples are of the first stage. */
const datasetsOf = (runId: string) =>
  rows<{ index: number; stage: number; first: number }>(
    sql`select i.index, (i.plan->>'stage')::int as stage,
        count(*) filter (where (o.plan->>'stage')::int = 1)::int as first
      from datasets d join iterations i on i.id = d.iteration_id join dataset_examples m on m.dataset_id = d.id
      join examples e on e.id = m.example_id join iterations o on o.id = e.iteration_id
      where i.run_id = ${runId} group by 1, 2 order by 1`,
  );

it('turns to the next target when one is reached, holds the finished one as a guard and shows every stage', async () => {
  const result = await improve(...curriculum('both', 60));
  expect(result).toMatchObject({ status: 'completed', iterations: 3 });
  const stages = await stagesOf('both');
  expect(stages).toMatchObject([
    { from: 1, reason: 'stage 1 of 2, target shorter: the first target of the curriculum', model: 'adder' },
    {
      reason: expect.stringMatching(
        /^stage 2 of 2, target longer: shorter reached \d+\.\d % \(70\.0 % were asked for\)$/,
      ),
    },
  ]);
  const [, second] = stages;
  const { iterations, curriculum: matrix } = await buildReport(loop.database.db, 'both');
  // Pools are of the stage's own levels.
  for (const { iteration, levels } of iterations)
    expect(levels!.every((level) => (iteration < second!.from ? level <= 6 : level >= 7))).toBe(true);
  // A look spends of the stage's own part of alpha, over its own iterations.
  expect(iterations[0]!.look).toEqual({ number: 1, level: 0.3 });
  expect(iterations[second!.from - 1]!.look).toEqual({ number: 1, level: 0.3 / (4 - second!.from) });
  // Only the guard before, the finished target as well after.
  expect(iterations[0]!.guards.map(({ guard }) => guard)).toEqual(['guard']);
  expect(iterations[second!.from - 1]!.guards.map(({ guard }) => guard)).toEqual(['guard', 'shorter']);
  const learnt = iterations.filter(
    ({ iteration, decision }) => iteration >= second!.from && decision === 'promote',
  );
  expect(learnt.length).toBeGreaterThan(0);

  // Of stage 1 as much as is rehearsed, in every dataset of stage 2.
  const datasets = await datasetsOf('both');
  expect(datasets.filter(({ stage }) => stage === 2).every(({ first }) => first > 0 && first <= 60)).toBe(
    true,
  );

  expect(matrix).toMatchObject({
    planned: 2,
    stages: [
      { target: 'shorter', from: 1 },
      { target: 'longer', until: 3 },
    ],
  });
  const share = (stage: number, benchmark: string) =>
    matrix!.stages[stage]!.scores.find((one) => one.benchmark === benchmark)!.score!.rate;
  expect(share(0, 'shorter')).toBeGreaterThanOrEqual(0.7);
  expect(share(1, 'shorter')).toBeGreaterThanOrEqual(share(0, 'shorter') - 0.03);
  expect(share(1, 'longer')).toBeGreaterThan(share(0, 'longer'));

  const line = /1 +shorter +1–\d +0\.3 +\d+\.\d %\* +\d+\.\d % +– +\d+\.\d %=/;
  expect(renderReport(await buildReport(loop.database.db, 'both'))).toMatch(line);
  expect(renderList(await listRuns(loop.database.db), false)).toMatch(/both .* 3\/3 +2\/2 longer/);
  const page = await renderPage(await pageData(loop.database.db, 'both'));
  expect(page).toContain('2 of 2 stages begun');
  const site = await startSite(loop.database.db);
  try {
    expect(await (await fetch(`${site.url}/runs/both`)).text()).toContain('Curriculum of targets');
  } finally {
    await site.close();
  }
  await saveHistory(loop.temporal, 'both', 'improve-curriculum');
}, 120_000);

it('does not give up a finished target: without rehearsal it is forgotten, and nothing that forgot it is promoted', async () => {
  await improve(...curriculum('forgets', 0));
  const { iterations } = await buildReport(loop.database.db, 'forgets');
  const datasets = await datasetsOf('forgets');
  const later = iterations.filter(({ stage }) => stage!.number === 2);
  expect(later.length).toBeGreaterThan(0);
  expect(datasets.filter(({ stage }) => stage === 2).map(({ first }) => first)).toEqual(later.map(() => 0));
  for (const { decision, guards } of later) {
    expect(decision).toBe('discard');
    expect(guards.find(({ guard }) => guard === 'shorter')!.fall).toBeGreaterThan(0.5);
  }
}, 120_000);

it('passes over a target that is reached as it is, and ends where none is left', async () => {
  const [, input] = curriculum('', 0);
  const targets = ['shorter', 'longer'].map((target) => ({ target, reach: 0 }));
  const result = await improve('reached', { ...input, curriculum: { targets } });
  expect(result).toMatchObject({
    status: 'completed',
    iterations: 0,
    reason: expect.stringMatching(/^longer reached \d+\.\d % \(0\.0 % were asked for\)$/),
  });
  expect((await stagesOf('reached')).map(({ from }) => from)).toEqual([1, 1]);
  expect(renderReport(await buildReport(loop.database.db, 'reached'))).toMatch(/1 +shorter +none +0\.3/);
}, 60_000);

it('ends the stage whose budget has no room, not the run, and takes back what was made lighter for it', async () => {
  const [, input] = curriculum('', 0);
  const targets = [
    { target: 'shorter', budget: { tokens: 1 } },
    { target: 'longer', iterations: 1 },
  ];
  const result = await improve('tight', { ...input, curriculum: { targets } });
  expect(result).toMatchObject({ status: 'completed', iterations: 2 });
  const [, second] = await stagesOf('tight');
  expect(second).toMatchObject({
    from: 2,
    reason: expect.stringMatching(
      /^stage 2 of 2, target longer: budget: before collect: the stage would reach \d+/,
    ),
  });
  const { course, iterations } = await buildReport(loop.database.db, 'tight');
  expect(course.filter(({ kind }) => kind === 'lighter').map(({ iteration }) => iteration)).toContain(1);
  expect(iterations.map(({ decision }) => decision === 'skip')).toEqual([true, false]);
  expect(iterations[1]!.prompts).toBe(24);
}, 60_000);

it('refuses a curriculum that cannot be before anything is asked, naming what is wrong', async () => {
  const asked = loop.endpoint.received.length;
  const [, input] = curriculum('', 0);
  const wrong = improve('wrong', {
    ...input,
    curriculum: { targets: ['shorter', 'guard', 'shorter', 'decimals'] },
  });
  await expect(wrong).rejects.toThrow();
  const cause = await wrong.catch((error: Error) => String((error.cause as Error).message));
  expect(cause).toMatch(/"guard" is a guard already/);
  expect(cause).toMatch(/"shorter" stands there twice/);
  expect(cause).toMatch(/"decimals" is no benchmark of the task; its targets are shorter, longer/);
  expect(cause).toMatch(/leaves out longer/);
  expect(loop.endpoint.received.length).toBe(asked);
}, 60_000);
