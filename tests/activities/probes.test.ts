/** Planting, asking the critics and judging, stage by stage, on a task that makes no bad work itself. */
import { PROBE_KINDS } from '../../loop/words.ts';
import { MockActivityEnvironment } from '@temporalio/testing';
import { ApplicationFailure } from '@temporalio/common';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Critiqued } from '../../activities/evaluate/critique.ts';
import type { Db } from '../../db/connect.ts';
import { setJudgementAside } from '../../db/queries/probes.ts';
import { storedCounts } from '../../db/queries/iterations.ts';
import { gateCounts, sampleCounts } from '../../db/queries/report.ts';
import { reviewable } from '../../db/queries/reviews.ts';
import { unitsMade } from '../../db/queries/spend.ts';
import { gateStops } from '../../db/queries/samples.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, talker, toCritic } from '../support/page.ts';
import {
  startScriptedEndpoint,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let endpoint: ScriptedEndpoint;
let holds: (work: string) => boolean;
/** What was put to the critic, in order. */
let judged: string[];

/** Each prompt has an answer of its own, and steps that come to it. */
function answer(request: ScriptedRequest): string {
  const { messages, seed } = request;
  const text = messages.at(-1)!.content;
  if (toCritic(request)) {
    judged.push(text);
    const good = holds(text);
    return JSON.stringify({
      first_error: good ? '' : 'step 1',
      verdict: good ? 'holds' : 'fails',
      confidence: 0.9,
    });
  }
  const n = Number(/prompt (\d+)/.exec(text)![1]);
  return `Draw ${seed % 7} looks at it.\nWe double ${n}: 2 * ${n} = ${2 * n}.\n#### ${2 * n}`;
}

/** Knows the problem, and so what is right. */
function sound(shown: string): boolean {
  const n = Number(/prompt (\d+)/.exec(shown)![1]);
  const clean = shown.replaceAll(/^\d+\| /gm, '');
  return (
    clean.includes(`We double ${n}: 2 * ${n} = ${2 * n}.\n#### ${2 * n}`) &&
    !/PASS|verdict|===== WORK =====\n.*===== WORK/.test(clean.split('The data ends here')[0]!)
  );
}

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
}, 120_000);
beforeEach(async () => {
  judged = [];
  holds = sound;
  endpoint = await startScriptedEndpoint(talker({ answer }));
});
afterEach(async () => endpoint.close());
afterAll(async () => database?.drop());

const PROMPTS = 6;
const add = (settings: ImproveInput = {}, seed = 1) =>
  addPage(db, {
    url: endpoint.url,
    prompts: PROMPTS,
    seed,
    settings: {
      ...settings,
      // As the task itself suggests, where a run begins.
      gates: { ...settings.gates, critique: { mode: 'required', ...settings.gates?.critique } },
      probes: { mode: 'required', ...settings.probes },
      sampling: { cache: false, ...settings.sampling },
    },
  });
type Page = Awaited<ReturnType<typeof add>>;
const plant = ({ activities, iterationId }: Page) =>
  new MockActivityEnvironment().run(activities.main.plantProbes, { iterationId });
const rows = async <T extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
  (await db.execute<T>(query)).rows;
const plantedOf = (page: Page) =>
  rows<{ id: number; kind: string; origin: string; rationale: string; answer: string; index: number }>(
    sql`select s.id, p.kind, p.origin, s.rationale, s.answer, s."index" from probes p join samples s on s.id = p.sample_id
      where p.iteration_id = ${page.iterationId} order by s."index"`,
  );

async function evaluated(page: Page): Promise<Critiqued> {
  await page.generate();
  await plant(page);
  await page.vote();
  return (await page.critique()) as Critiqued;
}
const failureOf = async (page: Page) => {
  const error: unknown = await page.filter().catch((e: unknown) => e);
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
};
const audit = async (page: Page) =>
  rows<{ attempt: number; planted: number; caught: number; outcome: string }>(
    sql`select attempt, planted, caught, outcome from audits where iteration_id = ${page.iterationId} order by attempt`,
  );

describe('planting', () => {
  it('alters real samples where the task makes no bad work, some of every kind, the same whenever it is done', async () => {
    const page = await add();
    await page.generate();
    expect(await plant(page)).toEqual({ planted: 12 });
    const first = await plantedOf(page);
    expect(first.map((one) => one.kind)).toEqual([...PROBE_KINDS, ...PROBE_KINDS]);
    expect(first.every((one) => one.origin === 'mutation')).toBe(true);
    // Planted once, whatever is tried again.
    expect(await plant(page)).toEqual({ planted: 12 });
    expect(await plantedOf(page)).toEqual(first);
    // A worker that was killed before it had stored them plants the very same.
    await rows(sql`delete from probes where iteration_id = ${page.iterationId}`);
    await rows(
      sql`delete from samples where id = any(${sql.raw(`'{${first.map((one) => one.id).join(',')}}'`)})`,
    );
    await plant(page);
    const without = (all: typeof first) => all.map((one) => ({ ...one, id: 0 }));
    expect(without(await plantedOf(page))).toEqual(without(first));
  });

  it('plants nothing where it is off, or where there are no gates', async () => {
    for (const settings of [{ probes: { mode: 'off' as const } }, { experiment: 'ungated' as const }]) {
      const page = await add(settings);
      await page.generate();
      expect(await plant(page)).toEqual({ planted: 0 });
    }
  });

  it('shows in nothing that counts the model’s samples', async () => {
    const page = await add({ probes: { mode: 'advisory' } });
    await evaluated(page);
    const filtered = await page.filter();
    expect(filtered).toMatchObject({ judged: 2 * PROMPTS, accepted: PROMPTS, probesCaught: '12 of 12' });
    const { runId, iterationId } = page;
    expect(await storedCounts(db, iterationId)).toMatchObject({
      samples: 2 * PROMPTS,
      resampled: 0,
      judged: 2 * PROMPTS,
      critiques: 2 * PROMPTS,
    });
    expect(await sampleCounts(db, runId)).toMatchObject([{ samples: 2 * PROMPTS, resampled: 0 }]);
    expect(await gateStops(db, iterationId)).toEqual({ samples: 2 * PROMPTS, gates: [] });
    const judgedByFormat = (await gateCounts(db, runId)).filter((one) => one.gate === 'format');
    expect(judgedByFormat.reduce((sum, one) => sum + one.verdicts, 0)).toBe(2 * PROMPTS);
    expect(await unitsMade(db, runId)).toMatchObject({ samples: 2 * PROMPTS });
    const { accepted, doubtful } = await reviewable(db, iterationId);
    const bad = new Set((await plantedOf(page)).map((one) => one.id));
    expect([...accepted, ...doubtful].filter((one) => bad.has(one.sampleId))).toEqual([]);
    expect(doubtful).toEqual([]);
    const votes = await rows<{ samples: number; votes: number }>(
      sql`select samples, votes from votes v join prompts p on p.id = v.prompt_id where p.iteration_id = ${iterationId}`,
    );
    expect(votes).toEqual(Array.from({ length: PROMPTS }, () => ({ samples: 2, votes: 2 })));
  });
});

describe('the critics', () => {
  it('are asked about what is planted in the same words, among the others', async () => {
    const page = await add();
    const { wanted, asked } = await evaluated(page);
    expect(wanted).toBe(2 * PROMPTS + 12);
    expect(asked).toBe(judged.length);
    const good = judged.map(sound);
    expect(good.filter(Boolean)).toHaveLength(asked - 12);
    // Neither first nor last: their place tells nothing.
    expect(good.lastIndexOf(true)).toBeGreaterThan(good.indexOf(false));
    expect(good.lastIndexOf(false)).toBeGreaterThan(good.indexOf(true));
    const calls = await rows<{ what: string }>(
      sql`select distinct stage || '/' || role || '/' || model as what from model_calls c join critiques q on q.call_id = c.id
        where c.run_id = ${page.runId}`,
    );
    expect(calls).toHaveLength(1);
    // Asked again, nobody is paid twice.
    expect(await page.critique()).toMatchObject({ asked: 0 });
  });

  it('are asked about each page’s share, and about all where no prompt is trusted', async () => {
    const page = await add();
    await page.generate();
    await plant(page);
    await page.vote();
    const of = (first: number, count: number) =>
      new MockActivityEnvironment().run(page.activities.llm.critiquePage, {
        iterationId: page.iterationId,
        first,
        count,
        when: 'after-vote' as const,
      });
    const parts = [await of(0, 2), await of(2, 2), await of(4, 2)] as Critiqued[];
    expect(parts.map((one) => one.wanted)).toEqual([8, 8, 8]);

    const none = await add({ gates: { agreement: { min: 1, minMargin: 1 } }, sampling: { samples: 2 } });
    await none.generate();
    await plant(none);
    await rows(sql`insert into votes (prompt_id, answer, votes, runner_up_votes, samples, agreement, margin, trusted)
      select id, null, 1, 1, 2, 0.5, 0, false from prompts where iteration_id = ${none.iterationId}`);
    expect(await none.critique()).toMatchObject({ wanted: 12 });
  });
});

describe('the audit', () => {
  it('stops an iteration whose critic says yes to everything, before there is any example', async () => {
    holds = () => true;
    const page = await add();
    await evaluated(page);
    const failure = await failureOf(page);
    expect(failure.type).toBe('GateAuditFailed');
    expect(failure.nonRetryable).toBe(true);
    expect(failure.message).toMatch(
      /^the gates caught 0 of 12 planted bad samples, 0 % < 90 %: wrong-answer 2 of 2, .* passed agreement, format, coherence, length, critique$/,
    );
    // Tried again by Temporal, the same is found, and stored once.
    await failureOf(page);
    expect(await audit(page)).toEqual([{ attempt: 1, planted: 12, caught: 0, outcome: 'failed' }]);
    expect(await rows(sql`select 1 from examples where iteration_id = ${page.iterationId}`)).toEqual([]);
  });

  it('is made of a whole new judgement once the critic is mended', async () => {
    holds = () => true;
    const page = await add();
    await evaluated(page);
    await failureOf(page);
    const first = judged.length;
    holds = sound;
    const start = () =>
      new MockActivityEnvironment().run(page.activities.main.startIteration, { runId: page.runId, index: 2 });
    expect(await start()).toMatchObject({ probes: true });
    expect(await start()).toMatchObject({ probes: true });
    expect(
      await rows(sql`select 1 from critiques c join samples s on s.id = c.sample_id join prompts p on p.id = s.prompt_id
      where p.iteration_id = ${page.iterationId}`),
    ).toEqual([]);
    await page.vote();
    expect(await page.critique()).toMatchObject({ asked: first, cached: 0 });
    expect(await page.filter()).toMatchObject({ accepted: PROMPTS, probesCaught: '12 of 12' });
    expect(await audit(page)).toEqual([
      { attempt: 1, planted: 12, caught: 0, outcome: 'failed' },
      { attempt: 2, planted: 12, caught: 12, outcome: 'passed' },
    ]);
    // A judgement that passed is not set aside any more.
    expect(await setJudgementAside(db, page.iterationId, { votes: false })).toBe(false);
    const kept = await rows<{ source: string; n: number }>(
      sql`select source, count(*)::int as n from set_aside join audits a on a.id = audit_id where a.iteration_id = ${page.iterationId} group by 1 order by 1`,
    );
    expect(kept).toEqual([
      { source: 'critiques', n: 24 },
      { source: 'verdicts', n: expect.any(Number) },
    ]);
  });

  it('keeps what a critic said before it failed out of later runs, and lets what it said before it passed in', async () => {
    const cached = { sampling: { cache: true } };
    holds = () => true;
    const bad = await add(cached, 7);
    await evaluated(bad);
    await failureOf(bad);
    holds = sound;
    const next = await add(cached, 7);
    expect(await evaluated(next)).toMatchObject({ cached: 0 });
    await next.filter();
    const last = await add(cached, 7);
    // The model's own samples were judged by a critic that passed; what is planted is asked about anew.
    const { asked, cached: taken } = await evaluated(last);
    expect(taken).toBeGreaterThan(0);
    expect(asked).toBe(12);
  });

  it('decides nothing with few planted, and nothing where it only advises', async () => {
    holds = () => true;
    const few = await add({ probes: { minPlanted: 13 } });
    await evaluated(few);
    expect(await few.filter()).toMatchObject({ accepted: PROMPTS, probesCaught: '0 of 12' });
    expect(await audit(few)).toMatchObject([{ outcome: 'too-few' }]);
    const advised = await add({ probes: { mode: 'advisory' } });
    await evaluated(advised);
    expect(await advised.filter()).toMatchObject({ accepted: PROMPTS });
    expect(await audit(advised)).toMatchObject([{ outcome: 'advised' }]);
  });

  it('is not satisfied by the agreement gate, also where a band caps it', async () => {
    holds = () => true;
    const page = await add({
      gates: { agreement: { min: 0.3, max: 0.7, minMargin: 0 } },
      sampling: { samples: 10 },
    });
    await evaluated(page);
    await failureOf(page);
    const verdicts = await rows<{ outcome: string; reason: string }>(
      sql`select distinct outcome from verdicts v join probes p on p.sample_id = v.sample_id
        where p.iteration_id = ${page.iterationId} and v.gate = 'agreement'`,
    );
    expect(verdicts).toEqual([{ outcome: 'pass' }]);
  });
});
