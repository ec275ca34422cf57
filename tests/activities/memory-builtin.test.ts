/** Memory with the built-in model, to which right work before a question is as strange as wrong work. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { addMemory } from '../../db/queries/memory.ts';
import { listMemory } from '../../db/queries/memory-tests.ts';
import { memoryTokens } from '../../engine/memory/prompt.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { createTestDatabase } from '../support/database.ts';
import { startModelServer } from '../support/model-server.ts';
import { shownSum } from '../support/reading-adder.ts';

let db: Db;
let drop: () => Promise<void>;
let server: Awaited<ReturnType<typeof startModelServer>>;
beforeAll(async () => {
  [{ db, drop }, server] = await Promise.all([createTestDatabase(), startModelServer()]);
}, 240_000);
afterAll(async () => {
  await server?.close();
  await drop?.();
});

/** The share of an iteration's first samples that are right. */
async function rightShare(settings: ImproveInput): Promise<number> {
  const run = await addArithmeticRun(db, {
    url: server.url,
    model: 'arithmetic',
    settings: {
      pool: { prompts: 16, rehearsal: 0 },
      probes: { mode: 'off' },
      gates: { critique: { mode: 'off', votes: 'all' }, agreement: { calibration: { share: 0 } } },
      ...settings,
    },
  });
  const { iterationId } = await run.iterate(1, [4]);
  const { rows } = await db.execute<{ text: string; key: string; answer: string | null }>(
    sql`select p.text, p.key, s.answer from samples s join prompts p on p.id = s.prompt_id
      where p.iteration_id = ${iterationId} and s.round = 1`,
  );
  return rows.filter((one) => one.answer === run.task.truth!(one)).length / rows.length;
}

it('would cost it a third of its answers and more, and costs none as no test admits it', async () => {
  for (const sum of [shownSum(4821, 977), shownSum(3650, 8214, 2)]) {
    const tokens = memoryTokens(sum);
    await addMemory(
      db,
      { task: 'arithmetic', kind: 'pattern', request: sum.request, text: sum.text, tokens, by: 'a test' },
      [{ key: sum.key, text: sum.key }],
      'planted',
    );
  }
  const memory = { mode: 'on' as const, shown: 1, problems: 32, proposals: 0 };
  const alone = await rightShare({});
  const gated = await rightShare({ memory });
  const ungated = await rightShare({ memory, experiment: 'ungated' });
  expect(alone).toBeGreaterThan(0.3);
  expect(alone - ungated).toBeGreaterThanOrEqual(0.3);
  expect(gated).toBe(alone);
  const entries = await listMemory(db, { most: 9 });
  expect(entries.map(({ state }) => state)).toEqual(['rejected', 'rejected']);
}, 240_000);
