import { WorkflowFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';

const loop = useLoop(adder);
const { improve, start } = loop;

const small = (changes: ImproveInput = {}): ImproveInput =>
  loop.small({
    iterations: 2,
    pool: { prompts: 40, rehearsal: 6 },
    paging: { promptsPerPage: 10 },
    ...changes,
  });

async function one<T>(query: ReturnType<typeof sql>): Promise<T> {
  return (await loop.rows<T>(query))[0]!;
}

describe('improve', () => {
  it('promotes a model that got better, and stores the way there', async () => {
    const result = await improve('better', small({ benchmark: { size: 'quick', majority: true } }));
    expect(result).toMatchObject({ runId: 'better', iterations: 2, promoted: expect.any(Number) });
    const run = await one<{ status: string }>(sql`select status from runs where id = 'better'`);
    expect(run.status).toBe('completed');
    const { n } = await one<{ n: number }>(
      sql`select count(*)::int as n from stages s join iterations i on i.id = s.iteration_id
          where i.run_id = 'better' and s.status = 'done'`,
    );
    expect(n).toBe(14);
    const decision = await one<{ kind: string; numbers: { pValue: number; look: unknown } }>(
      sql`select d.kind, d.numbers from decisions d join iterations i on i.id = d.iteration_id
          where i.run_id = 'better' and i.index = 1`,
    );
    expect(decision.kind).toBe('promote');
    expect(decision.numbers.pValue).toBeLessThan(0.05);
    expect(decision.numbers.look).toEqual({ number: 1, level: 0.025 });

    // Over rewrites the majority knows more than one answer does: that is what the loop makes the model learn.
    const report = await buildReport(loop.database.db, 'better');
    expect(report.majority).toMatchObject({ samples: 8, score: { total: 150 } });
    expect(report.majority!.score.rate).toBeGreaterThan(report.base!.target!.rate);
    expect(report.majority!.score.rate).toBeLessThan(1);
    const drawn = await one<{ n: number; calls: number }>(
      sql`select count(*)::int as n, count(distinct call_id)::int as calls from majority_samples`,
    );
    expect(drawn.n).toBe(150 * 8);
    await saveHistory(loop.temporal, 'better', 'improve-plain');
    await saveHistory(loop.temporal, 'better/iteration-1', 'iteration-plain');
  }, 120_000);

  it('names every bad field of its input and fails at once', async () => {
    const bad = { iterations: 0, sampling: { temperature: 9 }, tsak: 'arithmetic' } as ImproveInput;
    const error = await improve('bad-input', bad).catch((e: unknown) => e);
    expect(error).toBeInstanceOf(WorkflowFailedError);
    const cause = (error as WorkflowFailedError).cause as ApplicationFailure;
    expect(cause.type).toBe('InvalidInput');
    expect(cause.message).toMatch(/iterations/);
    expect(cause.message).toMatch(/sampling\.temperature/);
    expect(cause.message).toMatch(/tsak/);
    const { n } = await one<{ n: number }>(sql`select count(*)::int as n from runs where id = 'bad-input'`);
    expect(n).toBe(0);
    await saveHistory(loop.temporal, 'bad-input', 'improve-invalid-input');
  }, 60_000);

  it('goes on where it stopped when a run that was cancelled is started again', async () => {
    const input = small({ iterations: 2 });
    const handle = await start('again', input);
    await until('the first decision', async () => {
      const { n } = await one<{ n: number }>(
        sql`select count(*)::int as n from decisions d join iterations i on i.id = d.iteration_id where i.run_id = 'again'`,
      );
      return n === 1;
    });
    await handle.cancel();
    await handle.result().catch(() => {});
    expect((await one<{ status: string }>(sql`select status from runs where id = 'again'`)).status).toBe(
      'stopped',
    );

    const jobs = loop.endpoint.jobs.size;
    const result = await improve('again', {});
    expect(result).toMatchObject({ runId: 'again', iterations: 2 });
    // The first iteration is done and stays so; only the second may train.
    expect(loop.endpoint.jobs.size - jobs).toBeLessThanOrEqual(1);
    const done = await one<{ n: number; attempts: number }>(
      sql`select count(*)::int as n from samples s join prompts p on p.id = s.prompt_id
          join iterations i on i.id = p.iteration_id where i.run_id = 'again' and s.round = 1`,
    );
    // A third again as many problems with known answers measure the votes.
    expect(done.n).toBe(2 * (40 * 8 + 6 * 4 + 12 * 8));
    await saveHistory(loop.temporal, 'again', 'improve-resumed');
  }, 120_000);

  it('refuses to go on with a completed run, since its final benchmark has been read', async () => {
    const error = await improve('better', {}).catch((e: unknown) => e);
    const cause = (error as WorkflowFailedError).cause as ApplicationFailure;
    expect(cause.type).toBe('InvalidInput');
    expect(cause.message).toMatch(/completed/);
    expect((await one<{ status: string }>(sql`select status from runs where id = 'better'`)).status).toBe(
      'completed',
    );
  }, 60_000);

  it('trains nothing and says so when no sample passes the gates', async () => {
    const result = await improve(
      'nothing',
      small({
        iterations: 1,
        gates: { critique: { mode: 'off' }, agreement: { min: 1, minMargin: 1 } },
        pool: { prompts: 3, rehearsal: 0 },
        sampling: { samples: 64 },
      }),
    );
    expect(result).toMatchObject({ promoted: 0 });
    const decision = await one<{ kind: string; reason: string; candidate_id: number | null }>(
      sql`select d.* from decisions d join iterations i on i.id = d.iteration_id where i.run_id = 'nothing'`,
    );
    expect(decision).toMatchObject({ kind: 'nothing-to-train', candidate_id: null });
    expect(decision.reason).toMatch(/no example passed the gates/);
  }, 60_000);
});
