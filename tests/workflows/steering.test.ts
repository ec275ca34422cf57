/** Messages to a run, as a user sends them: signals (as the Temporal UI does) and updates. */
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { describe, expect, it } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { saveHistory } from '../support/histories.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import type { Script } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';

/** What the endpoint does now; each test sets what it needs. */
const script: Script = { ...adder, latencyMs: 0, jobMs: 20 };
const loop = useLoop(script);
const { start, rows, small } = loop;

const samplesOf = async (runId: string) =>
  (
    await rows<{
      n: number;
    }>(sql`select count(*)::int as n from samples s join prompts p on p.id = s.prompt_id
      join iterations i on i.id = p.iteration_id where i.run_id = ${runId}`)
  )[0]!.n;

const statusOf = async (runId: string) =>
  (
    await rows<{ status: string; reason: string | null }>(
      sql`select status, status_reason as reason from runs where id = ${runId}`,
    )
  )[0];

const messagesOf = (runId: string) =>
  rows<{ name: string; origin: string; accepted: boolean; answer: string }>(
    sql`select name, origin, accepted, answer from messages where run_id = ${runId} order by id`,
  );

const inStage = (runId: string, name: string) =>
  until(`${name} of ${runId}`, async () => {
    const [row] = await rows<{ status: string }>(sql`select s.status from stages s join iterations i
      on i.id = s.iteration_id where i.run_id = ${runId} and s.name = ${name} order by i.index desc limit 1`);
    return row?.status === 'running';
  });

type View = { state: string; doing: string; parked?: { error: string; advice: string } };
const view = (handle: WorkflowHandle) => handle.query<View>('status');
const inState = (handle: WorkflowHandle, state: string) =>
  until(`the state ${state}`, async () => (await view(handle)).state === state);

describe('a run', () => {
  it('pauses between pages and goes on when told to', async () => {
    script.latencyMs = 25;
    const handle = await start('pausing', small());
    await inStage('pausing', 'generate');
    await until('some samples', async () => (await samplesOf('pausing')) > 10);
    await handle.signal('pause', { by: 'ada' });
    await inState(handle, 'paused');
    await until('the row', async () => (await statusOf('pausing'))?.status === 'paused');
    // Pages under way finish; after that nothing more is asked.
    let asked = -1;
    await until('silence', async () => {
      const before = asked;
      asked = loop.endpoint.requests.length;
      await new Promise((resolve) => setTimeout(resolve, 500));
      return before === loop.endpoint.requests.length;
    });
    expect(await samplesOf('pausing')).toBeLessThan(24 * 8 + 4 * 4);

    const again = await handle.executeUpdate('pause', { args: [{}] }).catch((e: unknown) => e);
    expect(again).toBeInstanceOf(WorkflowUpdateFailedError);
    expect((again as Error & { cause: Error }).cause.message).toMatch(/paused already/);

    const answer = await handle.executeUpdate<{ answer: string }, [unknown]>('resume', { args: [{}] });
    expect(answer.answer).toMatch(/iteration 1 goes on/);
    script.latencyMs = 0;
    await handle.result();
    expect((await statusOf('pausing'))?.status).toBe('completed');
    expect(await messagesOf('pausing')).toEqual([
      expect.objectContaining({ name: 'pause', origin: 'signal', accepted: true }),
      expect.objectContaining({ name: 'resume', origin: 'update', accepted: true }),
    ]);
    // A finished run still answers.
    const history = await handle.query<{ messages: unknown[]; iterations: unknown[] }>('history');
    expect(history.messages).toHaveLength(2);
    expect(history.iterations).toHaveLength(1);
    await saveHistory(loop.temporal, 'pausing', 'improve-paused');
    await saveHistory(loop.temporal, 'pausing/iteration-1', 'iteration-paused');
  }, 120_000);

  it('started by anyone, asks each model as it will before anything is spent, and waits for the mend', async () => {
    script.fault = ({ body }) =>
      body.temperature === 0 ? undefined : { status: 400, message: 'temperature must be 0 here' };
    const handle = await start('checked', { ...small(), check: 'start' });
    await inState(handle, 'parked');
    const { doing, parked } = await view(handle);
    expect(doing).toMatch(/measuring the base/);
    expect(parked!.error).toMatch(/checking the models: generator: .*refuses the request \(400\).*must be 0/);
    expect(parked!.advice).toMatch(/models\.generator\.extra and sampling/);
    const ledger = () =>
      rows<{ stage: string; failed: boolean }>(
        sql`select stage, error is not null as failed from model_calls where run_id = 'checked' order by id`,
      );
    expect(await ledger()).toEqual([{ stage: 'prepare', failed: true }]);
    script.fault = undefined;
    await handle.signal('retryIteration');
    await handle.result();
    const prepared = (await ledger()).filter(({ stage }) => stage === 'prepare');
    // One prompt with its samples and one held-out problem, then the token that shows which model it is.
    expect(prepared.map(({ failed }) => failed)).toEqual([true, false, false, false]);
  }, 120_000);

  it('records an impossible signal as refused, with the reason, and obeys one that comes twice once', async () => {
    script.latencyMs = 25;
    const handle = await start('refusing', small());
    await inStage('refusing', 'generate');
    await handle.signal('resume');
    await handle.signal('resetCheckpoint', { to: 424242 });
    await handle.signal('stop', { when: 'tomorrow' });
    await handle.signal('skipIteration', {
      id: 'no\0',
      reason: 'what PostgreSQL can’t store: \0 and \ud800',
    });
    await handle.signal('pause', { id: 'twice' });
    await inState(handle, 'paused');
    // Who did not hear the answer and asks again is told what was answered, not that it is impossible now.
    const again = await handle.executeUpdate<{ answer: string }, [unknown]>('pause', {
      args: [{ id: 'twice' }],
    });
    expect(again.answer).toMatch(/iteration 1 pauses/);
    await handle.signal('resume', { id: 'on' });
    await inState(handle, 'running');
    await handle.signal('pause', { id: 'twice' });
    await until('all records', async () => (await messagesOf('refusing')).length >= 6);
    expect((await view(handle)).state).toBe('running');
    script.latencyMs = 0;
    await handle.result();
    // Whether a checkpoint exists takes a look into the database, so that answer comes later.
    const order = ['resume', 'resetCheckpoint', 'stop', 'skipIteration', 'pause'];
    const received = await messagesOf('refusing');
    expect(received.toSorted((a, b) => order.indexOf(a.name) - order.indexOf(b.name))).toEqual([
      { name: 'resume', origin: 'signal', accepted: false, answer: 'the run is not paused' },
      expect.objectContaining({ name: 'resume', accepted: true }),
      expect.objectContaining({
        name: 'resetCheckpoint',
        accepted: false,
        answer: expect.stringMatching(/no checkpoint 424242/),
      }),
      expect.objectContaining({
        name: 'stop',
        accepted: false,
        answer: expect.stringMatching(/now, iteration/),
      }),
      expect.objectContaining({
        name: 'skipIteration',
        accepted: false,
        answer: expect.stringMatching(/"id" must be a text of at most 500 characters, without NUL/),
      }),
      expect.objectContaining({ name: 'pause', accepted: true }),
    ]);
  }, 120_000);

  it('answers and records whatever was delivered before it was over', async () => {
    script.latencyMs = 5;
    const handle = await start('flooded', small());
    await until('the end', async () => (await view(handle)).doing === 'reading the final benchmark');
    script.latencyMs = 0;
    const delivered: string[] = [];
    for (let over = false; !over;) {
      const id = `m${delivered.length}`;
      try {
        await handle.signal('setBudget', { id, run: { tokens: 1e12 } });
        delivered.push(id);
        // Temporal closes no execution while something arrives: on a busy machine it needs longer and longer pauses.
        await new Promise((resolve) => setTimeout(resolve, 30 + 10 * delivered.length));
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw error;
        over = true;
      }
    }
    await handle.result();
    expect((await statusOf('flooded'))?.status).toBe('completed');
    const recorded = await rows<{ id: string }>(
      sql`select message_id as id from messages where run_id = 'flooded'`,
    );
    expect(recorded.map((one) => one.id).toSorted()).toEqual(delivered.toSorted());
    // How late the last ones came is up to the machine.
    const answers = (await messagesOf('flooded')).map((one) => one.answer);
    expect(answers.at(-1)).toMatch(/^the (run is|iterations are) over/);
  }, 120_000);

  it('stops at a page, loses nothing, and goes on there when started again', async () => {
    script.latencyMs = 25;
    const handle = await start('stopping', small());
    await inStage('stopping', 'generate');
    await until('some samples', async () => (await samplesOf('stopping')) > 10);
    const { answer } = await handle.executeUpdate<{ answer: string }, [unknown]>('stop', {
      args: [{ by: 'ada' }],
    });
    expect(answer).toMatch(/stops once the pages under way are done/);
    await handle.result();
    expect(await statusOf('stopping')).toMatchObject({ status: 'stopped', reason: 'stopped by ada' });
    const kept = await samplesOf('stopping');
    expect(kept).toBeGreaterThan(10);
    expect(kept).toBeLessThan(24 * 8 + 4 * 4);
    script.latencyMs = 0;
    const before = loop.endpoint.requests.length;
    await (await start('stopping', {})).result();
    expect((await statusOf('stopping'))?.status).toBe('completed');
    const generated = loop.endpoint.requests.slice(before).filter((request) => !request.includes(',null,'));
    expect(new Set(generated).size).toBe(generated.length);
    await saveHistory(loop.temporal, 'stopping', 'improve-stopped');
  }, 120_000);

  it('parks when a stage is out of retries, says what failed and what to do, and tries again when told', async () => {
    let broken = true;
    script.fault = ({ temperature }) =>
      broken && temperature > 0 ? { status: 429, code: 'insufficient_quota', headers: {} } : undefined;
    const handle = await start('parking', small());
    await inState(handle, 'parked');
    const { parked } = await view(handle);
    expect(parked?.error).toMatch(/sampling from adder.*scripted fault/);
    expect(parked?.advice).toMatch(/quota/);
    await until('the row', async () => (await statusOf('parking'))?.status === 'parked');
    expect((await statusOf('parking'))?.reason).toMatch(/iteration 1 failed: .*scripted fault/);
    const { status } = await handle.describe();
    expect(status.name).toBe('RUNNING');
    const metadata = await handle.query<{ currentDetails?: string }>('__temporal_workflow_metadata');
    expect(metadata.currentDetails).toMatch(/Waiting for you/);
    expect(metadata.currentDetails).toMatch(/retryIteration/);
    broken = false;
    await handle.signal('retryIteration');
    await handle.result();
    expect((await statusOf('parking'))?.status).toBe('completed');
    script.fault = undefined;
    await saveHistory(loop.temporal, 'parking', 'improve-parked');
    await saveHistory(loop.temporal, 'parking/iteration-1', 'iteration-failed');
  }, 120_000);

  it('gives an iteration up for a reset, cancels its training job, and goes on from that checkpoint', async () => {
    script.jobMs = 20;
    const handle = await start('resetting', small({ iterations: 3 }));
    await until('the first decision', async () => {
      const [row] = await rows<{ n: number }>(sql`select count(*)::int as n from decisions d
        join iterations i on i.id = d.iteration_id where i.run_id = 'resetting'`);
      return row!.n === 1;
    });
    script.jobMs = 60_000;
    await inStage('resetting', 'adapt');
    const jobs = () => [...loop.endpoint.jobs.values()].filter((job) => String(job.status) === 'running');
    await until('a running job', async () => jobs().length === 1);
    const [job] = jobs();
    const { answer } = await handle.executeUpdate<{ answer: string }, [unknown]>('resetCheckpoint', {
      args: [{ to: 'base', by: 'ada', reason: 'looks wrong' }],
    });
    expect(answer).toMatch(/iteration 2 is given up; the run goes on from checkpoint \d+/);
    await until('the cancelled job', async () => job!.status === 'cancelled');
    script.jobMs = 20;
    await handle.result();
    const decided = await rows<{ index: number; kind: string; reason: string; generated: number }>(
      sql`select i.index, d.kind, d.reason, c.iteration_index as generated from decisions d
        join iterations i on i.id = d.iteration_id join checkpoints c on c.id = i.checkpoint_id
        where i.run_id = 'resetting' order by i.index`,
    );
    expect(decided.map(({ index, kind }) => [index, kind])).toEqual([
      [1, 'promote'],
      [2, 'skip'],
      [3, 'promote'],
    ]);
    expect(decided[1]!.reason).toMatch(/resetCheckpoint was sent by ada: looks wrong/);
    // The second iteration came from the promoted checkpoint, the third from the base again.
    expect(decided.map(({ generated }) => generated)).toEqual([0, 1, 0]);
    const [stored] = await rows<{ status: string }>(
      sql`select j.status from training_jobs j where j.remote_id = ${job!.id}`,
    );
    expect(stored?.status).toBe('cancelled');
    await saveHistory(loop.temporal, 'resetting', 'improve-reset');
    await saveHistory(loop.temporal, 'resetting/iteration-2', 'iteration-cancelled');
  }, 120_000);

  it.each(['known', 'unknown'])(
    'has the job cancelled that an ended execution left, %s to us',
    async (left) => {
      const runId = `left-${left}`;
      script.jobMs = 600_000;
      await start(runId, small());
      const stored = () =>
        rows<{
          status: string;
          remote: string;
          iteration: number;
        }>(sql`select j.status, j.remote_id as remote,
        i.id::int as iteration from training_jobs j join datasets d on d.id = j.dataset_id
        join iterations i on i.id = d.iteration_id where i.run_id = ${runId}`);
      const [{ remote, iteration } = { remote: '', iteration: 0 }] = await until('the job', async () => {
        const found = await stored();
        return found.length > 0 && found;
      });
      for (const id of [`${runId}/iteration-1`, runId])
        await loop.temporal.client.workflow.getHandle(id).terminate();
      // The worker may have died between the trainer's answer and our note.
      if (left === 'unknown')
        await loop.database.db.execute(sql`delete from training_jobs where remote_id = ${remote}`);

      const { main, train } = createActivities({ db: loop.database.db });
      const given = { runId, index: 1, reason: 'enough' };
      const skipped = await new MockActivityEnvironment().run(main.skipIteration, given);
      expect(skipped).toMatchObject({ training: iteration });
      expect(loop.endpoint.jobs.get(remote)!.status).toBe('running');
      await new MockActivityEnvironment().run(train.cancelTraining, { iterationId: iteration });
      expect(loop.endpoint.jobs.get(remote)!.status).toBe('cancelled');
      expect(await stored()).toEqual([{ status: 'cancelled', remote, iteration }]);
      script.jobMs = 20;
    },
    120_000,
  );

  it('skips an iteration and keeps what it had sampled', async () => {
    script.latencyMs = 25;
    const handle = await start('skipping', small({ iterations: 2 }));
    await inStage('skipping', 'generate');
    await until('some samples', async () => (await samplesOf('skipping')) > 10);
    await handle.signal('skipIteration', { by: 'ada' });
    script.latencyMs = 0;
    await handle.result();
    const decided = await rows<{ kind: string }>(sql`select d.kind from decisions d
      join iterations i on i.id = d.iteration_id where i.run_id = 'skipping' order by i.index`);
    expect(decided.map(({ kind }) => kind)).toEqual(['skip', 'promote']);
  }, 120_000);

  it('fails at once, visibly, over a bug instead of waiting', async () => {
    script.latencyMs = 25;
    const handle = await start('buggy', small());
    await inStage('buggy', 'generate');
    await until('some samples', async () => (await samplesOf('buggy')) > 10);
    await handle.executeUpdate('pause', { args: [{}] });
    // A row that no version of the code wrote: whatever reads it throws a TypeError.
    const [before] = await rows<{ plan: object }>(sql`select plan from iterations where run_id = 'buggy'`);
    await loop.database.db.execute(sql`update iterations set plan = 'null' where run_id = 'buggy'`);
    await handle.executeUpdate('resume', { args: [{}] });
    script.latencyMs = 0;
    const error = await handle.result().catch((e: unknown) => e);
    expect((error as Error & { cause: Error }).cause.message).toMatch(/Cannot read properties of null/);
    expect((await handle.describe()).status.name).toBe('FAILED');
    expect(await statusOf('buggy')).toMatchObject({
      status: 'failed',
      reason: expect.stringMatching(/Cannot read/),
    });
    // With the bug mended, the same workflow id goes on with what is stored.
    const stored = await samplesOf('buggy');
    await loop.database.db.execute(
      sql`update iterations set plan = ${JSON.stringify(before!.plan)}::jsonb where run_id = 'buggy'`,
    );
    const asked = loop.endpoint.requests.length;
    expect(await (await start('buggy', {})).result()).toMatchObject({ status: 'completed', iterations: 1 });
    const sampled = loop.endpoint.requests.slice(asked).filter((request) => !request.includes(',null,'));
    expect(stored).toBeGreaterThan(0);
    expect(new Set(sampled).size).toBe(sampled.length);
  }, 120_000);

  it('fails visibly, and does not wait for ever, when the database refuses to store what it was told', async () => {
    const { db } = loop.database;
    script.latencyMs = 25;
    const handle = await start('untold', small());
    await inStage('untold', 'generate');
    await db.execute(sql`alter table messages rename to messages_away`);
    try {
      await handle.signal('pause');
      const error = await handle.result().catch((e: unknown) => e);
      const { message } = (error as Error & { cause: Error }).cause;
      expect(message).toMatch(/^PostgreSQL refused a query: relation "messages" does not exist \(42P01\)/);
      expect((await handle.describe()).status.name).toBe('FAILED');
      expect(await statusOf('untold')).toMatchObject({
        status: 'failed',
        reason: expect.stringContaining('relation "messages"'),
      });
      const child = loop.temporal.client.workflow.getHandle('untold/iteration-1');
      await until('the iteration to end', async () => (await child.describe()).status.name !== 'RUNNING');
    } finally {
      await db.execute(sql`alter table messages_away rename to messages`);
      script.latencyMs = 0;
    }
    expect(await (await start('untold', {})).result()).toMatchObject({ status: 'completed' });
  }, 120_000);

  it('answers status and history when it is over, also to workers that never saw it', async () => {
    await loop.restartWorkers();
    const finished = (id: string) => loop.temporal.client.workflow.getHandle(id);
    expect(await view(finished('pausing'))).toMatchObject({
      state: 'ended',
      doing: 'completed',
      iteration: 1,
    });
    expect(await view(finished('flooded'))).toMatchObject({ state: 'ended', doing: 'completed' });
    expect((await view(finished('buggy'))).doing).toBe('completed');
    const history = await finished('resetting').query<{
      iterations: { decision: string }[];
      messages: { name: string; answer: string }[];
    }>('history');
    expect(history.iterations.map(({ decision }) => decision)).toEqual(['promote', 'skip', 'promote']);
    expect(history.messages).toMatchObject([{ name: 'resetCheckpoint' }]);
    const failed = loop.temporal.client.workflow.list({
      query: `WorkflowId = 'untold' AND ExecutionStatus = 'Failed'`,
    });
    for await (const { runId } of failed)
      expect(await view(loop.temporal.client.workflow.getHandle('untold', runId))).toMatchObject({
        state: 'ended',
        doing: expect.stringMatching(/^failed: PostgreSQL refused/),
      });
  }, 120_000);
});
