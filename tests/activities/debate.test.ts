/** Debates against a real database and a scripted endpoint: in a chat, and of agents that can not read each other. */
import { and, asc, eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import pc from 'picocolors';
import { createSampleReader } from '../../app/lineage/sample.ts';
import { debateReport, debateSentences } from '../../app/report/debates.ts';
import { renderSample } from '../../cli/render/why-sample.ts';
import type { Db } from '../../db/connect.ts';
import {
  calibrations,
  debatePoints,
  debates,
  debateTurns,
  modelCalls,
  prompts,
  samples,
  votes,
} from '../../db/schema.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { mcnemar } from '../../loop/mcnemar.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { heard, persuadable, productsTask, verdict, work, type Heard } from '../support/arguers.ts';
import { createTestDatabase } from '../support/database.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { judgeSum } from '../support/scripted-critic.ts';
import {
  startScriptedEndpoint,
  type Script,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint | undefined;
beforeAll(async () => void ({ db, drop } = await createTestDatabase()), 120_000);
afterAll(() => drop());
afterEach(() => endpoint?.close());

const PROMPTS = 6;

/** One iteration of the task of products, from collect to filter. */
async function argue(answer: (one: Heard, request: ScriptedRequest) => string, settings: ImproveInput = {}) {
  endpoint = await startScriptedEndpoint({
    baseModel: 'arguer',
    otherModels: ['other'],
    answer: (request) => answer(heard(request), request),
  });
  const whole: ImproveInput = {
    pool: { prompts: PROMPTS, rehearsal: 0 },
    probes: { mode: 'off' },
    ...settings,
    strategy: { debate: { mode: 'on', ...settings.strategy?.debate } },
    sampling: { samples: 4, resamples: 0, cache: false, ...settings.sampling },
    gates: {
      critique: { mode: 'required' },
      ...settings.gates,
      agreement: { calibration: { share: 1 }, ...settings.gates?.agreement },
    },
  };
  const spec = await productsTask(PROMPTS);
  const run = await addArithmeticRun(db, { url: endpoint.url, model: 'arguer', settings: whole, spec });
  const done = await run.iterate(1);
  return { ...done, run, settings: whole, spec };
}

const debatesIn = (iterationId: number) =>
  db
    .select({ debate: debates, prompt: prompts })
    .from(debates)
    .innerJoin(prompts, eq(prompts.id, debates.promptId))
    .where(eq(prompts.iterationId, iterationId))
    .orderBy(asc(prompts.position));
const turnsIn = (iterationId: number, least = 1) =>
  db
    .select({ turn: debateTurns })
    .from(debateTurns)
    .innerJoin(prompts, eq(prompts.id, debateTurns.promptId))
    .where(and(eq(prompts.iterationId, iterationId), sql`${debateTurns.round} >= ${least}`))
    .orderBy(asc(debateTurns.promptId), asc(debateTurns.round), asc(debateTurns.agent));

describe('a debate in a chat', () => {
  test('about what samples are split on comes to a vote, whose work goes through every gate', async () => {
    const { iterationId, filtered, collected } = await argue(persuadable, {
      strategy: { debate: { prompts: 'all' } },
    });
    const held = await debatesIn(iterationId);
    expect(held).toHaveLength(collected.prompts + collected.calibration!);
    for (const { debate, prompt } of held) {
      const [, a, b] = /(\d+) times (\d+)/.exec(prompt.text)!;
      expect(debate).toMatchObject({
        status: 'closed',
        answer: String(Number(a) * Number(b)),
        votes: 3,
        runnerUpVotes: 0,
      });
      const [vote] = await db.select().from(votes).where(eq(votes.promptId, prompt.id));
      expect(vote).toMatchObject({ answer: debate.answer, votes: 3, samples: 3, debated: true });
      expect(vote!.trusted).toBe(prompt.purpose === 'learn');
    }
    // All agents of a debate speak of one problem, and none of them was asked for a turn that it did not need.
    const turns = (await turnsIn(iterationId)).map(({ turn }) => turn);
    expect(new Set(turns.map(({ action }) => action))).toEqual(new Set(['answer', 'revise']));
    const own = await db
      .select({ sample: samples })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId))
      .where(and(eq(prompts.iterationId, iterationId), eq(samples.round, 3)));
    expect(own).toHaveLength(3 * collected.prompts);
    expect(own.every(({ sample }) => sample.strategy === 'debate' && sample.cached)).toBe(true);
    expect(filtered.accepted).toBe(collected.prompts);
    // Rounds beyond the first: the others' work as data, and the critic's line.
    const later = endpoint!.received
      .map(({ body }) => JSON.stringify(body.messages))
      .filter((text) => text.includes('===== WORK 2'));
    expect(later.length).toBeGreaterThan(0);
    expect(later.some((text) => text.includes('sees its first bad line in line 2'))).toBe(true);
    expect(later.some((text) => text.includes('take over its lines up to line 1'))).toBe(true);
  });

  test('is about those alone whose vote is split, or a share of all', async () => {
    const sure = (truth: number) => truth % 4 === 0;
    const { iterationId } = await argue((one, request) =>
      sure(one.truth) && one.work === undefined ? work(one.truth) : persuadable(one, request),
    );
    const held = await debatesIn(iterationId);
    expect(held.length).toBeGreaterThan(0);
    for (const { prompt } of held) {
      const [, a, b] = /(\d+) times (\d+)/.exec(prompt.text)!;
      expect(sure(Number(a) * Number(b))).toBe(false);
    }
    await endpoint!.close();
    const half = await argue(persuadable, { strategy: { debate: { prompts: 'all', share: 0.5 } } });
    const count = (await debatesIn(half.iterationId)).length;
    expect(count).toBeGreaterThan(0);
    expect(count).toBeLessThan(2 * PROMPTS);
  });

  test('has beside it a vote with as many tokens, which decides nothing', async () => {
    const { iterationId } = await argue(persuadable, {
      strategy: { debate: { prompts: 'all', votes: 1000 } },
    });
    for (const { debate, prompt } of await debatesIn(iterationId)) {
      expect(debate.besideTokens).toBeGreaterThanOrEqual(debate.tokens!);
      const beside = await db
        .select()
        .from(debateTurns)
        .where(and(eq(debateTurns.promptId, prompt.id), eq(debateTurns.round, 0)))
        .orderBy(asc(debateTurns.agent));
      expect(beside.length).toBeGreaterThanOrEqual(debate.besideSamples!);
      expect(beside.map(({ agent }) => agent)).toEqual(beside.map((_, i) => i));
      // What the debate took is what the ledger has of its calls.
      const { rows } = await db.execute<{ tokens: number }>(sql`
        select sum(c.prompt_tokens + c.completion_tokens)::int as tokens from model_calls c where c.id in (
          select call_id from debate_turns where prompt_id = ${prompt.id} and round > 0
          union select p.call_id from debate_points p join debate_turns t on t.id = p.turn_id where t.prompt_id = ${prompt.id})`);
      expect(debate.tokens).toBe(rows[0]!.tokens);
    }
    const capped = await argue(persuadable, { strategy: { debate: { prompts: 'all', votes: 2 } } });
    for (const { debate } of await debatesIn(capped.iterationId)) expect(debate.besideSamples).toBe(2);
  });

  test('takes the one word KEEP for standing by what was said', async () => {
    const { iterationId } = await argue(
      (one, request) => {
        if (one.work !== undefined) return verdict(0, one);
        if (one.own !== undefined) return request.seed % 2 === 0 ? 'KEEP' : '**Keep.**';
        return work(one.truth + (request.seed % 5));
      },
      { strategy: { debate: { prompts: 'all', rounds: 2 } } },
    );
    const turns = (await turnsIn(iterationId)).map(({ turn }) => turn);
    const kept = turns.filter(({ action }) => action === 'keep');
    expect(kept.length).toBeGreaterThan(0);
    for (const { promptId, agent, rationale, answer, callId } of kept) {
      const before = turns.find(
        (one) => one.promptId === promptId && one.agent === agent && one.round === 1,
      )!;
      expect({ rationale, answer }).toEqual({ rationale: before.rationale, answer: before.answer });
      expect(callId).not.toBeNull();
    }
  });

  test('lets another model argue and vote, whose work never trains', async () => {
    const { iterationId, filtered } = await argue(persuadable, {
      strategy: {
        debate: { prompts: 'all', agents: [{}, { temperature: 0 }, { endpoint: { model: 'other' } }] },
      },
    });
    expect(endpoint!.completions.get('other')).toBeGreaterThan(0);
    const turns = (await turnsIn(iterationId)).map(({ turn }) => turn);
    for (const { agent, checkpointId } of turns) expect(checkpointId === null).toBe(agent === 2);
    const own = await db
      .select({ index: samples.index })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId))
      .where(and(eq(prompts.iterationId, iterationId), eq(samples.round, 3)));
    expect(new Set(own.map(({ index }) => index))).toEqual(new Set([0, 1]));
    expect(filtered.accepted).toBeGreaterThan(0);
  });

  test('asks nothing again, in the same run or in another of the same weights', async () => {
    const settings: ImproveInput = { strategy: { debate: { prompts: 'all' } }, sampling: { cache: true } };
    const first = await argue(persuadable, settings);
    const asked = endpoint!.requests.length;
    await first.run.debate(first.iterationId, 2 * PROMPTS);
    expect(endpoint!.requests.length).toBe(asked);
    const second = await addArithmeticRun(db, {
      url: endpoint!.url,
      model: 'arguer',
      settings: first.settings,
      spec: first.spec,
    });
    const again = await second.iterate(1);
    expect(endpoint!.requests.length).toBe(asked);
    expect(again.filtered.accepted).toBe(first.filtered.accepted);
    const outcome = ({
      debate: { answer, votes: won, rounds, tokens, besideAnswer, besideSamples },
    }: {
      debate: typeof debates.$inferSelect;
    }) => ({ answer, won, rounds, tokens, besideAnswer, besideSamples });
    expect((await debatesIn(again.iterationId)).map(outcome)).toEqual(
      (await debatesIn(first.iterationId)).map(outcome),
    );
  });

  test('that has an outcome does not change any more, nor does a turn', async () => {
    const { iterationId } = await argue(persuadable, { strategy: { debate: { prompts: 'all' } } });
    const [{ debate } = { debate: undefined }] = await debatesIn(iterationId);
    const refused = { cause: { message: expect.stringContaining('does not change any more') } };
    const own = eq(debates.promptId, debate!.promptId);
    await expect(db.update(debates).set({ answer: '1' }).where(own)).rejects.toMatchObject(refused);
    await expect(
      db.update(debateTurns).set({ answer: '1' }).where(eq(debateTurns.promptId, debate!.promptId)),
    ).rejects.toMatchObject(refused);
  });

  test('measures its votes on problems with known answers, apart from those over samples', async () => {
    const { iterationId } = await argue(persuadable, { strategy: { debate: { prompts: 'all' } } });
    const rows = await db.select().from(calibrations).where(eq(calibrations.iterationId, iterationId));
    expect(rows.map(({ debated, samples: of, right, total }) => ({ debated, of, right, total }))).toEqual([
      { debated: true, of: 3, right: PROMPTS, total: PROMPTS },
    ]);
  });

  test('is in the report, with what it was worth beside a vote, and in what explains a sample', async () => {
    const { run, iterationId } = await argue(persuadable, {
      strategy: { debate: { prompts: 'all', votes: 3 } },
    });
    const report = await debateReport(db, run.runId, (a, b) => run.task.sameAnswer(a, b));
    const outcomes = (await debatesIn(iterationId)).filter(({ prompt }) => prompt.purpose === 'calibrate');
    const alone = outcomes.filter(({ debate }) => debate.besideAnswer !== debate.answer).length;
    expect(report!.total.known).toEqual({
      pairs: PROMPTS,
      debate: PROMPTS,
      vote: PROMPTS - alone,
      onlyDebate: alone,
      onlyVote: 0,
    });
    expect(report!.pValue).toBe(mcnemar(alone, 0));
    expect(report!.better).toBe(mcnemar(alone, 0) < 0.05);
    expect(report!.total.changes.toRight).toBeGreaterThan(0);
    expect(report!.total.changes.toWrong).toBe(0);
    expect(report!.total.short).toBe(2 * PROMPTS);
    const said = debateSentences(report!).join(' ');
    expect(said).toContain(`On ${PROMPTS} problems with known answers debates were right on ${PROMPTS}`);
    expect(said).toContain(
      report!.better ? 'debates were better' : 'it is not shown that debates are better',
    );

    const [held] = await db
      .select({ id: samples.id })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId))
      .where(and(eq(prompts.iterationId, iterationId), eq(samples.round, 3)));
    const [why] = await createSampleReader(db)([held!.id]);
    const rounds = why!.debate!.turns.map(({ round }) => round);
    expect(rounds).toEqual(rounds.toSorted((a, b) => a - b));
    expect(why!.debate).toMatchObject({ status: 'closed', votes: 3, agents: 3 });
    const text = renderSample(why!, pc.createColors(false), '').replaceAll(/\s+/g, ' ');
    expect(text).toContain('round 1, agent 1 answers');
    expect(text).toMatch(/round 2, agent \d revises/);
    expect(text).toContain('structured rejects it from line 2: the product is wrong');
  });

  test('that is off leaves no trace', async () => {
    const { iterationId } = await argue(persuadable, { strategy: { debate: { mode: 'off' } } });
    expect(await debatesIn(iterationId)).toEqual([]);
    const [row] = await db
      .select({ n: sql<number>`count(*)::int` })
      .from(modelCalls)
      .where(and(eq(modelCalls.iterationId, iterationId), eq(modelCalls.stage, 'debate')));
    expect(row!.n).toBe(0);
  });
});

describe('a debate of agents that can not read each other', () => {
  /** Sums with one slip in the fifth line; told to go on from lines of its own, it goes on rightly. */
  const slipping: Script['answer'] = ({ messages, seed }) => {
    const begun = messages.length > 1 ? messages.at(-1)!.content : '';
    const sum = messages.find(({ role }) => role === 'user')!.content;
    if (begun !== '') return longAddition(sum).slice(begun.length);
    return seed % 3 === 0 ? longAddition(sum) : longAddition(sum, 4 + (seed % 3));
  };

  test('goes on from the line before the first bad one', async () => {
    endpoint = await startScriptedEndpoint({
      baseModel: 'adder',
      answer: slipping,
      otherModels: ['arithmetic-critic'],
      extra: (request) => (request.body.prompt_logprobs === 0 ? judgeSum(request) : undefined),
    });
    const settings: ImproveInput = {
      pool: { prompts: 8, rehearsal: 0 },
      probes: { mode: 'off' },
      strategy: { debate: { mode: 'on', prompts: 'all' } },
      sampling: { cache: false, resamples: 0 },
      gates: { agreement: { calibration: { share: 1 } } },
    };
    const run = await addArithmeticRun(db, { url: endpoint.url, model: 'adder', settings });
    const { iterationId, filtered } = await run.iterate(1, [4, 5]);
    const turns = (await turnsIn(iterationId)).map(({ turn }) => turn);
    const went = turns.filter(({ keptLines }) => keptLines > 0);
    expect(went.length).toBeGreaterThan(0);
    for (const turn of went) {
      const before = turns.find(
        (one) => one.promptId === turn.promptId && one.agent === turn.agent && one.round === turn.round - 1,
      )!;
      const [point] = await db.select().from(debatePoints).where(eq(debatePoints.turnId, before.id));
      expect(turn.keptLines).toBe(point!.line! - 1);
      expect(turn.rationale.split('\n').slice(0, turn.keptLines)).toEqual(
        before.rationale.split('\n').slice(0, turn.keptLines),
      );
      expect(turn.rationale).toBe(longAddition(turn.request));
      expect(turn.rationale).toBe(
        before.rationale.split('\n').slice(0, turn.keptLines).join('\n') + '\n' + turn.reply,
      );
    }
    // Agents answer different forms, and those whose work no critic faults are not asked again.
    const opening = turns.filter(({ round }) => round === 1);
    expect(
      new Set(opening.filter(({ promptId }) => promptId === opening[0]!.promptId).map((one) => one.rewrite))
        .size,
    ).toBe(3);
    const kept = turns.filter(({ round, action }) => round > 1 && action === 'keep');
    expect(kept.length).toBeGreaterThan(0);
    expect(kept.every(({ callId }) => callId === null)).toBe(true);
    const outcomes = await debatesIn(iterationId);
    for (const { debate, prompt } of outcomes)
      expect(debate.answer).toBe(run.task.truth!({ ...prompt, level: undefined }));
    expect(filtered.accepted).toBe(8);
  });
});
