/** An adversary against a real database and scripted critics. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { and, asc, eq } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { createActivities } from '../../activities/index.ts';
import { criticLines } from '../../app/exports/critic.ts';
import { selfPlayReport, selfPlaySentences } from '../../app/report/self-play.ts';
import type { Db } from '../../db/connect.ts';
import { plantedSamples } from '../../db/queries/probes.ts';
import { iterations, prompts, samples, selfPlay, verdicts } from '../../db/schema.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { structuredCritic } from '../../tasks/critic.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { heard, productsTask, verdict, work } from '../support/arguers.ts';
import { createTestDatabase } from '../support/database.ts';
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

const WORKS = 4;
const stated = (text: string) => Number(/answer is (\d+)/.exec(text)?.[1]);

/** Good work; the adversary adds a hundred, which this critic does not see, while it sees every other mistake. */
function blindToHundreds(request: ScriptedRequest): string {
  const system = request.messages[0]!.content;
  if (system.startsWith('You test graders')) return work(heard(request).truth + 100);
  const one = heard(request);
  if (one.work === undefined) return work(one.truth);
  return verdict(Math.abs(stated(one.work) - one.truth) % 100 === 0 ? 0 : 2, one);
}

async function play(
  answer: (request: ScriptedRequest) => string,
  settings: ImproveInput = {},
  fault?: Script['fault'],
) {
  endpoint = await startScriptedEndpoint({ baseModel: 'player', answer, fault });
  const whole: ImproveInput = {
    pool: { prompts: 6, rehearsal: 0 },
    probes: { mode: 'off' },
    ...settings,
    strategy: { selfPlay: { mode: 'on', works: WORKS, ...settings.strategy?.selfPlay } },
    sampling: { samples: 4, resamples: 0, cache: false },
    gates: { critique: { mode: 'required' }, agreement: { calibration: { share: 1 } }, ...settings.gates },
  };
  const run = await addArithmeticRun(db, {
    url: endpoint.url,
    model: 'player',
    settings: whole,
    spec: await productsTask(60),
  });
  const { iterationId } = await run.iterate(1);
  const { llm, main } = createActivities({ db });
  const again = (first = 0, count = WORKS) =>
    new MockActivityEnvironment().run(llm.playPage, { iterationId, first, count }) as Promise<{
      found: number;
    }>;
  return {
    run,
    iterationId,
    main,
    again,
    played: await again().catch((error: unknown) => ({ found: -1, error })),
  };
}

const triesIn = (iterationId: number) =>
  db
    .select()
    .from(selfPlay)
    .where(eq(selfPlay.iterationId, iterationId))
    .orderBy(asc(selfPlay.sampleId), asc(selfPlay.try));

describe('an adversary', () => {
  test('goes on until the critics pass what is known to be bad, and no further', async () => {
    const { iterationId, played, again } = await play(blindToHundreds);
    const tries = await triesIn(iterationId);
    const byWork = [...Map.groupBy(tries, ({ sampleId }) => sampleId).values()];
    expect(byWork).toHaveLength(WORKS);
    for (const own of byWork) {
      // An altered answer first, which the critic sees, then the model's.
      expect(own.map(({ by, outcome }) => [by, outcome])).toEqual([
        ['mutation', 'caught'],
        ['model', 'found'],
      ]);
      expect(own[1]).toMatchObject({ knownBy: 'known answer', kind: 'wrong-answer' });
      expect(own[1]!.callId).not.toBeNull();
      expect(own[1]!.reason).toMatch(/^it says \d+, right is \d+; /);
    }
    expect(played.found).toBe(WORKS);
    const asked = endpoint!.requests.length;
    expect(await again()).toEqual({ found: WORKS });
    expect(endpoint!.requests.length).toBe(asked);
    // What is judged stays as it is.
    await expect(
      db.update(selfPlay).set({ outcome: 'caught' }).where(eq(selfPlay.id, tries[1]!.id)),
    ).rejects.toMatchObject({
      cause: { message: expect.stringContaining('does not change any more') },
    });
  });

  test('asks no critic again about what it has judged, when the page was stopped between', async () => {
    let broken = true;
    const answered: string[] = [];
    const asksOfSpoilt = (request: ScriptedRequest) => {
      if (request.messages[0]!.content.startsWith('You test graders')) return false;
      const one = heard(request);
      return one.work !== undefined && stated(one.work) !== one.truth;
    };
    const { iterationId, played, again } = await play(blindToHundreds, {}, (request) => {
      if (!asksOfSpoilt(request)) return undefined;
      if (broken && answered.length >= 2) return { status: 401 };
      answered.push(JSON.stringify(request.messages));
      return undefined;
    });
    expect(played).toMatchObject({ found: -1, error: expect.anything() });
    expect(answered).toHaveLength(2);
    expect(new Set((await triesIn(iterationId)).map(({ outcome }) => outcome))).toEqual(new Set(['made']));
    broken = false;
    expect(await again()).toEqual({ found: WORKS });
    expect(new Set(answered).size).toBe(answered.length);
    expect(answered).toHaveLength(2 * WORKS);
  });

  test('takes as many tries as it may where the critics tell, and finds nothing', async () => {
    const { iterationId, played } = await play(
      (request) => {
        const system = request.messages[0]!.content;
        if (system.startsWith('You test graders')) return work(heard(request).truth + 7);
        const one = heard(request);
        if (one.work === undefined) return work(one.truth);
        return verdict(stated(one.work) === one.truth ? 0 : 2, one);
      },
      { strategy: { selfPlay: { tries: 3 } } },
    );
    expect(played.found).toBe(0);
    const tries = await triesIn(iterationId);
    expect(tries).toHaveLength(WORKS * 3);
    expect(new Set(tries.map(({ outcome }) => outcome))).toEqual(new Set(['caught']));
  });

  test('counts what is no work, and what nothing says is bad', async () => {
    const { iterationId, run } = await play((request) => {
      const system = request.messages[0]!.content;
      if (system.startsWith('You test graders'))
        return request.seed % 2 === 0 ? 'I would rather not.' : work(heard(request).truth);
      const one = heard(request);
      return one.work === undefined ? work(one.truth) : verdict(stated(one.work) === one.truth ? 0 : 2, one);
    });
    const byModel = (await triesIn(iterationId)).filter(({ by }) => by === 'model');
    expect(new Set(byModel.map(({ outcome }) => outcome))).toEqual(new Set(['unfit', 'harmless']));
    const report = (await selfPlayReport(db, run.runId))!;
    expect(report.total).toMatchObject({
      works: WORKS,
      tries: WORKS * 4,
      found: 0,
      caught: WORKS * 2,
    });
    expect(report.total.harmless + report.total.unfit).toBe(WORKS * 2);
    expect(selfPlaySentences(report)).toEqual([
      `Of ${WORKS * 2} works that were in form and known to be bad the critics passed 0: bad work was found for 0 of ${WORKS} works.`,
    ]);
  });

  test('has what it found planted in later iterations, where it stops nothing, and written for a critic to train on', async () => {
    const { run, main } = await play(blindToHundreds, {
      probes: { mode: 'required', minPlanted: 1 },
      strategy: { selfPlay: { plant: 2 } },
    });
    const second = await run.iterate(2);
    const planted = (await plantedSamples(db, second.iterationId)).filter(
      ({ probe }) => probe.kind === 'adversarial',
    );
    expect(planted).toHaveLength(2);
    for (const { probe, sample, prompt } of planted) {
      const [found] = await db
        .select()
        .from(selfPlay)
        .where(and(eq(selfPlay.sampleId, probe.hostSampleId), eq(selfPlay.outcome, 'found')));
      expect(sample.rationale).toBe(found!.rationale);
      expect([prompt.purpose, prompt.iterationId]).toEqual(['planted', second.iterationId]);
      expect(probe.origin).toBe('self-play');
      const [critique] = await db
        .select()
        .from(verdicts)
        .where(and(eq(verdicts.sampleId, sample.id), eq(verdicts.gate, 'critique')));
      expect(critique!.outcome).toBe('pass');
    }
    // It came through, and the iteration was judged by what else was planted.
    expect(second.filtered.probesCaught).toBe('10 of 10');
    expect(await main.countVoted({ iterationId: second.iterationId })).toBeGreaterThan(0);

    const { request, write } = structuredCritic;
    const lines = await criticLines(db, run.runId, { request, write: write! });
    expect(lines).toHaveLength(2 * WORKS);
    const [bad, good] = lines.map(({ text, metadata }) => ({
      messages: (JSON.parse(text) as { messages: { role: string; content: string }[] }).messages,
      metadata: JSON.parse(metadata!) as Record<string, unknown>,
    }));
    expect(JSON.parse(bad!.messages.at(-1)!.content)).toMatchObject({ verdict: 'fails' });
    expect(structuredCritic.read({ text: bad!.messages.at(-1)!.content, raw: {} }).outcome).toBe('fails');
    expect(structuredCritic.read({ text: good!.messages.at(-1)!.content, raw: {} }).outcome).toBe('holds');
    expect(bad!.metadata).toMatchObject({ run: run.runId, iteration: 1, verdict: 'fails', by: 'model' });
    expect(good!.metadata.sample).toBe(bad!.metadata.sample);
    const [host] = await db
      .select({ run: iterations.runId })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId))
      .innerJoin(iterations, eq(iterations.id, prompts.iterationId))
      .where(eq(samples.id, Number(bad!.metadata.sample)));
    expect(host!.run).toBe(run.runId);
  });
});
