/** What strangers send is stored, whatever its bytes, its length and its numbers. */
import { eq, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { modelCalls, prompts, stages } from '../../db/schema.ts';
import { storableJson, storableText } from '../../db/storable.ts';
import { createTestDatabase } from '../support/database.ts';
import { addPage } from '../support/page.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let db: Db;
let iterationId: number;
let runId: string;

beforeAll(async () => {
  database = await createTestDatabase();
  db = database.db;
  ({ iterationId, runId } = await addPage(db, { url: 'http://127.0.0.1:9', prompts: 1 }));
}, 120_000);

afterAll(() => database?.drop());

/** Any UTF-16, with what PostgreSQL refuses more often than chance would have it. */
const units = fc.oneof(
  fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
  fc.constantFrom('\0', '\uD83D', '\uDE00', '\\', '\\u0000', '"', '\u2028', '🙂'),
);
const texts = fc.array(units, { maxLength: 30 }).map((all) => all.join(''));

let position = 100;
const addPrompt = async (key: string, text: string) => {
  const [row] = await db
    .insert(prompts)
    .values({ iterationId, position: position++, purpose: 'learn', key, text })
    .onConflictDoNothing()
    .returning({ id: prompts.id });
  return row?.id;
};

describe('text', () => {
  it('of any bytes is stored, and comes back with U+FFFD for what can be no text', async () => {
    await fc.assert(
      fc.asyncProperty(texts, async (text) => {
        const id = await addPrompt(`${position}`, text);
        const [row] = await db.select().from(prompts).where(eq(prompts.id, id!));
        expect(row!.text).toBe(storableText(text));
        // Also where a query is written by hand.
        const { rows } = await db.execute<{ text: string }>(sql`select ${text}::text as text`);
        expect(rows[0]!.text).toBe(storableText(text));
      }),
      { numRuns: 100 },
    );
  });

  it('of any length can be a key, and the same key is still the same problem', async () => {
    // Random, so that compression does not make it short.
    const long = Array.from({ length: 100_000 }, (_, i) =>
      String.fromCharCode(0x4e00 + ((i * 7919) % 20_000)),
    );
    expect(await addPrompt(long.join(''), 'long')).toBeTypeOf('number');
    expect(await addPrompt(long.join(''), 'long again')).toBeUndefined();
    expect(await addPrompt(`${long.join('')}.`, 'another')).toBeTypeOf('number');
  });
});

describe('JSON', () => {
  it('of any strings is stored, keys included', async () => {
    await fc.assert(
      fc.asyncProperty(texts, texts, async (key, value) => {
        const output = { [`k${key}`]: [value, { inner: value }] };
        await db
          .insert(stages)
          .values({ iterationId, name: 'collect', status: 'pending', output })
          .onConflictDoUpdate({
            target: [stages.iterationId, stages.name],
            set: { output },
          });
        const [row] = await db.select().from(stages).where(eq(stages.iterationId, iterationId));
        expect(row!.output).toEqual({
          [storableText(`k${key}`)]: [storableText(value), { inner: storableText(value) }],
        });
      }),
      { numRuns: 100 },
    );
  });

  it('keeps a backslash that only looks like an escape', () => {
    expect(JSON.parse(storableJson({ text: String.raw`\u0000 \\u0000 \ud83d` }))).toEqual({
      text: String.raw`\u0000 \\u0000 \ud83d`,
    });
  });
});

it('a count beyond all measure is the largest that the column holds', async () => {
  const call = {
    runId,
    iterationId,
    stage: 'generate',
    role: 'generator',
    model: 'm',
    latencyMs: 1,
  };
  for (const [given, kept] of [
    [3e9, 2 ** 31 - 1],
    [Number.NaN, 0],
    [-5, 0],
    [7.4, 7],
  ] as const) {
    const [row] = await db
      .insert(modelCalls)
      .values({ ...call, promptTokens: given } as never)
      .returning();
    expect(row!.promptTokens).toBe(kept);
  }
});
