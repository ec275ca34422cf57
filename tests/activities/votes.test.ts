import { MockActivityEnvironment } from '@temporalio/testing';
import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { paraphrases, prompts, verdicts, votes } from '../../db/schema.ts';
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

describe('a task without exact rewrites', () => {
  const settings = {
    sampling: { samples: 8, paraphrases: 3 },
    gates: { critique: { mode: 'off' as const } },
  };
  const isParaphrasing = ({ messages }: ScriptedRequest) => /You rewrite problems/.test(messages[0]!.content);

  /** The first paraphrase is good, the second loses the number, the third is the first again. */
  const rewriter = (request: ScriptedRequest): string => {
    const asked = request.messages.at(-1)!.content;
    if (!isParaphrasing(request)) return `Draw ${request.seed} of ${asked}\nSo it is 42.\n#### 42`;
    const first = Number(request.body.seed);
    return request.seed === first + 1 ? 'Give the thing that you were asked for' : `Please consider ${asked}`;
  };

  test('asks in paraphrases that keep numbers and names, stored with the reason and paid once', async () => {
    const endpoint = await startScriptedEndpoint(talker({ answer: rewriter }));
    try {
      const page = await addPage(db, { url: endpoint.url, prompts: 2, settings });
      await page.generate();
      const stored = await db
        .select({ index: paraphrases.index, ok: paraphrases.ok, reason: paraphrases.reason })
        .from(paraphrases)
        .innerJoin(prompts, eq(prompts.id, paraphrases.promptId))
        .where(eq(prompts.iterationId, page.iterationId))
        .orderBy(prompts.position, paraphrases.index);
      expect(stored.slice(0, 3)).toEqual([
        { index: 0, ok: true, reason: 'it keeps numbers and names' },
        { index: 1, ok: false, reason: 'its numbers are none instead of 1' },
        { index: 2, ok: false, reason: 'it is the same as an earlier one' },
      ]);
      const samples = await page.samples();
      const of = (rewrite: string) => samples.filter((one) => one.rewrite === rewrite);
      expect(of('as-is')).toHaveLength(8);
      expect(of('paraphrase 1')).toHaveLength(8);
      expect(of('paraphrase 1')[0]!.request).toBe('Please consider prompt 1');
      const { requests } = await page.ledger();
      expect(requests).toBe(2 + 4);
      await page.generate();
      expect((await page.ledger()).requests).toBe(requests);
      expect((await page.vote()) as object).toMatchObject({ trusted: 2 });
      const [vote] = await db
        .select({ tallies: votes.tallies, within: votes.within, across: votes.across })
        .from(votes)
        .innerJoin(prompts, eq(prompts.id, votes.promptId))
        .where(eq(prompts.iterationId, page.iterationId));
      expect(vote).toMatchObject({ within: 1, across: 1 });
      expect(vote!.tallies).toHaveLength(2);

      // An equal request of a later run is not paid for again.
      const again = await addPage(db, { url: endpoint.url, prompts: 2, settings });
      await again.generate();
      expect((await again.ledger()).requests).toBe(0);
    } finally {
      await endpoint.close();
    }
  }, 60_000);

  test('does not trust what one way of asking provokes and no other gives', async () => {
    const endpoint = await startScriptedEndpoint(
      talker({
        answer: (request) => {
          if (isParaphrasing(request)) {
            const way = request.seed - Number(request.body.seed);
            return `${['Please consider', 'Now for', 'What about'][way]} ${request.messages.at(-1)!.content}`;
          }
          const { messages, seed } = request;
          const asked = messages.at(-1)!.content;
          const trapped = asked.startsWith('Please') || asked.startsWith('Now');
          return `Draw ${seed} of ${asked}\nSo it is so.\n#### ${trapped ? 13 : 100 + seed}`;
        },
      }),
    );
    try {
      const page = await addPage(db, {
        url: endpoint.url,
        prompts: 2,
        settings: { ...settings, gates: { ...settings.gates, agreement: { min: 0.5 } } },
      });
      await page.generate();
      expect((await page.vote()) as object).toMatchObject({ trusted: 0 });
      await page.filter();
      const ids = (await page.samples()).map((one) => one.id);
      const judged = await db.select().from(verdicts).where(eq(verdicts.gate, 'agreement'));
      const own = judged.find((one) => ids.includes(one.sampleId))!;
      expect(own.reason).toBe(
        'shared mistake: samples of one rewrite agree on 13 (1.00 within), those of others do not (0.33 across)',
      );
    } finally {
      await endpoint.close();
    }
  }, 60_000);
});
