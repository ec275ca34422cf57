/** The review queue in a browser: a run on a real Temporal that waits for it, reviewers who meet, and texts that try things. */
import type { WorkflowHandle } from '@temporalio/client';
import { eq, sql } from 'drizzle-orm';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { correct, judge, type Who } from '../../app/review/review.ts';
import { decideRest } from '../../db/queries/review-decisions.ts';
import { addReviews, listReviews, reviewable } from '../../db/queries/reviews.ts';
import * as t from '../../db/schema.ts';
import { loadTask } from '../../tasks/index.ts';
import { addCheckpoint, addIteration, addPool, addRun } from '../cli/fixture.ts';
import { useLoop } from '../support/loop.ts';
import { adder, longAddition } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { accessProblems, inspect, picture, startSite, visit, type Site } from './site.ts';

const program = findChromium();
const loop = useLoop({ ...adder, latencyMs: 0, jobMs: 20 });
let site: Site;
let browser: Browser;

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  site = await startSite(loop.database.db, { temporal: () => Promise.resolve(loop.temporal.client) });
  browser = await launchChromium(program);
}, 180_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const bob: Who = { reviewer: 'bob', holder: 'bob@there/2' };
const items = (runId: string) => listReviews(loop.database.db, runId);

/** A run that waits for people, with at most `most` items. */
async function waitingRun(id: string, most: number): Promise<WorkflowHandle> {
  const handle = await loop.start(
    id,
    loop.small({ review: { iterations: 1, maxPerIteration: most, maxRejectedShare: 1 } }),
  );
  await until(
    'reviewers',
    async () => (await handle.query<{ state: string }>('status')).state === 'review',
    120_000,
  );
  return handle as WorkflowHandle;
}

/** A run in the database alone, with a sample for each text. */
async function storedRun(id: string, texts: { text: string; answer: string; rationale?: string }[]) {
  const { db } = loop.database;
  await addRun(db, id, { review: { iterations: 1 } }, 'running');
  const base = await addCheckpoint(db, id, 0, { target: 4, guard: 20 });
  const iterationId = await addIteration(db, id, 1, base.id, false);
  await addPool(
    db,
    id,
    iterationId,
    base.id,
    texts.map(({ text, answer }) => ({ text, answer, agreement: 1, samples: 1, accepted: 'vote' as const })),
  );
  const { accepted } = await reviewable(db, iterationId);
  for (const [i, { sampleId }] of accepted.entries()) {
    const { rationale } = texts[i]!;
    if (rationale !== undefined)
      await db.update(t.samples).set({ rationale }).where(eq(t.samples.id, sampleId));
  }
  await addReviews(
    db,
    id,
    iterationId,
    accepted.map(({ sampleId }) => ({ sampleId, reason: 'first-iterations' as const, audit: true })),
  );
}

const shownItem = (page: Page) => Number(/\/review\/(\d+)/.exec(page.url())?.[1] ?? Number.NaN);

/** Presses a key and waits until another page is there. */
async function press(page: Page, key: string): Promise<void> {
  await page.evaluate("document.documentElement.dataset.before = 'yes'");
  await page.keyboard.press(key);
  await page.locator('html[data-ready]:not([data-before])').waitFor({ state: 'attached' });
}

const decisionOf = async (runId: string, id: number) =>
  (await items(runId)).find(({ review }) => review.id === id)!.review;

it('is gone through with keys to its end, and the run goes on with what was decided', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const handle = await waitingRun('keys', 12);
  const all = await items('keys');
  expect(all).toHaveLength(12);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/review');
  await page.getByRole('link', { name: /^keys/ }).getByText('12', { exact: true }).waitFor();
  await picture(page, 'review-list');
  await page.keyboard.press('j');
  await press(page, 'Enter');

  // The name is asked for once, and kept.
  await page.getByText('reviewing as').click();
  await page.getByLabel('Your name').fill('grace');
  await page.getByRole('button', { name: 'Change' }).click();
  await page.locator('.reviewer summary').getByText('grace').waitFor();

  const accepted = shownItem(page);
  await picture(page, 'review-item');
  await press(page, 'a');
  expect(await decisionOf('keys', accepted)).toMatchObject({ decision: 'accept', reviewer: 'grace' });
  await page.getByText('1 of 12').waitFor();

  // Undone, it is shown again, and the first decision stays on record.
  await press(page, 'u');
  expect(shownItem(page)).toBe(accepted);
  expect(await decisionOf('keys', accepted)).toMatchObject({ decision: null, reviewer: null });
  expect((await items('keys')).find(({ review }) => review.id === accepted)!.takenBack).toBe(1);
  expect(
    await loop.database.db.query.undoneReviews.findMany({
      where: (one) => eq(one.reviewId, accepted),
    }),
  ).toEqual([expect.objectContaining({ decision: 'accept', reviewer: 'grace' })]);

  // With a note this time.
  await page.keyboard.press('n');
  await page.keyboard.type('carries are lost');
  await page.keyboard.press('Escape');
  await press(page, 'r');
  expect(await decisionOf('keys', accepted)).toMatchObject({ decision: 'reject', note: 'carries are lost' });

  const skipped = shownItem(page);
  await press(page, 's');
  expect(shownItem(page)).not.toBe(skipped);

  // A correction whose steps lead elsewhere is asked again, with what was typed; the right one is stored.
  const corrected = shownItem(page);
  const { review } = (await items('keys')).find((one) => one.review.id === corrected)!;
  const [sample] = await loop.rows<{ request: string; rewrite: string; key: string; text: string }>(
    sql`select s.request, s.rewrite, p.key, p.text from samples s join prompts p on p.id = s.prompt_id
      where s.id = ${review.sampleId}`,
  );
  const task = loadTask({ kind: 'arithmetic' });
  const form = task.rewrites!(sample!, 1).find((one) => one.key === sample!.rewrite)!;
  const rationale = longAddition(sample!.request, 8);
  const answer = form.mapBack(task.readAnswer(rationale)!)!;
  await page.keyboard.press('e');
  await page.keyboard.type('12');
  await page.getByLabel(/Your own steps/).fill(rationale);
  await picture(page, 'review-correction');
  expect(await accessProblems(page)).toEqual([]);
  await press(page, 'Control+Enter');
  await page.getByRole('alert').getByText('not to 12').waitFor();
  expect(await page.getByLabel(/Your own steps/).inputValue()).toBe(rationale);
  await page.getByLabel(/Right answer/).fill(answer);
  await press(page, 'Enter');
  expect(await decisionOf('keys', corrected)).toMatchObject({
    decision: 'correct',
    correctedAnswer: answer,
    correctedRationale: rationale,
  });
  await page.getByText('becomes an example marked human').waitFor();

  for (let left = 9; left > 0; left--) await press(page, 'a');
  await page.getByRole('heading', { name: '1 item waits' }).waitFor();
  await press(page, 'b');
  expect(shownItem(page)).toBe(skipped);
  await press(page, 'a');
  await page.getByRole('heading', { name: 'Everything is decided' }).waitFor();
  await page.getByText('Until then it can be undone').waitFor();
  await picture(page, 'review-end');
  expect(await accessProblems(page)).toEqual([]);
  await press(page, 'f');
  expect(await handle.result()).toMatchObject({ status: 'completed' });
  await page.getByText('Iteration 1 has gone on with these decisions').waitFor();
  expect(await page.getByRole('button', { name: /Undo/ }).count()).toBe(0);

  const trained = await loop.rows<{ sample: number; kind: string; rationale: string | null }>(sql`
    select e.sample_id::int as sample, e.kind, e.rationale from dataset_examples m
    join examples e on e.id = m.example_id where e.run_id = 'keys' and e.kind <> 'rehearsal'`);
  expect(trained.filter(({ kind }) => kind === 'human')).toEqual([
    { sample: review.sampleId, kind: 'human', rationale },
  ]);
  const rejected = await decisionOf('keys', accepted);
  expect(trained.map((one) => one.sample)).not.toContain(rejected.sampleId);
  expect(problems).toEqual([]);
  await close();
}, 240_000);

it('tells the run by itself, some seconds after the last decision', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const handle = await waitingRun('by-itself', 2);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/runs/by-itself/review');
  await press(page, 'a');
  await press(page, 'a');
  await page.getByText('Iteration 1 has gone on with these decisions').waitFor({ timeout: 60_000 });
  expect(await handle.result()).toMatchObject({ status: 'completed' });
  expect(problems).toEqual([]);
  await close();
}, 180_000);

it('never gives two browsers the same item, and moves on as others decide', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { db } = loop.database;
  const sums = Array.from({ length: 14 }, (_, i) => ({ text: `${1000 + i}+1000`, answer: String(2000 + i) }));
  await storedRun('together', sums);
  const both = await Promise.all([visit(browser, site), visit(browser, site)]);
  await Promise.all(both.map(({ go }) => go('/runs/together/review')));
  const [first, second] = both.map(({ page }) => page) as [Page, Page];
  const seen = [new Set<number>(), new Set<number>()];
  const look = () => [first, second].map((page, i) => seen[i]!.add(shownItem(page)));
  look();
  for (let round = 0; round < 6; round++) {
    await Promise.all([press(first, 'a'), press(second, round % 2 ? 'r' : 'a')]);
    look();
  }
  expect(seen.map((ids) => ids.size)).toEqual([7, 7]);
  expect([...seen[0]!].filter((id) => seen[1]!.has(id))).toEqual([]);
  await first.getByText('12 of 14').waitFor();
  await first.getByText('ada reviews too').waitFor();

  // One is left to each. What the second has is decided by a message: its page says so and leads on.
  const mine = shownItem(second);
  await press(first, 'a');
  await first.getByRole('heading', { name: 'The last item is with ada' }).waitFor();
  expect((await judge(db, 'together', mine, { decision: 'accept' }, bob)).problem).toMatch(/is looking at/);
  await decideRest(db, 'together', { decision: 'accept' }, 'a message');
  await second.getByText('a message accepted this item, unseen').waitFor();
  await second.getByText('14 of 14').waitFor();
  expect(await second.getByRole('button', { name: /Accept/ }).count()).toBe(0);
  await first.getByRole('heading', { name: 'Everything is decided' }).waitFor();
  const decided = await items('together');
  expect(decided.filter(({ review }) => review.reviewer === 'ada')).toHaveLength(13);
  for (const one of both) {
    expect(one.problems).toEqual([]);
    await one.close();
  }
}, 180_000);

const HOSTILE = `<script>document.title='owned'</script><img src=x onerror="document.title='owned'">
\u001b[31mred\u001b[0m \u202eesrever\u202c ${'x'.repeat(50_000)}
answer: 1`;

it('shows hostile texts as they are, at a desk and on a phone, light and dark', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { db } = loop.database;
  const nasty = { text: '</textarea><script>alert(1)</script>', answer: '"><b>1', rationale: HOSTILE };
  await storedRun('nasty', [nasty, { text: '4861+39127', answer: '43988' }, { text: '12+30', answer: '42' }]);
  const [one, other] = await items('nasty');
  await inspect(browser, site, `/runs/nasty/review/${one!.review.id}`, 'review-hostile');
  const plain = `/runs/nasty/review/${other!.review.id}`;
  await inspect(browser, site, plain, 'review-taken');
  const { page, go, problems, close } = await visit(browser, site);
  await db.update(t.reviews).set({ claimedBy: null, claimedAt: null }).where(eq(t.reviews.runId, 'nasty'));
  await go(`/runs/nasty/review/${one!.review.id}`);
  expect(await page.title()).toBe('Review nasty · Ratchet');
  await page.keyboard.press('e');
  await page.getByRole('button', { name: "Start from the model's steps" }).count();
  expect(problems).toEqual([]);
  await close();
}, 180_000);

it('looks right in each of its states', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { db } = loop.database;
  const steps = longAddition('0000004861+0000039127');
  await storedRun('states', [{ text: '4861+39127', answer: '43988', rationale: steps }]);
  const [one] = await items('states');
  await inspect(browser, site, '/review', 'review-queues');
  // Each visit is another browser, so the item is free for each only when the last has gone.
  await db.update(t.reviews).set({ claimedAt: sql`now() - interval '1 hour'` });
  await inspect(browser, site, '/runs/states/review', 'review-queue');
  await correct(db, 'states', one!.review.id, { answer: '43989' }, { ...bob, holder: 'x@y/1' });
  await db.update(t.reviews).set({ claimedBy: null, claimedAt: null }).where(eq(t.reviews.runId, 'states'));
  await judge(db, 'states', one!.review.id, { decision: 'reject', note: 'a carry is missing' }, bob);
  await inspect(browser, site, `/runs/states/review/${one!.review.id}`, 'review-decided');
  await inspect(browser, site, '/runs/states/review', 'review-over');
}, 180_000);

it('works without scripts, and refuses what makes no sense', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  await storedRun('scriptless', [
    { text: '1+1', answer: '2' },
    { text: '2+2', answer: '4' },
  ]);
  await storedRun('elsewhere', [{ text: '3+3', answer: '6' }]);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${site.url}/runs/scriptless/review`);
  const id = shownItem(page);
  await page.getByRole('button', { name: 'Accept' }).click();
  await page.getByRole('button', { name: 'Undo' }).click();
  expect(shownItem(page)).toBe(id);
  await page.getByText('Correct the answer').click();
  await page.getByLabel('Right answer').fill('3');
  await page.getByRole('button', { name: 'Store the correction' }).click();
  expect(await decisionOf('scriptless', id)).toMatchObject({ decision: 'correct', correctedAnswer: '3' });
  await page.getByRole('button', { name: 'Reject' }).click();
  await page.getByRole('heading', { name: 'Everything is decided' }).waitFor();
  await context.close();

  // A page of another site, an item of another run, a form that asks for nothing.
  const [other] = await items('elsewhere');
  const from = (site_: string) => ({ headers: { 'sec-fetch-site': site_ } });
  const before = await items('scriptless');
  expect((await fetch(`${site.url}/runs/scriptless/review`, from('cross-site'))).status).toBe(200);
  expect(await items('scriptless')).toEqual(before);
  expect((await fetch(`${site.url}/runs/scriptless/review/${other!.review.id}`)).status).toBe(404);
  expect((await fetch(`${site.url}/runs/absent/review`)).status).toBe(404);
  const post = (action: string, headers: Record<string, string>) =>
    fetch(`${site.url}/runs/scriptless/review`, {
      method: 'POST',
      body: new URLSearchParams({ action }),
      headers,
      redirect: 'manual',
    });
  expect((await post('next', { 'sec-fetch-site': 'cross-site' })).status).toBe(403);
  expect((await post('dance', { 'sec-fetch-site': 'same-origin' })).status).toBe(400);
}, 120_000);
