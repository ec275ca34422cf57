import { createHash } from 'node:crypto';
import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { buildReport } from '../../app/report/report.ts';
import { renderReport } from '../../cli/render/report.ts';
import type { Db } from '../../db/connect.ts';
import { calibrations, examples, prompts, samples } from '../../db/schema.ts';
import type { ImproveInput } from '../../loop/input.ts';
import { parseSum } from '../../tasks/arithmetic/addition.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { createTestDatabase } from '../support/database.ts';
import { longAddition } from '../support/scripted-adder.ts';
import {
  startScriptedEndpoint,
  type ScriptedEndpoint,
  type ScriptedRequest,
} from '../support/scripted-endpoint.ts';

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint;

const chance = (...parts: (string | number)[]): number =>
  createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) / 2 ** 32;

/**
 * Knows half of the sums for sure. Of the others it gives one and the same wrong answer in three of ten samples, whichever way it is
 * asked, and something else in the rest: three or four votes of eight and a lead, and wrong.
 */
function halfSure({ messages, seed }: ScriptedRequest): string {
  const problem = messages.at(-1)!.content;
  const sum = parseSum(problem);
  if (typeof sum === 'string') return 'What?';
  if (sum.digits < 4 || chance(sum.key, 'sure') < 0.5) return longAddition(problem);
  const place = sum.zeros + (chance(problem, seed) < 0.3 ? 0 : 1 + Math.floor(3 * chance(seed, problem)));
  return longAddition(problem, Math.min(place, 9));
}

beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
  endpoint = await startScriptedEndpoint({ baseModel: 'half-sure', answer: halfSure });
}, 120_000);
afterAll(async () => {
  await endpoint.close();
  await drop();
});

const settings = (agreement: object): ImproveInput => ({
  pool: { prompts: 60, rehearsal: 8 },
  gates: { critique: { mode: 'off' }, agreement: { calibration: { share: 1 }, ...agreement } },
});

const labels = async (runId: string) => {
  const { rows } = await db.execute<{ text: string; answer: string }>(sql`
    select distinct p.text, e.answer from examples e join prompts p on p.id = e.prompt_id
    where e.run_id = ${runId} and p.purpose = 'learn'`);
  const right = rows.filter(({ text, answer }) => {
    const [a, b] = text.split('+');
    return answer === String(BigInt(a!) + BigInt(b!));
  });
  return { right: right.length, total: rows.length };
};

describe('a calibration set', () => {
  test('raises the votes that are needed until they are as precise as asked for', async () => {
    const { url } = endpoint;
    const trusting = await addArithmeticRun(db, {
      url,
      model: 'half-sure',
      settings: settings({ precision: 0 }),
    });
    await trusting.iterate(1, [4, 5]);
    const before = await labels(trusting.runId);
    expect(before.right / before.total).toBeLessThan(0.9);

    const careful = await addArithmeticRun(db, {
      url,
      model: 'half-sure',
      settings: settings({ precision: 0.98 }),
    });
    const { iterationId, collected, voted, filtered } = await careful.iterate(1, [4, 5]);
    expect(collected).toMatchObject({ prompts: 60, rehearsal: 8, calibration: 60 });
    const after = await labels(careful.runId);
    expect(after.right / after.total).toBeGreaterThanOrEqual(0.98);
    expect(after.total).toBeGreaterThan(20);
    expect(filtered.accepted).toBe(after.total);
    expect(voted.voted).toBe(68);

    const rows = await db.select().from(calibrations).where(eq(calibrations.iterationId, iterationId));
    expect(new Set(rows.map((row) => row.level))).toEqual(new Set([4, 5]));
    for (const row of rows) {
      expect(row.votes).toBeGreaterThan(3);
      expect(row.precision).toBeGreaterThanOrEqual(0.98);
      expect(row.reason).toContain(
        `needs ${row.votes} votes and a lead of ${row.lead} at level ${row.level}`,
      );
    }
    const { rows: refused } = await db.execute<{ reason: string }>(sql`
      select v.reason from verdicts v join samples s on s.id = v.sample_id join prompts p on p.id = s.prompt_id
      where p.iteration_id = ${iterationId} and v.gate = 'agreement' and v.outcome = 'fail'
      and v.reason like '%a precision of 0.98 needs%'`);
    expect(refused.length).toBeGreaterThan(0);

    // Voting again changes nothing.
    expect(await careful.voteAgain(iterationId)).toEqual(voted);

    const report = await buildReport(db, careful.runId);
    const { calibration } = report.iterations[0]!;
    expect(calibration).toMatchObject({ asked: 0.98, samples: 8 });
    const all = calibration!.byVotes[0]!;
    expect(all).toMatchObject({ votes: 8, right: all.total });
    const text = renderReport(report);
    expect(text).toContain(`Precision by votes, on calibration problems: 8 of 8 ${all.right}/${all.total}`);
    expect(text).toContain('a precision of 0.98 is asked for');
  }, 120_000);

  test('is apart from prompts and benchmarks, is never judged, and can be no example', async () => {
    const run = await addArithmeticRun(db, {
      url: endpoint.url,
      model: 'half-sure',
      settings: settings({ precision: 0.98 }),
    });
    const first = await run.iterate(1, [4]);
    await run.iterate(2, [4]);
    const { rows: twice } = await db.execute(sql`
      select p.key from prompts p join iterations i on i.id = p.iteration_id
      where i.run_id = ${run.runId} and p.purpose = 'calibrate' and (
        exists (select 1 from benchmark_items b where b.run_id = ${run.runId} and b.key = p.key)
        or exists (select 1 from prompts q join iterations j on j.id = q.iteration_id
          where j.run_id = ${run.runId} and q.key = p.key and q.purpose <> 'calibrate'))`);
    expect(twice).toEqual([]);
    const { rows: judged } = await db.execute(sql`
      select 1 from verdicts v join samples s on s.id = v.sample_id join prompts p on p.id = s.prompt_id
      join iterations i on i.id = p.iteration_id where i.run_id = ${run.runId} and p.purpose = 'calibrate'`);
    expect(judged).toEqual([]);
    const { rows: trusted } = await db.execute(sql`
      select 1 from votes v join prompts p on p.id = v.prompt_id join iterations i on i.id = p.iteration_id
      where i.run_id = ${run.runId} and p.purpose = 'calibrate' and v.trusted`);
    expect(trusted).toEqual([]);

    const prompt = (await db.query.prompts.findFirst({
      where: (p, { and, eq: is }) => and(is(p.iterationId, first.iterationId), is(p.purpose, 'calibrate')),
    }))!;
    const sample = (await db.query.samples.findFirst({ where: eq(samples.promptId, prompt.id) }))!;
    const smuggled = db.insert(examples).values({
      runId: run.runId,
      iterationId: first.iterationId,
      promptId: prompt.id,
      sampleId: sample.id,
      kind: 'vote',
      answer: '1',
    });
    await expect(smuggled).rejects.toMatchObject({
      cause: { message: `prompt ${prompt.id} is a calibration problem: it may be no example` },
    });
  }, 120_000);

  test('counts as evidence for as many iterations as configured', async () => {
    const run = await addArithmeticRun(db, {
      url: endpoint.url,
      model: 'half-sure',
      settings: settings({ precision: 0.98, calibration: { share: 0.5, iterations: 2 } }),
    });
    const found = [];
    for (const index of [1, 2, 3]) {
      const { iterationId } = await run.iterate(index, [4]);
      found.push(...(await db.select().from(calibrations).where(eq(calibrations.iterationId, iterationId))));
    }
    expect(found.map((row) => row.iterations)).toEqual([1, 2, 2]);
    const own = found.map((row) =>
      row.cells.reduce((sum, cell) => sum + (cell.votes >= row.votes! ? cell.total : 0), 0),
    );
    expect(found[1]!.total).toBeGreaterThan(own[1]!);
  }, 120_000);

  test('is left out of the ungated arm, and without one the report says that agreement is uncalibrated', async () => {
    const run = await addArithmeticRun(db, {
      url: endpoint.url,
      model: 'half-sure',
      settings: { ...settings({ precision: 0.98 }), experiment: 'ungated' },
    });
    const { collected, iterationId } = await run.iterate(1, [4]);
    expect(collected.calibration).toBeUndefined();
    const drawn = await db.select().from(prompts).where(eq(prompts.iterationId, iterationId));
    expect(drawn.some((one) => one.purpose === 'calibrate')).toBe(false);
    const report = await buildReport(db, run.runId);
    expect(report.iterations[0]!.calibration).toBeNull();
    expect(renderReport(report)).toContain('Agreement is uncalibrated');
  }, 120_000);
});
