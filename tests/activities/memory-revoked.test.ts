/** Memory that is found wrong while an iteration goes on, or through an example that is equal to the one that it was made of. */
import { eq, sql, type SQL } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { withDescent } from '../../app/lineage/revoke-memory.ts';
import type { Db } from '../../db/connect.ts';
import { newExamples } from '../../db/queries/examples.ts';
import { addMemory } from '../../db/queries/memory.ts';
import { revokeMemory } from '../../db/queries/memory-descent.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import { examples, memoryShown, memoryStates, prompts, revocations, samples } from '../../db/schema.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { createTestDatabase } from '../support/database.ts';
import { readingAdder, shownSum } from '../support/reading-adder.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint;

beforeAll(async () => void (endpoint = await startScriptedEndpoint(readingAdder)), 120_000);
beforeEach(async () => {
  await drop?.();
  ({ db, drop } = await createTestDatabase());
});
afterAll(async () => {
  await drop();
  await endpoint.close();
});

const rowsOf = async <T>(query: SQL): Promise<T[]> => (await db.execute(query)).rows as T[];
const iterated = async (memory: 'on' | 'off') => {
  const run = await addArithmeticRun(db, {
    url: endpoint.url,
    model: 'adder',
    settings: {
      iterations: 1,
      pool: { prompts: 12, rehearsal: 2 },
      probes: { mode: 'off' },
      sampling: { cache: false },
      gates: { critique: { mode: 'off', votes: 'all' }, agreement: { calibration: { share: 0.5 } } },
      memory: { mode: memory, problems: 24, proposals: 0 },
    },
  });
  return { run, ...(await run.iterate(1, [4, 5])) };
};
const plant = async (of: { key: string; exampleId?: number }) => {
  const { text, request } = shownSum(4821, 977);
  const entry = { task: 'arithmetic', kind: 'pattern' as const, request, text, tokens: 9, by: 'a test' };
  return (await addMemory(db, entry, [{ ...of, text: of.key }], 'planted'))!;
};
const why = { reason: 'it misleads', by: 'ada' };
const purposesOf = (iterationId: number) =>
  rowsOf<{
    purpose: string;
  }>(sql`select distinct p.purpose from examples e join prompts p on p.id = e.prompt_id
    where e.iteration_id = ${iterationId} order by 1`);
const stateOf = async (entryId: number) => {
  const rows = await db
    .select()
    .from(memoryStates)
    .where(eq(memoryStates.entryId, entryId))
    .orderBy(memoryStates.id);
  return rows.at(-1)!;
};

test('what saw an entry that was revoked since becomes no example, and trains nothing', async () => {
  const entry = await plant({ key: '4821+977' });
  const { run, iterationId, filtered } = await iterated('on');
  expect(filtered.accepted).toBeGreaterThan(0);
  expect((await newExamples(db, iterationId, new Set())).learnt.length).toBeGreaterThan(0);
  const [known] = await rowsOf<{ id: number }>(sql`select e.id::float8 as id from examples e
    join prompts p on p.id = e.prompt_id where e.iteration_id = ${iterationId} and p.purpose = 'learn' limit 1`);
  const [example] = await db.select().from(examples).where(eq(examples.id, known!.id));

  // Those that there are stay out of what is built.
  await revokeMemory(db, [entry], why);
  expect((await newExamples(db, iterationId, new Set())).learnt).toEqual([]);

  // Those that there are not come not about: neither by the filter nor by any other way.
  await db.delete(examples).where(eq(examples.iterationId, iterationId));
  expect(await run.filterAgain(iterationId)).toMatchObject({ accepted: 0, rehearsal: filtered.rehearsal });
  expect(await purposesOf(iterationId)).toEqual([{ purpose: 'rehearse' }]);
  const { id: _, ...row } = example!;
  expect(await db.insert(examples).values(row).returning()).toEqual([]);
}, 120_000);

test('an example takes along what was made of its equal, what saw that, and what was made of those', async () => {
  const { iterationId } = await iterated('off');
  const [one, other] = await rowsOf<{ id: number; key: string; sample: number }>(sql`
    select min(e.id)::float8 as id, p.key, min(e.sample_id)::float8 as sample from examples e join prompts p on p.id = e.prompt_id
    where e.iteration_id = ${iterationId} and p.purpose = 'learn' group by p.key order by 1`);
  const entry = await plant({ key: one!.key, exampleId: one!.id });
  await db.insert(memoryShown).values({ sampleId: other!.sample, position: 0, entryId: entry });

  // The same question with the same rationale, drawn once more.
  const [drawn] = await db.select().from(samples).where(eq(samples.id, one!.sample));
  const { id: _sample, ...again } = drawn!;
  const [copy] = await db
    .insert(samples)
    .values({ ...again, index: 99, round: 9 })
    .returning();
  const [first] = await db.select().from(examples).where(eq(examples.id, one!.id));
  const { id: _example, ...made } = first!;
  const [twin] = await db
    .insert(examples)
    .values({ ...made, sampleId: copy!.id })
    .returning();

  expect(await withDescent(db, [twin!.id])).toEqual([twin!.id, other!.id]);
  expect(await addRevocations(db, [twin!.id], why)).toEqual([twin!.id, other!.id]);
  expect(await stateOf(entry)).toMatchObject({
    state: 'revoked',
    reason: `example:${twin!.id} was revoked: it misleads`,
  });
  const [descended] = await db.select().from(revocations).where(eq(revocations.exampleId, other!.id));
  expect(descended!.reason).toBe(`memory:${entry} was revoked: it misleads`);
  expect(await addRevocations(db, [twin!.id], why)).toEqual([]);
  // What has nothing to do with it stays.
  expect(await db.$count(revocations)).toBe(2);
  expect(await db.$count(prompts)).toBeGreaterThan(2);
}, 120_000);
