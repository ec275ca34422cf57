/** Bad samples are planted in each iteration: a run whose critic lets them pass trains nothing and waits. */
import type { WorkflowHandle } from '@temporalio/client';
import { sql } from 'drizzle-orm';
import { beforeEach, describe, expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import { approveAll, judgeSum } from '../support/scripted-critic.ts';
import type { Script, ScriptedRequest } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

const CRITIC = 'sums-critic';
/** What the critic says now: each line on its merits, or always yes. */
let judge: (request: ScriptedRequest) => Record<string, unknown>;
const script: Script = {
  ...adder,
  otherModels: [CRITIC],
  extra: (request) => (request.model === CRITIC ? judge(request) : undefined),
};
const loop = useLoop(script);
const { start, rows } = loop;

beforeEach(() => {
  judge = judgeSum;
});

const planting = (changes: ImproveInput = {}): ImproveInput =>
  loop.small({
    gates: {},
    probes: {},
    models: {
      generator: { baseURL: loop.endpoint.url, model: adder.baseModel },
      critic: { model: CRITIC },
    },
    ...changes,
  });

type View = { state: string; parked?: { doing: string; error: string; advice: string } };
const parked = (handle: WorkflowHandle) =>
  until(
    'the run to park',
    async () => {
      const view = await handle.query<View>('status');
      return view.state === 'parked' && view.parked;
    },
    120_000,
  );

type AuditRow = {
  attempt: number;
  planted: number;
  caught: number;
  outcome: string;
  aside: boolean;
  kinds: {
    kind: string;
    planted: number;
    caught: number;
    gates: { gate: string; fail: number; pass: number }[];
  }[];
};
const audits = (runId: string) =>
  rows<AuditRow>(sql`select attempt, planted, caught, outcome, set_aside_at is not null as aside, kinds from audits a
    join iterations i on i.id = a.iteration_id where i.run_id = ${runId} order by attempt`);
const count = async (query: ReturnType<typeof sql>) => (await rows<{ n: number }>(query))[0]!.n;
const examplesOf = (runId: string) =>
  count(sql`select count(*)::int as n from examples where run_id = ${runId}`);
const plantedOf = (runId: string) =>
  rows<{ id: number; kind: string; rationale: string; answer: string }>(
    sql`select s.id, p.kind, s.rationale, s.answer from probes p join samples s on s.id = p.sample_id
      join iterations i on i.id = p.iteration_id where i.run_id = ${runId} order by s."index"`,
  );
/** Rows in which nothing planted may ever be. */
async function expectNothingPlanted() {
  expect(
    await count(
      sql`select count(*)::int as n from examples e join samples s on s.id = e.sample_id where s.origin = 'planted'`,
    ),
  ).toBe(0);
  const sent = [...loop.endpoint.files.values()].join('\n');
  const bad = await rows<{ rationale: string }>(sql`select rationale from samples where origin = 'planted'`);
  for (const { rationale } of bad) expect(sent).not.toContain(JSON.stringify(rationale));
}

describe('a critic that judges', () => {
  it('passes the test, and the run goes its way', async () => {
    const handle = await start('sound', planting());
    expect(await handle.result()).toMatchObject({ status: 'completed', promoted: 1 });
    const [audit, ...more] = await audits('sound');
    expect(more).toEqual([]);
    expect(audit).toMatchObject({ attempt: 1, planted: 12, caught: 12, outcome: 'passed', aside: false });
    expect(audit!.kinds.map(({ kind, planted, caught }) => [kind, planted, caught])).toEqual([
      ['wrong-answer', 2, 2],
      ['broken-steps', 2, 2],
      ['verbose', 2, 2],
      ['template', 2, 2],
      ['injection', 2, 2],
      ['off-task', 2, 2],
    ]);
    const gate = (kind: string, name: string) =>
      audit!.kinds.find((one) => one.kind === kind)!.gates.find((one) => one.gate === name)!;
    expect(gate('wrong-answer', 'agreement')).toMatchObject({ pass: 2, fail: 0 });
    expect(gate('wrong-answer', 'critique')).toMatchObject({ pass: 0, fail: 2 });
    expect(gate('off-task', 'coherence')).toMatchObject({ pass: 0, fail: 2 });
    expect(gate('verbose', 'format')).toMatchObject({ pass: 0, fail: 2 });
    const report = await buildReport(loop.database.db, 'sound');
    expect(report.iterations[0]!.audit).toMatchObject({ planted: 12, caught: 12, outcome: 'passed' });
    await expectNothingPlanted();
    await saveHistory(loop.temporal, 'sound/iteration-1', 'iteration-probes');
  }, 240_000);
});

describe('a critic that always says yes', () => {
  it('stops the run before anything is used; mended, it is asked about everything again', async () => {
    judge = approveAll;
    const jobs = loop.endpoint.jobs.size;
    const handle = await start('fooled', planting());
    const why = await parked(handle);
    expect(why.error).toMatch(
      /^the gates caught 8 of 12 planted bad samples, 66\.7 % < 90 %: wrong-answer 2 of 2, broken-steps 2 of 2 passed agreement, format, coherence, length, critique$/,
    );
    expect(why.advice).toMatch(/retry makes the whole judgement anew/);
    expect(await examplesOf('fooled')).toBe(0);
    expect(loop.endpoint.jobs.size).toBe(jobs);
    const before = await plantedOf('fooled');

    // Still not mended: it is asked again, and waits again.
    const asked = () => loop.endpoint.completions.get(CRITIC) ?? 0;
    const first = asked();
    await handle.signal('retryIteration');
    await until('the second audit', async () => (await audits('fooled')).length === 2);
    await parked(handle);
    const second = asked();
    expect(second).toBeGreaterThan(first + 20);
    expect(await examplesOf('fooled')).toBe(0);

    judge = judgeSum;
    await handle.signal('retryIteration');
    expect(await handle.result()).toMatchObject({ status: 'completed', promoted: 1 });
    // Real samples too: what the bad critic said of them is not used.
    expect(asked()).toBeGreaterThan(second + 20);
    expect(await audits('fooled')).toMatchObject([
      { attempt: 1, caught: 8, outcome: 'failed', aside: true },
      { attempt: 2, caught: 8, outcome: 'failed', aside: true },
      { attempt: 3, caught: 12, outcome: 'passed', aside: false },
    ]);
    expect(await plantedOf('fooled')).toEqual(before);
    expect(
      await count(sql`select count(*)::int as n from examples e join critiques c on c.sample_id = e.sample_id
        where e.run_id = 'fooled' and c.outcome <> 'holds'`),
    ).toBe(0);
    // Nothing is lost: what was said then is kept.
    expect(
      await count(
        sql`select count(distinct source)::int as n from set_aside where source in ('critiques', 'verdicts', 'votes')`,
      ),
    ).toBe(3);
    await expectNothingPlanted();
    await saveHistory(loop.temporal, 'fooled', 'improve-audit-failed');
    await saveHistory(loop.temporal, 'fooled/iteration-1', 'iteration-probes-again');
  }, 300_000);

  it('costs the iteration where an operator gives it up', async () => {
    judge = approveAll;
    const handle = await start('given-up', planting());
    await parked(handle);
    await handle.signal('skipIteration');
    expect(await handle.result()).toMatchObject({ status: 'completed', promoted: 0 });
    expect(await examplesOf('given-up')).toBe(0);
  }, 240_000);

  it('is only shown where the settings say so', async () => {
    judge = approveAll;
    const handle = await start('shown', planting({ probes: { mode: 'advisory', perKind: 1 } }));
    await handle.result();
    expect(await audits('shown')).toMatchObject([{ planted: 6, caught: 4, outcome: 'advised' }]);
    expect(await examplesOf('shown')).toBeGreaterThan(0);
    await expectNothingPlanted();
  }, 240_000);
});

describe('the arms for contrast', () => {
  it('are planted as far as they have gates', async () => {
    await (await start('control', planting({ experiment: 'control' }))).result();
    await (await start('ungated', planting({ experiment: 'ungated' }))).result();
    expect(await audits('control')).toMatchObject([{ planted: 12, outcome: 'passed' }]);
    expect(await plantedOf('ungated')).toEqual([]);
    expect(await audits('ungated')).toEqual([]);
  }, 240_000);
});
