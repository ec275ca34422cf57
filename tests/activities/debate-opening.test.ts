/** Which debates are opened, and what is known of their votes from iterations before. */
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Db } from '../../db/connect.ts';
import { openDebates } from '../../db/queries/debates.ts';
import { addIteration } from '../../db/queries/iterations.ts';
import { debates } from '../../db/schema.ts';
import { measureVotes, votesNeeded } from '../../engine/calibration.ts';
import { iterationContext } from '../../engine/context.ts';
import { LEAST_EVIDENCE } from '../../loop/calibration.ts';
import { addArithmeticRun } from '../support/arithmetic-page.ts';
import { heard, productsTask, verdict, work } from '../support/arguers.ts';
import { createTestDatabase } from '../support/database.ts';
import { startScriptedEndpoint, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';

const PROMPTS = 6;

let db: Db;
let drop: () => Promise<void>;
let endpoint: ScriptedEndpoint;
/** How far off all answers are. */
let off = 0;
beforeAll(async () => {
  ({ db, drop } = await createTestDatabase());
  endpoint = await startScriptedEndpoint({
    baseModel: 'arguer',
    answer: (request) => {
      const one = heard(request);
      // Equal words would be copies, which are one vote.
      return one.work === undefined ? `Draw ${request.seed}.\n${work(one.truth + off)}` : verdict(0, one);
    },
  });
}, 120_000);
afterAll(async () => {
  await endpoint.close();
  await drop();
});

async function argued(prompts: 'split' | 'all', share = 1) {
  const run = await addArithmeticRun(db, {
    url: endpoint.url,
    model: 'arguer',
    settings: {
      pool: { prompts: PROMPTS, rehearsal: 0 },
      probes: { mode: 'off' },
      strategy: { debate: { mode: 'on', prompts, votes: 1 } },
      sampling: { samples: 4, resamples: 0, cache: false },
      gates: { agreement: { precision: 0.9, calibration: { share } } },
    },
    spec: await productsTask(PROMPTS * share),
  });
  return { run, ...(await run.iterate(1)) };
}

const debatesIn = (iterationId: number) =>
  db.$count(debates, sql`prompt_id in (select id from prompts where iteration_id = ${iterationId})`);

describe('samples that agree', () => {
  test('are not argued about where votes are not found wrong', async () => {
    off = 0;
    const share = Math.ceil(LEAST_EVIDENCE / PROMPTS);
    expect(await debatesIn((await argued('split', share)).iterationId)).toBe(0);
  });
  test('are, where such votes are wrong on problems with known answers, so that none is trusted', async () => {
    off = 1;
    // Fewer known answers than these say nothing.
    const share = Math.ceil(LEAST_EVIDENCE / PROMPTS);
    const { iterationId } = await argued('split', share);
    expect(await debatesIn(iterationId)).toBe(PROMPTS + share * PROMPTS);
  });
});

test('votes of debates that an iteration before measured count where this one measured none', async () => {
  off = 0;
  const { run } = await argued('all');
  const { id } = await addIteration(db, {
    runId: run.runId,
    index: 2,
    checkpointId: (await db.query.checkpoints.findFirst({ where: sql`run_id = ${run.runId}` }))!.id,
    plan: { seed: 2 },
  });
  const context = await iterationContext(db, id);
  const none = { own: [], levels: [null], debated: true };
  const needed = (await votesNeeded(db, context, none)).get(null);
  expect(needed?.all).toEqual({ right: PROMPTS, total: PROMPTS });
  expect(await measureVotes(db, context, none)).toEqual(new Map([[null, needed]]));
  const [row] = (
    await db.execute(
      sql`select iterations, total_at_all as total, debated from calibrations where iteration_id = ${id}`,
    )
  ).rows;
  expect(row).toEqual({ iterations: 1, total: PROMPTS, debated: true });
  // Votes over samples were measured by nobody.
  expect(await measureVotes(db, context, { ...none, debated: false })).toEqual(new Map());
});

test('all debates of an iteration are opened, or none', async () => {
  const { iterationId } = await argued('all');
  const before = await debatesIn(iterationId);
  const { rows } = await db.execute<{ id: number }>(sql`
    insert into prompts (iteration_id, position, purpose, key, text)
    select ${iterationId}, 1000 + n, 'learn', 'more ' || n, 'more ' || n from generate_series(1, 1001) n returning id::float8 as id`);
  const ids = rows.map(({ id }) => Number(id));
  await expect(openDebates(db, [...ids.slice(0, 1000), -1], 3)).rejects.toThrow();
  expect(await debatesIn(iterationId)).toBe(before);
  await openDebates(db, ids, 3);
  expect(await debatesIn(iterationId)).toBe(before + 1001);
});
