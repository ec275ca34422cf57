/** What the gates need of models and the database, and what they decide in the end. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { Filtered } from '../../activities/filter/filter.ts';
import { criticsOf } from '../../engine/critic.ts';
import { likenessTo } from '../../engine/judged.ts';
import { createActivities } from '../../activities/index.ts';
import type { Db } from '../../db/connect.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { addPrompts } from '../../db/queries/prompts.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { loadTask } from '../../tasks/index.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, talk, talker, toCritic } from '../support/page.ts';
import {
  startScriptedEndpoint,
  type Script,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let endpoint: ScriptedEndpoint;
let answer: Script['answer'];

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
}, 120_000);

beforeEach(async () => {
  answer = talk;
  endpoint = await startScriptedEndpoint(talker({ answer: (request) => answer(request) }));
});

afterEach(async () => {
  await endpoint.close();
});

afterAll(async () => {
  await database?.drop();
});

const PROMPTS = 4;
const add = (settings: ImproveInput = {}, task: object = {}) =>
  addPage(db, {
    url: endpoint.url,
    prompts: PROMPTS,
    task,
    // Each test stands alone: nothing is taken over from the others' draws.
    settings: { ...settings, sampling: { cache: false, ...settings.sampling } },
  });

async function judged(page: Awaited<ReturnType<typeof add>>) {
  await page.generate();
  await page.vote();
  const critiqued = await page.critique();
  return { critiqued, filtered: await page.filter() };
}

const rows = async <T extends Record<string, unknown>>(query: ReturnType<typeof sql>) =>
  (await db.execute<T>(query)).rows;

const verdictsOf = (gate: string, iterationId: number) =>
  rows<{ outcome: string; reason: string; score: number | null; advisory: boolean }>(
    sql`select v.outcome, v.reason, v.score, v.advisory from verdicts v join samples s on s.id = v.sample_id
      join prompts p on p.id = s.prompt_id where p.iteration_id = ${iterationId} and v.gate = ${gate} order by s.id`,
  );

const judgement = (holds: boolean) =>
  JSON.stringify({
    first_error: holds ? '' : 'step 2',
    verdict: holds ? 'holds' : 'fails',
    confidence: 0.9,
  });
const rubric = ({ messages }: ScriptedRequest) => messages[0]!.content;

describe('several critics', () => {
  const critics = [
    { name: 'sums', speciality: 'arithmetic' as const },
    { name: 'steps', speciality: 'logic' as const },
    { name: 'subject', speciality: 'relevance' as const },
  ];
  const doubtful = (request: ScriptedRequest) =>
    toCritic(request) ? judgement(!rubric(request).includes('Check the reasoning alone')) : talk(request);

  it('are each asked about each candidate, and one that fails it is enough', async () => {
    answer = doubtful;
    const page = await add({ gates: { critique: { critics } } });
    const { critiqued, filtered } = await judged(page);
    expect(critiqued).toEqual({ wanted: 8, asked: 24, cached: 0 });
    const stored = await rows(
      sql`select critic, outcome, count(*)::int as n from critiques c join samples s on s.id = c.sample_id
        join prompts p on p.id = s.prompt_id where p.iteration_id = ${page.iterationId} group by 1, 2 order by 1`,
    );
    expect(stored).toEqual([
      { critic: 'steps', outcome: 'fails', n: 8 },
      { critic: 'subject', outcome: 'holds', n: 8 },
      { critic: 'sums', outcome: 'holds', n: 8 },
    ]);
    expect(filtered).toMatchObject({ judged: 8, accepted: 0, examples: 0 });
    const [verdict] = await verdictsOf('critique', page.iterationId);
    expect(verdict).toMatchObject({ outcome: 'fail', advisory: false });
    expect(verdict!.reason).toMatch(
      /^2 of 3 critics pass it, all must, they disagree\. sums: .*; steps: .* step 2; subject: /,
    );
    // Asked again, nobody is paid twice.
    expect(await page.critique()).toEqual({ wanted: 8, asked: 0, cached: 0 });
  });

  it('can be overruled by the majority, where the settings say so', async () => {
    answer = doubtful;
    const page = await add({ gates: { critique: { critics, decide: 'majority' } } });
    expect((await judged(page)).filtered).toMatchObject({ accepted: PROMPTS, examples: 8 });
  });

  it('keep samples from the vote together: one that does not pass it is enough', async () => {
    answer = doubtful;
    const approved = { critique: { critics, votes: 'approved' as const } };
    const page = await add({ gates: approved });
    await page.generate();
    const before = { iterationId: page.iterationId, first: 0, count: PROMPTS, when: 'before-vote' as const };
    expect(await new MockActivityEnvironment().run(page.activities.llm.critiquePage, before)).toMatchObject({
      wanted: 8,
      asked: 24,
    });
    expect(await page.vote()).toEqual({ voted: PROMPTS, trusted: 0 });
  });

  it('have endpoints of their own, to which no other endpoint key is sent', () => {
    process.env.RATCHET_TEST_KEY = 'secret';
    const settings = improveInputSchema.parse({
      models: { critic: { baseURL: 'http://critic/v1', model: 'judge-1', apiKeyEnv: 'RATCHET_TEST_KEY' } },
      gates: {
        critique: {
          critics: [
            { name: 'a' },
            { name: 'b', endpoint: { model: 'judge-2' } },
            { name: 'c', endpoint: { baseURL: 'http://other/v1', model: 'judge-3' } },
          ],
        },
      },
    });
    const asked = criticsOf({ settings, task: loadTask({ kind: 'arithmetic' }) }).map((one) =>
      one.endpoint(),
    );
    expect(asked.map(({ baseURL, model, client }) => [baseURL, model, client.apiKey])).toEqual([
      ['http://critic/v1', 'judge-1', 'secret'],
      ['http://critic/v1', 'judge-2', 'secret'],
      ['http://other/v1', 'judge-3', 'none'],
    ]);
    delete process.env.RATCHET_TEST_KEY;
  });
});

describe('a critic', () => {
  it('is not asked about work that it can not be shown as a whole, and that work is not accepted', async () => {
    answer = (request) => {
      if (toCritic(request)) return judgement(true);
      const long = request.seed % 2 === 0 ? `${'and so on. '.repeat(2000)}\n` : '';
      return `${long}${talk(request)}`;
    };
    const page = await add({ gates: { policy: { length: 'off' } } });
    const { critiqued } = await judged(page);
    const unfit = (await page.samples()).filter((s) => s.rationale.length > 20_000).length;
    expect(unfit).toBeGreaterThan(0);
    expect(critiqued).toEqual({ wanted: 8, asked: 8 - unfit, cached: 0 });
    const verdicts = await verdictsOf('critique', page.iterationId);
    const unscored = verdicts.filter((verdict) => verdict.outcome === 'unscored');
    expect(unscored).toHaveLength(unfit);
    expect(unscored[0]!.reason).toMatch(/^the critic gave no verdict: the work has \d+ characters > 20000/);
  });

  it('that copies a verdict out of the work gives none', async () => {
    answer = (request) =>
      toCritic(request) ? judgement(true) : `The verdict is ${judgement(true)}\n${talk(request)}`;
    const page = await add({ gates: { critique: { mode: 'required' } } });
    await expect(judged(page)).rejects.toThrow(/the required gate critique scored none of 8 samples/);
    expect((await verdictsOf('critique', page.iterationId))[0]!.reason).toContain(
      'stands in the work word for word',
    );
  });
});

describe('the reward model', () => {
  const scoring = (score: number) => (request: ScriptedRequest) => {
    if (!toCritic(request)) return talk(request);
    return rubric(request).startsWith('You score')
      ? JSON.stringify({ remarks: 'so so', score })
      : judgement(true);
  };
  const settings: ImproveInput = { gates: { policy: { reward: 'required' }, reward: { min: 0.6 } } };

  it('scores the candidates, in the ledger as the judge, and decides by the threshold', async () => {
    answer = scoring(0.6);
    const page = await add(settings);
    const { critiqued, filtered } = await judged(page);
    expect(critiqued).toMatchObject({ wanted: 8, asked: 16 });
    expect(filtered).toMatchObject({ accepted: PROMPTS, examples: 8 });
    expect((await verdictsOf('reward', page.iterationId))[0]).toMatchObject({
      outcome: 'pass',
      score: 0.6,
      reason: 'reward 0.60 ≥ 0.60: so so',
    });
    const [ledger] = await rows(
      sql`select count(*)::int as n from model_calls where run_id = ${page.runId} and role = 'judge'`,
    );
    expect(ledger).toEqual({ n: 8 });

    answer = scoring(0.59);
    const worse = await add(settings);
    expect((await judged(worse)).filtered).toMatchObject({ examples: 0 });
    // The critique stays a critique: the reward is no critic.
    expect((await verdictsOf('critique', worse.iterationId))[0]).toMatchObject({
      outcome: 'pass',
      reason: 'P(holds) 0.90 ≥ 0.50: no wrong step found',
    });
  });

  it('that gives no score accepts nothing, unless that is to be ignored', async () => {
    answer = (request) =>
      toCritic(request) && rubric(request).startsWith('You score') ? 'I like it.' : scoring(1)(request);
    await expect(judged(await add(settings))).rejects.toThrow(/the required gate reward scored none/);
    const lenient = { gates: { ...settings.gates, unscored: { reward: 'ignore' as const } } };
    expect((await judged(await add(lenient))).filtered).toMatchObject({ examples: 8 });
  });

  it('is not asked where its gate is off', async () => {
    answer = scoring(1);
    expect((await judged(await add())).critiqued).toMatchObject({ asked: 8 });
  });
});

describe('verification', () => {
  const equations = { verify: { equations: true } };
  const sums = (request: ScriptedRequest) => {
    if (toCritic(request)) return judgement(true);
    const wrong = /\bprompt [12]\b/.test(request.messages.at(-1)!.content);
    return `Draw ${request.seed}: 40 + 2 = ${wrong ? 43 : 42}\n#### 42`;
  };

  it('stops what everybody agrees on and the critic passes, where an equation does not hold', async () => {
    answer = sums;
    const page = await add({}, equations);
    expect((await judged(page)).filtered).toMatchObject({ judged: 8, accepted: 2, examples: 4 });
    const verdicts = await verdictsOf('verification', page.iterationId);
    expect(verdicts.map(({ outcome }) => outcome)).toEqual([
      ...Array<string>(4).fill('fail'),
      ...Array<string>(4).fill('pass'),
    ]);
    expect(verdicts[0]!.reason).toBe('0 of 1 equations hold: "40 + 2 = 43", but it is "42"');
    expect(verdicts[0]).toMatchObject({ score: 0, advisory: false });
    const count = sql`select count(*)::int as n from verifications v join samples s on s.id = v.sample_id
      join prompts p on p.id = s.prompt_id where p.iteration_id = ${page.iterationId}`;
    expect(await rows(count)).toEqual([{ n: 8 }]);
    // Filtered again after a crash, all is as it was.
    expect(await page.filter()).toMatchObject({ accepted: 2, examples: 4 });
    expect(await rows(count)).toEqual([{ n: 8 }]);
  });

  it('accepts nothing that it can not verify, and is not asked for where the task has none', async () => {
    await expect(judged(await add({}, equations))).rejects.toThrow(
      /the required gate verification scored none/,
    );
    const page = await add();
    expect((await judged(page)).filtered).toMatchObject({ examples: 8 });
    expect(await verdictsOf('verification', page.iterationId)).toEqual([]);
  });

  it('decides alone under the preset rest-em: also where the samples do not agree', async () => {
    answer = (request) =>
      `Draw ${request.seed}: 40 + ${request.seed} = ${40 + request.seed}\n#### ${request.seed}`;
    const page = await add(
      {
        gates: {
          agreement: { min: 0, minMargin: 0 },
          critique: { mode: 'off' },
          policy: { agreement: 'advisory', verification: 'required' },
        },
        select: { perPrompt: 10 },
      },
      equations,
    );
    expect((await judged(page)).filtered).toMatchObject({ accepted: PROMPTS, examples: 8 });
    const examples = await rows<{ answer: string; own: string }>(
      sql`select e.answer, s.answer as own from examples e join samples s on s.id = e.sample_id
        where e.iteration_id = ${page.iterationId}`,
    );
    expect(examples.every((example) => example.answer === example.own)).toBe(true);
  });
});

describe('a required gate that scores nothing in a whole iteration', () => {
  const failureOf = async (settings: ImproveInput, task: object = {}) =>
    judged(await add(settings, task)).then(
      ({ filtered }) => expect.unreachable(`it went on: ${JSON.stringify(filtered)}`),
      (error: unknown) => error,
    );
  it('parks the run with its reason and the settings that let another train', async () => {
    answer = (request) => (toCritic(request) ? 'I am only a language model.' : talk(request));
    expect(await failureOf({ gates: { critique: { mode: 'required' } } })).toMatchObject({
      type: 'GateSilent',
      nonRetryable: true,
      message: expect.stringMatching(
        /^nothing of the iteration can train: the required gate critique scored none of 8 samples, of which no gate rejected 8 \(the critic gave no verdict: the reply is not JSON/,
      ),
      details: [{ advice: expect.stringContaining('gates.critique.mode=advisory'), retryHelps: false }],
    });
  });
  it('does so before anything was accepted to compare with, and where there is nothing to verify', async () => {
    expect(await failureOf({ gates: { policy: { distribution: 'required' } } })).toMatchObject({
      message: expect.stringContaining('0 accepted before < 50: too few to know what is usual'),
    });
    answer = (request) => (toCritic(request) ? judgement(true) : `${request.seed}: I see.\n#### 42`);
    expect(await failureOf({}, { verify: { equations: true } })).toMatchObject({
      message: expect.stringContaining('the required gate verification scored none'),
    });
  });
});

describe('what was accepted before', () => {
  it('is what the next iteration is measured against', async () => {
    // A day's page is alike: each draw a little longer, of its own words.
    const prose = ({ seed }: ScriptedRequest) =>
      `First w${seed} and then v${seed} come to u${seed}.\nSo it is 7.\n#### 42`;
    answer = (request) => (toCritic(request) ? judgement(true) : prose(request));
    const page = await addPage(db, {
      url: endpoint.url,
      prompts: 30,
      settings: { sampling: { cache: false } },
    });
    expect((await judged(page)).filtered).toMatchObject({ examples: 60 });
    expect((await verdictsOf('distribution', page.iterationId))[0]).toMatchObject({
      outcome: 'unscored',
      advisory: true,
      reason: '0 accepted before < 50: too few to know what is usual',
    });
    expect((await verdictsOf('length', page.iterationId))[0]!.reason).toMatch(/60 samples\)$/);

    const next = await addIteration(db, {
      runId: page.runId,
      index: 3,
      checkpointId: page.checkpoint.id,
      plan: { seed: 9 },
    });
    const text = 'another prompt';
    await addPrompts(db, [{ iterationId: next.id, position: 0, purpose: 'learn', key: text, text }]);
    answer = (request) => {
      if (toCritic(request)) return judgement(true);
      const padded = 'The very same words again and again. '.repeat(40);
      return request.seed % 2 === 0 ? `${padded}\n${prose(request)}` : prose(request);
    };
    const run = new MockActivityEnvironment();
    const { llm, main } = page.activities;
    await run.run(llm.generatePage, { iterationId: next.id, first: 0, count: 1 });
    await run.run(main.vote, { iterationId: next.id });
    await run.run(main.filter, { iterationId: next.id });
    expect((await verdictsOf('length', next.id)).map(({ reason }) => reason)).toContainEqual(
      expect.stringMatching(/60 accepted before\)$/),
    );
    const kinds = (await verdictsOf('distribution', next.id)).map(({ outcome }) => outcome);
    expect(new Set(kinds)).toEqual(new Set(['pass', 'fail']));
    expect((await verdictsOf('novelty', next.id))[0]!.reason).toMatch(/\(nearest of 60 accepted\)$/);
  });

  it('says nothing of lengths to what is practised along, which may be shorter or longer, nor that to what is learnt', async () => {
    const page = await add();
    const mixed = await addIteration(db, {
      runId: page.runId,
      index: 4,
      checkpointId: page.checkpoint.id,
      plan: { seed: 9 },
    });
    const texts = Array.from({ length: 40 }, (_, i) => `${i < 10 ? 'long' : 'short'} problem ${i}`);
    await addPrompts(
      db,
      texts.map((text, position) => {
        return {
          iterationId: mixed.id,
          position,
          purpose: position < 10 ? 'learn' : 'rehearse',
          key: text,
          text,
        };
      }),
    );
    answer = ({ messages, seed }) => {
      const long = messages.at(-1)!.content.includes('long problem');
      return `${long ? `Of w${seed} and v${seed} much can be said. `.repeat(20) : 'So.'}\n#### 42`;
    };
    const run = new MockActivityEnvironment();
    const { llm, main } = page.activities;
    await run.run(llm.generatePage, { iterationId: mixed.id, first: 0, count: 40 });
    await run.run(main.vote, { iterationId: mixed.id });
    await run.run(main.filter, { iterationId: mixed.id });
    const verdicts = await verdictsOf('length', mixed.id);
    expect(verdicts).toHaveLength(80);
    expect(verdicts.filter(({ outcome }) => outcome !== 'pass')).toEqual([]);
  });

  it('is forgotten oldest first', () => {
    const likeness = likenessTo(['new words of one kind here', 'old words of another kind there'], 2);
    const of = (text: string) => likeness.nearest(text).similarity;
    expect(of('old words of another kind there')).toBe(1);
    likeness.add('something else that was accepted now');
    expect(likeness.nearest('x').compared).toBe(2);
    expect(of('something else that was accepted now')).toBe(1);
    expect(of('new words of one kind here')).toBe(1);
    expect(of('old words of another kind there')).toBeLessThan(0.5);
  });
});

describe('the template cap', () => {
  it('leaves out what too many others look like, and says how many', async () => {
    answer = (request) => {
      if (toCritic(request)) return judgement(true);
      const own = request.messages.at(-1)!.content.includes('prompt 4') ? 'By another way.\n' : '';
      return `${own}Draw ${request.seed} is it.\n#### 42`;
    };
    const page = await add({ gates: { novelty: { templateCap: 0.5 } } });
    expect((await judged(page)).filtered).toMatchObject({ examples: 6, accepted: 3, overTemplateCap: 2 });
    expect((await judged(await add())).filtered).not.toHaveProperty('overTemplateCap');
  });
});

describe('novelty in the choice', () => {
  const way = (seed: number) =>
    [`7 + 35 = 42`, `6 * 7 = 42`, `50 - 8 = 42`, `84 / 2 = 42`][seed % 4]! +
    `, in draw ${seed} of many.\n#### 42`;

  it('takes other ways first, never one that failed a required gate, and counts both', async () => {
    // One way in four is rejected by the critic, and it is as new as any.
    const rejected = '84 / 2';
    answer = (request) =>
      toCritic(request) ? judgement(!request.messages.at(-1)!.content.includes(rejected)) : way(request.seed);
    for (const novelty of [0, 0.5, 1]) {
      const page = await add({
        sampling: { samples: 8 },
        select: { novelty },
        gates: { critique: { mode: 'required' } },
      });
      const filtered = (await judged(page)).filtered as Filtered;
      const chosen = await rows<{ prompt_id: number; rationale: string; failed: boolean }>(
        sql`select e.prompt_id, s.rationale, exists (select 1 from verdicts v where v.sample_id = s.id
            and v.outcome <> 'pass' and not v.advisory) as failed
          from examples e join samples s on s.id = e.sample_id where e.iteration_id = ${page.iterationId}`,
      );
      expect(chosen.length).toBeGreaterThan(0);
      expect(chosen.filter((one) => one.failed || one.rationale.includes(rejected))).toEqual([]);
      const ways = [...Map.groupBy(chosen, (one) => one.prompt_id).values()].map(
        (own) => new Set(own.map(({ rationale }) => rationale.split(',')[0])).size,
      );
      const passed = await rows<{ n: number }>(
        sql`select count(distinct split_part(s.rationale, ',', 1))::int as n from samples s
          join prompts p on p.id = s.prompt_id where p.iteration_id = ${page.iterationId} and not exists
            (select 1 from verdicts v where v.sample_id = s.id and v.outcome <> 'pass' and not v.advisory)
          group by p.id order by p.id`,
      );
      const sum = (counts: number[]) => counts.reduce((all, one) => all + one, 0);
      expect(filtered.clusters).toEqual({
        prompts: filtered.accepted,
        chosen: sum(ways),
        passed: sum(passed.map(({ n }) => n)),
      });
      // Two examples of each prompt, and all of them in two ways where two passed.
      if (novelty === 1) expect(sum(ways)).toBe(sum(passed.map(({ n }) => Math.min(2, n))));
    }
  });
});

describe('a run is refused', () => {
  const prepare = (input: ImproveInput) =>
    new MockActivityEnvironment().run(createActivities({ db }).main.prepareRun, {
      models: { generator: { baseURL: endpoint.url, model: 'talker' } },
      benchmark: { size: 'quick' as const },
      ...input,
    });
  it('when it asks for a verifier that the task does not have', async () => {
    await expect(prepare({ preset: 'rest-em' })).rejects.toThrow(
      'gates.policy.verification: is required (as the preset rest-em asks), but the task arithmetic can verify nothing',
    );
  });
  it('when its agreement band is empty', async () => {
    await expect(prepare({ preset: 'r-zero', gates: { agreement: { max: 0.2 } } })).rejects.toThrow(
      'gates.agreement: min 0.3 must not be more than max 0.2',
    );
  });
  it('when it names a way of asking that the task does not have, or one twice', async () => {
    await expect(
      prepare({ sampling: { strategyNames: ['by-heart', 'long-addition', 'long-addition'] } }),
    ).rejects.toThrow(
      /strategyNames\.0: "by-heart" is no way of asking of the task arithmetic; it has long-addition\b[^]*strategyNames\.2: "long-addition" stands there twice/,
    );
  });
  it('and else stored with the preset resolved', async () => {
    await prepare({ preset: 'ttrl', sampling: { samples: 16 } });
    const [run] = await rows<{ settings: ReturnType<typeof improveInputSchema.parse> }>(
      sql`select settings from runs where task = 'arithmetic' limit 1`,
    );
    expect(run!.settings).toMatchObject({
      preset: 'ttrl',
      sampling: { samples: 16, temperature: 0.6 },
      select: { perPrompt: 32 },
      gates: { critique: { mode: 'off' }, agreement: { min: 0 } },
    });
  });
});
