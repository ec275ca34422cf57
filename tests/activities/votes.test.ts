import { MockActivityEnvironment } from '@temporalio/testing';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { prompts, verdicts, votes } from '../../db/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage, talker, toCritic } from '../support/page.ts';
import { startScriptedEndpoint, type ScriptedRequest } from '../support/scripted-endpoint.ts';

let db: Db;
let drop: () => Promise<void>;
beforeAll(async () => void ({ db, drop } = await createTestDatabase()), 120_000);
afterAll(() => drop());

const PROMPTS = 7;

/** Votes and reasons of the agreement gate, of prompts of eight samples each. */
async function votesOf(
  say: (request: ScriptedRequest) => string,
  settings: NonNullable<Parameters<typeof addPage>[1]['settings']> = {},
) {
  const endpoint = await startScriptedEndpoint(talker({ answer: say }));
  try {
    const page = await addPage(db, {
      url: endpoint.url,
      prompts: PROMPTS,
      settings: {
        ...settings,
        sampling: { samples: 8, cache: false },
        gates: { critique: { mode: 'off' }, ...settings.gates },
      },
    });
    await page.generate();
    const { llm } = page.activities;
    const { iterationId } = page;
    await new MockActivityEnvironment().run(llm.critiquePage, {
      iterationId,
      first: 0,
      count: PROMPTS,
      when: 'before-vote' as const,
    });
    const { trusted } = (await page.vote()) as { trusted: number };
    await page.filter();
    const rows = await db
      .select({ vote: votes })
      .from(votes)
      .innerJoin(prompts, eq(prompts.id, votes.promptId))
      .where(eq(prompts.iterationId, page.iterationId));
    const ids = (await page.samples()).map((one) => one.id);
    const judged = await db.select().from(verdicts).where(eq(verdicts.gate, 'agreement'));
    const reasons = new Set(judged.filter((one) => ids.includes(one.sampleId)).map((one) => one.reason));
    return { trusted, votes: rows.map((row) => row.vote), reasons: [...reasons] };
  } finally {
    await endpoint.close();
  }
}

describe('a vote', () => {
  test('over K copies of one draw is one vote, and the reason says so', async () => {
    const found = await votesOf(({ messages }) => `About ${messages.at(-1)!.content}\nSo it is 42.\n#### 42`);
    expect(found.trusted).toBe(0);
    expect(found.votes.map((vote) => [vote.votes, vote.copies])).toEqual(
      Array.from({ length: PROMPTS }, () => [1, 7]),
    );
    expect(found.reasons).toEqual([
      'agreement 0.13 < 0.60 (1 of 8 samples; 7 are copies of another, so they did not vote)',
    ]);
  });

  test('over samples that differ somewhere counts equal ones each', async () => {
    const found = await votesOf(({ messages, seed }) => {
      const prompt = messages.at(-1)!.content;
      return `${/prompt 3\b/.test(prompt) ? `Draw ${seed}` : 'Well'} of ${prompt}\nSo it is 42.\n#### 42`;
    });
    expect(found.trusted).toBe(PROMPTS);
    expect(found.votes.every((vote) => vote.copies === 0 && vote.votes === 8)).toBe(true);
  });

  test('that no answer wins is not trusted, unless it is told to count answers only', async () => {
    const asked = new Map<string, number>();
    const mute = ({ messages, seed }: ScriptedRequest) => {
      const prompt = messages.at(-1)!.content;
      const before = asked.get(prompt) ?? 0;
      asked.set(prompt, before + 1);
      return before % 8 < 5 ? `Draw ${seed}: who can say?` : `Draw ${seed}\nSo it is 42.\n#### 42`;
    };
    const agreement = { min: 0.3 };
    const found = await votesOf(mute, { gates: { agreement } });
    expect(found.trusted).toBe(0);
    expect(found.votes.every((vote) => vote.unreadable === 5 && vote.answer === '42')).toBe(true);
    expect(found.reasons).toEqual(['no answer wins: 5 of 8 samples gave none that could be read, 3 gave 42']);
    const told = await votesOf(mute, { gates: { agreement: { ...agreement, noAnswer: 'abstains' } } });
    expect(told.trusted).toBe(PROMPTS);
  });

  test('is not lost to no answer by samples that a critic took the vote from', async () => {
    const found = await votesOf(
      (request) => {
        if (toCritic(request)) {
          const good = /good work/.test(request.messages.at(-1)!.content);
          return JSON.stringify({
            first_error: good ? '' : 'all of it',
            verdict: good ? 'holds' : 'fails',
            confidence: 0.9,
          });
        }
        return `Draw ${request.seed}: ${request.seed % 8 < 3 ? 'good' : 'poor'} work\nSo it is 42.\n#### 42`;
      },
      {
        gates: { agreement: { min: 0.1, minMargin: 0.1 }, critique: { mode: 'required', votes: 'approved' } },
      },
    );
    expect(found.votes.map((vote) => [vote.votes, vote.unreadable])).toEqual(
      Array.from({ length: PROMPTS }, () => [3, 0]),
    );
    expect(found.trusted).toBe(PROMPTS);
  });
});
