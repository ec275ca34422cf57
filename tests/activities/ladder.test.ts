/** Trees of parts against a real database and a scripted endpoint. */
import { and, eq, sql } from 'drizzle-orm';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { ladderNodes, ladderSamples, prompts, samples, votes } from '../../db/schema.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { createTestDatabase } from '../support/database.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint | undefined;
beforeAll(async () => void ({ db, drop } = await createTestDatabase()), 120_000);
afterAll(() => drop());
afterEach(() => endpoint?.close());

const K = 3;

/** One iteration from collect to filter over sums of these levels. */
async function iterate(
  answer: Script['answer'],
  { levels = [4, 6, 9], ...settings }: ImproveInput & { levels?: number[] } = {},
) {
  endpoint = await startScriptedEndpoint({ baseModel: 'adder', answer });
  const whole: ImproveInput = {
    pool: { prompts: 12, rehearsal: 0 },
    probes: { mode: 'off' },
    ...settings,
    strategy: { ladder: { mode: 'on', ...settings.strategy?.ladder } },
    sampling: { cache: false, ...settings.sampling },
    gates: {
      agreement: { calibration: { share: 0 } },
      critique: { mode: 'off', votes: 'all' },
      ...settings.gates,
    },
  };
  const run = await addArithmeticRun(db, { url: endpoint.url, model: 'adder', settings: whole });
  const done = await run.iterate(1, levels);
  return { ...done, run, settings: whole };
}

const right: Script['answer'] = ({ messages }) => longAddition(messages.at(-1)!.content);

const nodesIn = (iterationId: number) =>
  db
    .select({ node: ladderNodes, prompt: prompts })
    .from(ladderNodes)
    .innerJoin(prompts, eq(prompts.id, ladderNodes.promptId))
    .where(eq(prompts.iterationId, iterationId));

const wholesIn = (iterationId: number) =>
  db
    .select({ sample: samples, prompt: prompts })
    .from(samples)
    .innerJoin(prompts, eq(prompts.id, samples.promptId))
    .where(and(eq(prompts.iterationId, iterationId), eq(samples.round, 1)));

describe('a tree of parts', () => {
  test('of a steady model solves every prompt with its own lines, and all of it passes the gates', async () => {
    const { iterationId, filtered, run } = await iterate(right);
    expect(filtered).toMatchObject({ accepted: 12 });
    const wholes = await wholesIn(iterationId);
    for (const { sample, prompt } of wholes) {
      expect(sample).toMatchObject({ strategy: 'ladder', rationale: longAddition(sample.request) });
      expect(sample.answer).toBe(run.task.truth!({ ...prompt, level: undefined }));
    }
    const nodes = await nodesIn(iterationId);
    expect(Math.max(...nodes.map(({ node }) => node.depth))).toBeGreaterThan(1);
    // No one was asked for a long sum.
    const asked = endpoint!.received.map(
      ({ body }) => (body.messages as { content: string }[]).at(-1)!.content,
    );
    const digits = (text: string) =>
      Math.max(...text.split('+').map((n) => n.replace(/^0+|0+$/g, '').length));
    expect(Math.max(...asked.map(digits))).toBe(3);
  });

  test('with a wrong sub-answer in one of its votes yields nothing', async () => {
    let wrong = 0;
    const { iterationId, filtered } = await iterate(
      ({ messages, seed }) => {
        const text = messages.at(-1)!.content;
        // One sample of every third part slips in its highest place.
        if (seed % 3 !== 0) return longAddition(text);
        wrong += 1;
        return longAddition(text, 9);
      },
      { levels: [9] },
    );
    expect(wrong).toBeGreaterThan(0);
    const nodes = await nodesIn(iterationId);
    const roots = nodes.filter(({ node }) => node.path === '');
    const failed = roots.filter(({ node }) => node.status === 'failed');
    expect(failed.length).toBeGreaterThan(0);
    expect(filtered.accepted).toBe(roots.length - failed.length);
    for (const { node } of failed)
      expect(node.reason).toMatch(/part [\d.]+ \(.*\) failed: .*(2 of 3|no answer wins)/);
    const withWholes = new Set((await wholesIn(iterationId)).map(({ prompt }) => prompt.id));
    for (const { node } of failed) expect(withWholes.has(node.promptId)).toBe(false);
    const [vote] = await db.select().from(votes).where(eq(votes.promptId, failed[0]!.node.promptId));
    expect(vote).toMatchObject({ answer: null, votes: 0, trusted: false });
  });

  test('whose parts all agree on lines that contradict each other is rejected when it is put together', async () => {
    // Right sums, by a first line that forgets its carry and a second that adds it from nowhere.
    const { iterationId, filtered } = await iterate(
      ({ messages }) => {
        const lines = longAddition(messages.at(-1)!.content).split('\n');
        const from = lines.findIndex((line) => line.endsWith(',1'));
        if (from < 0) return lines.join('\n');
        lines[from] = lines[from]!.replace(/1$/, '0');
        lines[from + 1] = lines[from + 1]!.replace('+1=', '+0=');
        return lines.join('\n');
      },
      { levels: [9] },
    );
    const nodes = await nodesIn(iterationId);
    const doubted = await db
      .select({ reason: ladderSamples.reason })
      .from(ladderSamples)
      .innerJoin(ladderNodes, eq(ladderNodes.id, ladderSamples.nodeId))
      .innerJoin(prompts, eq(prompts.id, ladderNodes.promptId))
      .where(
        sql`${prompts.iterationId} = ${iterationId} and ${ladderSamples.callId} is null and not ${ladderSamples.ok}`,
      );
    const roots = nodes.filter(({ node }) => node.path === '');
    expect(roots.filter(({ node }) => node.status === 'failed').length).toBeGreaterThan(0);
    expect(doubted.some(({ reason }) => reason.startsWith('the parts have both'))).toBe(true);
    expect(filtered.accepted).toBe(roots.filter(({ node }) => node.status === 'solved').length);
  });

  test('asks nothing again, in the same run or in another of the same weights', async () => {
    const first = await iterate(right, { sampling: { cache: true } });
    const asked = endpoint!.requests.length;
    // A part that stands in several trees is asked once.
    expect(new Set(endpoint!.requests).size).toBe(asked);
    await first.run.generate(first.iterationId, 12);
    const second = await addArithmeticRun(db, {
      url: endpoint!.url,
      model: 'adder',
      settings: first.settings,
    });
    const again = await second.iterate(1, [4, 6, 9]);
    expect(again.filtered.accepted).toBe(12);
    expect(endpoint!.requests.length).toBe(asked);
  });

  test.each([
    ['depth', { depth: 0 }, /^./, false],
    ['calls', { calls: 2 * K - 1 }, /the tree would take 6 samples, at most 5 are allowed/, true],
    ['fanOut', { fanOut: 1 }, /2 parts, at most 1 are allowed/, true],
  ])('keeps to its cap on %s', async (_, ladder, reason, fails) => {
    const { iterationId } = await iterate(right, { levels: [6], strategy: { ladder } });
    const roots = (await nodesIn(iterationId)).filter(({ node }) => node.path === '');
    for (const { node } of roots) {
      expect(node.status).toBe(fails ? 'failed' : 'solved');
      expect(node.reason).toMatch(reason);
    }
  });

  test('takes as many calls as it may', async () => {
    const { iterationId } = await iterate(right, {
      levels: [6],
      strategy: { ladder: { calls: 9, fanOut: 2, depth: 3 } },
    });
    const roots = (await nodesIn(iterationId)).filter(({ node }) => node.path === '');
    expect(roots.map(({ node }) => node.status)).toEqual(roots.map(() => 'solved'));
  });

  test('that is closed does not change any more', async () => {
    const { iterationId } = await iterate(right, { levels: [4] });
    const { node } = (await nodesIn(iterationId))[0]!;
    await expect(
      db.update(ladderNodes).set({ answer: '1' }).where(eq(ladderNodes.id, node.id)),
    ).rejects.toMatchObject({ cause: { message: expect.stringContaining('it does not change any more') } });
  });

  test('measures its votes on trees of problems with known answers', async () => {
    const { iterationId, voted } = await iterate(right, {
      levels: [5],
      gates: { agreement: { calibration: { share: 1 } }, critique: { mode: 'off', votes: 'all' } },
    });
    const rows = await nodesIn(iterationId);
    const calibrating = rows.filter(({ node, prompt }) => node.path === '' && prompt.purpose === 'calibrate');
    expect(calibrating).toHaveLength(12);
    expect(voted.voted).toBe(12);
    expect((await wholesIn(iterationId)).every(({ prompt }) => prompt.purpose === 'learn')).toBe(true);
  });
});
