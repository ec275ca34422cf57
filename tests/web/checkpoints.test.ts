/** Checkpoints in a browser: trees, comparisons, and what a task serves, changed for real. */
import { sql } from 'drizzle-orm';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { servedCheckpoint, servingOfTask } from '../../engine/serving.ts';
import { comparedItems, measuredOnBoth, outcomeCounts, OUTCOMES } from '../../db/queries/comparisons.ts';
import * as t from '../../db/schema.ts';
import { mcnemar } from '../../loop/mcnemar.ts';
import { addCall, addDecision, addIteration, addRun, sizes } from '../cli/fixture.ts';
import { addSynthetic } from '../support/synthetic-lineage.ts';
import { createTestDatabase } from '../support/database.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { accessProblems, inspect, picture, startSite, visit, type Site } from './site.ts';

const program = findChromium();
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let site: Site;
let browser: Browser;
/** The base; promoted, discarded and promoted again; and one of another run, left behind by a reset there. */
const ids = { base: 0, first: 0, failed: 0, second: 0, otherBase: 0, other: 0 };

const HOSTILE = '<script>alert(1)</script>\u001b[31m\u202egnp';

/** A checkpoint whose answers to `right` are right, item by item; the rest is answered wrongly. */
async function addMeasured(
  runId: string,
  iterationIndex: number,
  parentId: number | null,
  right: { target: (i: number) => boolean; guard: number; final?: number },
) {
  const { db } = database;
  const [checkpoint] = await db
    .insert(t.checkpoints)
    .values({
      runId,
      iterationIndex,
      parentId,
      kind: parentId === null ? 'base' : 'adapter',
      model: parentId === null ? 'builtin' : `ft:${runId}:${iterationIndex}`,
      fingerprint: `fp_${runId}_${iterationIndex}`,
    })
    .returning();
  const callId = await addCall(db, runId, null, 'benchmark');
  const items = (await db.query.benchmarkItems.findMany()).filter((item) => item.runId === runId);
  for (const role of ['target', 'guard', 'final'] as const) {
    if (role === 'final' && right.final === undefined) continue;
    const isRight = role === 'target' ? right.target : (i: number) => i < right[role]!;
    const own = items.filter((item) => item.role === role);
    const [evaluation] = await db
      .insert(t.evaluations)
      .values({
        checkpointId: checkpoint!.id,
        benchmark: role,
        total: sizes[role],
        correct: own.filter((item) => isRight(item.position)).length,
        unparsable: 0,
        finishedAt: new Date(),
      })
      .returning();
    await db.insert(t.evaluationItems).values(
      own.map((item) => {
        const correct = isRight(item.position);
        const answer = correct ? item.answer : `${iterationIndex}9`;
        const first = item.position === 0 && role === 'target' ? `${HOSTILE}\n` : '';
        return {
          evaluationId: evaluation!.id,
          itemId: item.id,
          rationale: `${first}1 and 1\nmakes ${answer}\n#${answer}`,
          answer: item.position === 39 ? null : answer,
          correct,
          callId,
        };
      }),
    );
  }
  return checkpoint!;
}

async function decide(
  runId: string,
  index: number,
  from: number,
  kind: 'promote' | 'discard',
  candidateId: number,
  [fixed, broken]: [number, number],
) {
  const { db } = database;
  const iterationId = await addIteration(db, runId, index, from);
  const bestId = kind === 'promote' ? candidateId : from;
  await addDecision(
    db,
    iterationId,
    kind,
    { candidateId, bestId },
    { fixed, broken, pValue: mcnemar(fixed, broken) },
  );
  await db.execute(
    sql`update decisions set created_at = clock_timestamp() where iteration_id = ${iterationId}`,
  );
}

beforeAll(async () => {
  database = await createTestDatabase();
  const { db } = database;
  await addRun(db, 'main');
  ids.base = (await addMeasured('main', 0, null, { target: (i) => i < 4, guard: 20, final: 3 })).id;
  // 4 right before, of which 1 is lost; 16 won.
  ids.first = (await addMeasured('main', 1, ids.base, { target: (i) => i > 0 && i < 20, guard: 20 })).id;
  await decide('main', 1, ids.base, 'promote', ids.first, [16, 1]);
  ids.failed = (await addMeasured('main', 2, ids.first, { target: (i) => i < 2, guard: 12 })).id;
  await decide('main', 2, ids.first, 'discard', ids.failed, [1, 18]);
  ids.second = (
    await addMeasured('main', 3, ids.first, { target: (i) => i > 1 && i < 38, guard: 19, final: 24 })
  ).id;
  await decide('main', 3, ids.first, 'promote', ids.second, [18, 1]);
  await addRun(db, 'other');
  ids.otherBase = (await addMeasured('other', 0, null, { target: (i) => i < 4, guard: 20 })).id;
  ids.other = (await addMeasured('other', 1, ids.otherBase, { target: (i) => i < 21, guard: 20 })).id;
  await decide('other', 1, ids.otherBase, 'promote', ids.other, [17, 0]);
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  [site, browser] = await Promise.all([startSite(db), launchChromium(program)]);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await database?.drop();
});

const checkpoint = async (id: number) =>
  (await database.db.query.checkpoints.findFirst({ where: (row, { eq }) => eq(row.id, id) }))!;
const served = async () => (await servedCheckpoint(database.db, 'arithmetic'))?.id;

/** All items of an outcome, page by page. */
async function positions(a: number, b: number, outcome: (typeof OUTCOMES)[number], size = 7) {
  const [measured] = await measuredOnBoth(database.db, await checkpoint(a), await checkpoint(b));
  const found: number[] = [];
  for (let after: number | undefined; ;) {
    const page = await comparedItems(database.db, measured!, { outcome, after, size, characters: 100 });
    found.push(...page.items.map((item) => item.position));
    if (page.next === null) return found;
    after = page.next;
  }
}

it('splits the same problems by who answers them right, page by page, as the decision stored it', async () => {
  const decisions = await database.db.query.decisions.findMany();
  for (const { iterationId, candidateId, numbers } of decisions) {
    const iteration = await database.db.query.iterations.findFirst({
      where: (row, { eq }) => eq(row.id, iterationId),
    });
    const [before, after] = [iteration!.checkpointId, candidateId!];
    expect((await positions(before, after, 'fixed')).length).toBe(numbers.fixed);
    expect((await positions(before, after, 'broken')).length).toBe(numbers.broken);
  }
  expect(await positions(ids.first, ids.second, 'broken')).toEqual([1]);
  expect(await positions(ids.first, ids.second, 'fixed')).toEqual(
    Array.from({ length: 18 }, (_, i) => 20 + i),
  );
  const all = await Promise.all(OUTCOMES.map((outcome) => positions(ids.first, ids.second, outcome)));
  expect(all.flat().toSorted((a, b) => a - b)).toEqual(Array.from({ length: 40 }, (_, i) => i));
});

it('compares checkpoints of two runs on the problems that both answered', async () => {
  const [a, b] = [await checkpoint(ids.second), await checkpoint(ids.other)];
  const measured = await measuredOnBoth(database.db, a, b);
  expect(measured.map(({ benchmark, role }) => [benchmark, role])).toEqual([
    ['target', 'target'],
    ['guard', 'guard'],
  ]);
  const groups = await outcomeCounts(database.db, measured[0]!);
  expect(groups.map(({ group }) => group)).toEqual(['4', '10']);
  const sum = (outcome: (typeof OUTCOMES)[number]) => groups.reduce((total, one) => total + one[outcome], 0);
  // The one is right on 2–37, the other on 0–20.
  expect(OUTCOMES.map(sum)).toEqual([2, 17, 2, 19]);
  expect(await positions(ids.second, ids.other, 'fixed')).toEqual([0, 1]);
});

it('shows what each task serves and the tree, and compares two of it', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/checkpoints');
  const card = page.locator('[data-task=arithmetic]');
  expect(await card.innerText()).toMatch(
    new RegExp(`checkpoint ${ids.second} iteration 3 of main[\\s\\S]*90\\.0 %`),
  );
  expect(await card.innerText()).toContain('A promotion is not served');
  await card.getByRole('link', { name: 'arithmetic' }).click();
  const rows = page.locator('#run-main tbody tr');
  expect(await rows.count()).toBe(4);
  expect(await page.locator(`#checkpoint-${ids.second}`).innerText()).toMatch(
    /serves[\s\S]*promoted[\s\S]*90\.0 %/,
  );
  expect(await page.locator(`#checkpoint-${ids.failed}`).innerText()).toMatch(/discarded[\s\S]*5\.0 %/);
  // The discarded one stands in a lane of its own.
  const lane = (id: number) => page.locator(`#checkpoint-${id} circle`).first().getAttribute('cx');
  expect(await lane(ids.first)).toBe(await lane(ids.second));
  expect(Number(await lane(ids.failed))).toBeGreaterThan(Number(await lane(ids.first)));

  await page.getByRole('radio', { name: `from checkpoint ${ids.first}`, exact: true }).check();
  await page.getByRole('radio', { name: `to checkpoint ${ids.second}`, exact: true }).check();
  await page.getByRole('button', { name: 'Compare the two chosen' }).click();
  await page.getByRole('heading', { name: `${ids.first} → ${ids.second}` }).waitFor();
  expect(await page.locator('.benchmark').first().innerText()).toMatch(
    /1 broken[\s\S]*18 fixed[\s\S]*p = 3\.8e-5/,
  );
  const items = page.locator('.items > li');
  expect(await items.count()).toBe(19);
  await page.getByRole('link', { name: 'broken 1' }).click();
  await page.waitForURL(/show=broken/);
  expect(await items.count()).toBe(1);
  expect(await items.first().getAttribute('class')).toBe('broken');
  await items.first().locator('summary').click();
  expect(await items.first().locator('mark').allInnerTexts()).toEqual(['2', '2', '39', '39']);
  // 40 problems are more than a page.
  await page.getByRole('link', { name: 'all 40' }).click();
  await page.waitForURL(/show=all/);
  expect(await items.count()).toBe(25);
  await items.first().locator('summary').click();
  expect(await items.first().innerText()).toContain('<script>alert(1)</script>');
  expect(await items.first().locator('.unseen').allInnerTexts()).toContain('ESC');
  await page.getByRole('link', { name: 'More', exact: true }).click();
  await page.waitForURL(/after=/);
  expect(await items.count()).toBe(15);
  await items.last().locator('summary').click();
  await items.last().getByRole('link', { name: 'on a page of its own' }).click();
  await page.getByRole('heading', { name: 'Problem 40 of target' }).waitFor();
  expect(await page.locator('main').innerText()).toContain('none read');
  await page.goBack();
  expect(problems).toEqual([]);
  await close();
}, 120_000);

it('rolls back, refuses what was never proven, serves it when forced, and unpins', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  const dialog = page.getByRole('dialog');
  const answer = dialog.getByRole('status');
  expect(await served()).toBe(ids.second);
  await go('/tasks/arithmetic');
  await page.getByRole('link', { name: 'Roll back' }).click();
  await dialog.getByText(`After this it serves checkpoint ${ids.first}`).waitFor();
  expect(await dialog.innerText()).toContain('1 fixed, 18 broken');
  await picture(page, 'checkpoints-roll-back');
  expect(await accessProblems(page)).toEqual([]);
  // The browser asks for a reason, and so does the server.
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  expect(await served()).toBe(ids.second);
  await dialog.getByLabel(/Reason/).fill('   ');
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await dialog.getByRole('alert').getByText('A reason is needed').waitFor();
  expect(await served()).toBe(ids.second);
  await dialog.getByLabel(/Reason/).fill('wrong <b>carries</b>');
  await dialog.getByRole('button', { name: 'Roll back' }).click();
  await answer.getByText(`arithmetic serves checkpoint ${ids.first} of main, pinned.`).waitFor();
  expect(await served()).toBe(ids.first);
  await dialog.getByRole('link', { name: 'Close' }).click();
  // The page behind has heard of it.
  await page.locator('#serving').getByText('by ada: wrong <b>carries</b>').waitFor();
  await page.locator(`#checkpoint-${ids.first}`).getByText('serves, pinned').waitFor();

  await go(`/checkpoints/${ids.failed}`);
  await page.getByRole('link', { name: 'Serve this checkpoint' }).click();
  await dialog.getByLabel(/Reason/).fill('try it');
  await dialog.getByRole('button', { name: 'Serve this checkpoint' }).click();
  await dialog.getByRole('alert').getByText('never passed its benchmark').waitFor();
  expect(await served()).toBe(ids.first);
  expect(await dialog.getByLabel(/Reason/).inputValue()).toBe('try it');
  await dialog.getByLabel(/It was never proven better/).check();
  await dialog.getByRole('button', { name: 'Serve this checkpoint' }).click();
  await answer.getByText(`arithmetic serves checkpoint ${ids.failed} of main.`).waitFor();
  expect(await served()).toBe(ids.failed);
  const kept = await database.db.query.servingChoices.findMany();
  expect(kept.map(({ kind, forced, pinned, by, reason }) => ({ kind, forced, pinned, by, reason }))).toEqual([
    { kind: 'rollback', forced: false, pinned: true, by: 'ada', reason: 'wrong <b>carries</b>' },
    { kind: 'promote', forced: true, pinned: false, by: 'ada', reason: 'try it' },
  ]);

  await go('/checkpoints');
  await page.getByRole('link', { name: 'Unpin' }).click();
  await dialog.getByLabel(/Reason/).fill('done');
  await dialog.getByRole('button', { name: 'Unpin' }).click();
  await answer.getByText(`arithmetic serves checkpoint ${ids.second} of main.`).waitFor();
  expect(await servingOfTask(database.db, 'arithmetic')).toMatchObject({
    checkpoint: { id: ids.second },
    pinned: false,
  });
  // Only what was refused is an error in the console: the server answers it with 409.
  expect(problems.filter((one) => !one.includes('409'))).toEqual([]);
  await close();
}, 120_000);

it('works without scripts, refuses choices made of an old page, and writes from elsewhere', async () => {
  if (!program) return;
  const post = (path: string, form: Record<string, string>, headers: Record<string, string> = {}) =>
    fetch(site.url + path, {
      method: 'POST',
      body: new URLSearchParams(form),
      headers: { origin: site.url, ...headers },
    });
  const before = await served();
  const noReason = await post('/tasks/arithmetic/rollback', { seen: String(before) });
  expect(noReason.status).toBe(409);
  expect(await noReason.text()).toContain('A reason is needed');
  const stale = await post('/tasks/arithmetic/rollback', { seen: '1', reason: 'old' });
  expect(stale.status).toBe(409);
  expect(await stale.text()).toContain(`serves checkpoint ${before} by now`);
  const blind = await post('/tasks/arithmetic/rollback', { reason: 'blind' });
  expect(blind.status).toBe(409);
  const elsewhere = await post(
    '/tasks/arithmetic/rollback',
    { seen: String(before), reason: 'x' },
    { origin: 'http://evil.example', 'sec-fetch-site': 'cross-site' },
  );
  expect(elsewhere.status).toBe(403);
  expect(await served()).toBe(before);
  const done = await post(`/checkpoints/${ids.first}/promote`, {
    seen: String(before),
    reason: 'by form',
    pin: 'yes',
  });
  expect(done.status).toBe(200);
  expect(await done.text()).toContain(`serves checkpoint ${ids.first} of main, pinned`);
  expect(await served()).toBe(ids.first);
  const again = await post(`/checkpoints/${ids.first}/promote`, {
    seen: String(ids.first),
    reason: 'x',
    pin: 'yes',
  });
  expect(await again.text()).toContain('already, pinned');
  await post('/tasks/arithmetic/unpin', { seen: String(ids.first), reason: 'back' });
  expect(await served()).toBe(before);
});

it('names what is not there', async () => {
  if (!program) return;
  const status = async (path: string) => (await fetch(site.url + path)).status;
  expect(await status('/checkpoints/999999')).toBe(404);
  expect(await status('/checkpoints/x')).toBe(404);
  expect(await status('/tasks/nosuch')).toBe(404);
  expect(await status('/tasks/nosuch/rollback')).toBe(404);
  expect(await status(`/compare?a=${ids.first}`)).toBe(400);
  expect(await status(`/compare?a=${ids.first}&b=${ids.first}`)).toBe(400);
  expect(await status(`/compare?a=${ids.first}&b=${ids.second}&show=x`)).toBe(400);
  expect(await status(`/compare?a=${ids.first}&b=${ids.second}&benchmark=x`)).toBe(404);
  expect(await status(`/compare?a=${ids.first}&b=${ids.second}&after=-1`)).toBe(400);
  expect(await status(`/compare/item?a=${ids.first}&b=${ids.second}&benchmark=target&item=1`)).toBe(200);
  expect(await status(`/compare/item?a=${ids.first}&b=${ids.second}&benchmark=target&item=99999`)).toBe(404);
  const run = await fetch(`${site.url}/runs/main/checkpoints`, { redirect: 'manual' });
  expect(run.headers.get('location')).toBe('/tasks/arithmetic?run=main');
});

it('looks right at a desk and on a phone, light and dark', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  await inspect(browser, site, '/checkpoints', 'checkpoints');
  await inspect(browser, site, '/tasks/arithmetic', 'checkpoints-tree');
  await inspect(browser, site, `/compare?a=${ids.first}&b=${ids.second}`, 'checkpoints-compare');
  await inspect(browser, site, `/checkpoints/${ids.failed}/promote`, 'checkpoints-promote');
  await inspect(
    browser,
    site,
    `/compare/item?a=${ids.first}&b=${ids.second}&benchmark=target&item=1`,
    'checkpoints-item',
  );
}, 180_000);

it('tells how a checkpoint was trained, and which of its examples were revoked, with 20,000 of them', async ({
  skip,
}) => {
  if (!program) return skip(NO_CHROMIUM);
  const { db } = database;
  const { checkpointId, baseId } = await addSynthetic(db, 'large', 20_000);
  const [example] = (
    await db.execute<{ id: number; sample: number }>(
      sql`select id::float8 as id, sample_id::float8 as sample from examples where run_id = 'large' order by id limit 1`,
    )
  ).rows;
  await db.insert(t.revocations).values({ exampleId: example!.id, reason: 'wrong carry', by: 'ada' });
  const { page, go, problems, close } = await visit(browser, site);
  await go(`/checkpoints/${checkpointId}`);
  const text = await page.locator('main').innerText();
  for (const part of [
    'ftjob-large',
    '20,000 examples',
    'as it was stored',
    '1 of its examples was revoked',
    'by ada: wrong carry',
    '1–10 of 20,000',
    '/data/adapters/large',
  ])
    expect(text).toContain(part);
  expect(await page.locator('.revoked a').getAttribute('href')).toBe(`/samples/${example!.sample}`);
  await page.getByRole('link', { name: 'Compare it now' }).click();
  await page.getByText('the stored examples give this digest').waitFor();
  await page.getByRole('link', { name: 'More', exact: true }).click();
  await page.getByText('11–20 of 20,000').waitFor();
  await go(`/checkpoints/${baseId}`);
  expect(await page.locator('main').innerText()).toContain(`checkpoint ${checkpointId}`);
  await go('/tasks/arithmetic?run=large');
  expect(await page.locator(`#checkpoint-${checkpointId}`).innerText()).toContain('1 revoked');
  expect(problems).toEqual([]);
  await close();
  await inspect(browser, site, `/checkpoints/${checkpointId}`, 'checkpoints-one');
}, 180_000);
