/** Runs that meet a hostile endpoint and hostile messages, and what became of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { ApplicationFailure, TerminatedFailure } from '@temporalio/common';
import { sql } from 'drizzle-orm';
import type { Db } from '../../../db/connect.ts';
import type { ImproveInput } from '../../../loop/input.ts';
import type { Random } from '../../../loop/random.ts';
import { FAILURE } from '../../../loop/failures.ts';
import { TASK_QUEUE, WORKFLOW } from '../../../workflows/names.ts';
import { adder } from '../../support/scripted-adder.ts';
import { ALL_WAYS, type HostileEndpoint, type Manners, type Way } from './endpoint.ts';
import { deep, oddValue, pick, spoil } from './odd.ts';

/** What a run may end with, beside completion: everything else is a bug of ours. */
const OURS: Set<string> = new Set([
  FAILURE.invalidInput,
  FAILURE.budgetExceeded,
  FAILURE.gateAuditFailed,
  FAILURE.gateSilent,
  FAILURE.modelUnavailable,
  FAILURE.trainingFailed,
  FAILURE.databaseUnavailable,
]);
const TRAINER = /\/(files|fine_tuning)/;
const CHAT = /\/chat\/completions/;
/** Whatever a hostile party does, it must not be all that a run sees: that parks at the first call and tests little. */
const SHARES = [0.02, 0.05, 0.15];
const PARKING: Way[] = ['a status', 'a redirect'];
const CALM = ALL_WAYS.filter(
  (way) => !PARKING.includes(way) && way !== 'a lie about a job' && way !== 'odd events',
);

const MANNERS: { name: string; of(draw: Random): Manners[] }[] = [
  { name: 'endpoint', of: (draw) => [{ paths: CHAT, share: pick(draw, SHARES), ways: CALM }] },
  {
    name: 'endpoint, its statuses too',
    of: (draw) => [{ paths: CHAT, share: pick(draw, SHARES), ways: [...CALM, ...PARKING] }],
  },
  {
    name: 'endpoint, its texts',
    of: () => [{ paths: CHAT, share: 0.7, ways: ['odd texts', 'absurd counts', 'fields of wrong kinds'] }],
  },
  {
    name: 'trainer',
    of: () => [
      { paths: TRAINER, share: 0.6, ways: ['a lie about a job', 'odd events', 'fields of wrong kinds'] },
    ],
  },
  { name: 'trainer, its transport', of: () => [{ paths: TRAINER, share: 0.4, ways: [...CALM, ...PARKING] }] },
];

export type HostileRun = {
  id: string;
  kind: string;
  ended: string;
  /** As its row says it in the end. */
  status?: string;
  broken: string[];
};

const SIGNALS = [
  'pause',
  'resume',
  'stop',
  'retryIteration',
  'skipIteration',
  'resetCheckpoint',
  'stagnation',
  'approveReview',
  'rejectReview',
  'setBudget',
  'noSuchSignal',
];

function inputOf(url: string, draw: Random): ImproveInput {
  return {
    iterations: 1,
    seed: Math.floor(draw() * 1e6),
    pool: { prompts: 12, rehearsal: 0 },
    sampling: { cache: false, samples: 4 },
    benchmark: { size: 'quick', majority: false },
    gates: { critique: { mode: 'off' } },
    probes: { mode: 'off' },
    models: { generator: { baseURL: url, model: adder.baseModel } },
    paging: { promptsPerPage: 6, pagesInFlight: 2 },
  };
}

/** Sends messages that nobody should send, until told to stop. */
async function talk(client: Client, id: string, draw: Random, over: () => boolean): Promise<void> {
  while (!over()) {
    await sleep(200 + draw() * 1500);
    const name = pick(draw, SIGNALS);
    const args = pick<unknown>(draw, [
      { by: 'x' },
      spoil({ by: 'x', id: 'm', to: 'best', run: { tokens: 5 } }, draw),
      oddValue(draw),
      deep(500),
      'y'.repeat(500_000),
    ]);
    const handle = client.workflow.getHandle(id);
    // A stop and its like, sent in good order, would end every run at once.
    const said = name === 'stop' || name === 'skipIteration' ? oddValue(draw) : args;
    if (draw() < 0.5) await handle.signal(name, said).catch(() => undefined);
    else {
      const update = handle.executeUpdate(name, { args: [said] }).catch(() => undefined);
      await Promise.race([update, sleep(3000)]);
    }
    await handle.signal('resume', { by: 'the suite' }).catch(() => undefined);
  }
}

export type Place = { client: Client; db: Db; endpoint: HostileEndpoint };

/** One run from its start to its end; one that is parked, or not done in time, is given up. */
export async function hostileRun(
  { client, db, endpoint }: Place,
  number: number,
  draw: Random,
  limitMs: number,
): Promise<HostileRun> {
  const id = `hostile-${number}`;
  const manners = MANNERS[number % MANNERS.length]!;
  const messages = number % 3 === 2;
  const oddInput = number % 7 === 6;
  endpoint.behave(id, manners.of(draw));
  const plain = inputOf(endpoint.url(id), draw);
  const input = oddInput ? spoil(plain, draw) : plain;
  const kind = [oddInput ? 'odd input' : manners.name, messages ? 'odd messages' : '']
    .filter(Boolean)
    .join(', ');
  const broken: string[] = [];
  let over = false;
  const started = await client.workflow
    .start(WORKFLOW.improve, { workflowId: id, taskQueue: TASK_QUEUE.main, args: [input] })
    .catch((error: Error) => error);
  if (started instanceof Error) return { id, kind, ended: `not started: ${started.name}`, broken };
  const talking = messages ? talk(client, id, draw, () => over) : undefined;
  const result = started.result().then(
    () => 'completed',
    (error: unknown) => endingOf(error, broken),
  );
  const deadline = Date.now() + limitMs;
  let ended: string | undefined;
  while (ended === undefined) {
    ended = await Promise.race([result, sleep(250).then(() => undefined)]);
    const parked = ended === undefined && (await statusOf(db, id)) === 'parked';
    if (ended === undefined && (parked || Date.now() > deadline)) {
      await started.terminate('the hostile suite has seen enough').catch(() => undefined);
      await result;
      ended = parked ? 'parked' : 'given up in time';
    }
  }
  over = true;
  await talking;
  broken.push(...(await bugsIn(db, id)));
  return { id, kind, ended, status: await statusOf(db, id), broken };
}

async function statusOf(db: Db, id: string): Promise<string | undefined> {
  const { rows } = await db.execute<{ status: string }>(sql`select status from runs where id = ${id}`);
  return rows[0]?.status;
}

function endingOf(error: unknown, broken: string[]): string {
  let cause: unknown = error instanceof WorkflowFailedError ? error.cause : error;
  if (cause instanceof TerminatedFailure) return 'terminated';
  let type = '';
  for (; cause instanceof Error; cause = cause.cause)
    if (cause instanceof ApplicationFailure) type = cause.type ?? 'Error';
  if (!OURS.has(type))
    broken.push(`failed as a bug: ${type} ${String((error as Error).cause ?? error).slice(0, 300)}`);
  return `failed: ${type}`;
}

/** A stage that stopped over something of ours, though the run was parked for it. */
async function bugsIn(db: Db, id: string): Promise<string[]> {
  const { rows } = await db.execute<{ error: string }>(
    sql`select s.error from stages s join iterations i on i.id = s.iteration_id
        where i.run_id = ${id} and s.error ~ '(TypeError|RangeError|SyntaxError|ReferenceError|PostgreSQL refused|Cannot read prop|is not a function|is not iterable|invalid input syntax|out of range)'`,
  );
  return rows.map(({ error }) => `a stage stopped as by a bug: ${error.slice(0, 300)}`);
}
