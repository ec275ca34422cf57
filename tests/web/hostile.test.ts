/** Texts of models that try anything, in every place where a page shows a text. */
import { eq, sql } from 'drizzle-orm';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { addMemory } from '../../db/queries/memory.ts';
import * as t from '../../db/schema.ts';
import { addDecision, addIteration, addCheckpoint, addPool, addRun, addCall } from '../cli/fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { expectNoSidewaysScroll, PHONE, startSite, visit, type Site } from './site.ts';

const program = findChromium();
const BAD = [
  '<script>globalThis.pwned = 1</script>',
  '<img src=x onerror="globalThis.pwned = 1"><svg onload="globalThis.pwned = 1">',
  '"><a href="javascript:globalThis.pwned = 1" style="position:fixed;inset:0">x</a>',
  "'-globalThis.pwned=1-' </textarea></title></pre></details></select>",
  '\u001b[2J\u001b[31mred\u0007 \u202egnp.exe\u2066 \u200bzero \ufeff \u2028 line',
  '<base href="https://evil.example/"><link rel=stylesheet href="https://evil.example/x.css"><meta http-equiv=refresh content="0;url=https://evil.example">',
  '{{constructor.constructor("globalThis.pwned=1")()}} ${globalThis.pwned=1} &lt;b&gt;',
].join(' ');
const ACTING = ['\u001b', '\u0007', '\u202e', '\u2066', '\u200b', '\ufeff', '\u2028'];
/** PostgreSQL keeps no NUL. */
const LONG = `begin ${'A'.repeat(1024 * 1024)} end`;

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let site: Site;
let browser: Browser;
let samples: number[];
let iterationId: number;
let entry: number;
const RUN = `evil ${BAD.slice(0, 120)}`;

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  database = await createTestDatabase();
  const { db } = database;
  await addRun(db, RUN, {}, 'running');
  await db.update(t.runs).set({ task: BAD, status: 'parked', statusReason: BAD }).where(eq(t.runs.id, RUN));
  const base = await addCheckpoint(db, RUN, 0, { target: 4, guard: 20 });
  iterationId = await addIteration(db, RUN, 1, base.id);
  await addPool(db, RUN, iterationId, base.id, [
    { text: BAD, answer: BAD, agreement: 1, accepted: 'vote', samples: 3 },
    { text: `long ${LONG}`, answer: LONG.slice(0, 5000), agreement: 0.5, samples: 1 },
  ]);
  samples = (await db.select({ id: t.samples.id }).from(t.samples).orderBy(t.samples.id)).map(({ id }) => id);
  await db.update(t.samples).set({
    rationale: BAD,
    request: BAD,
    rewrite: BAD,
    strategy: BAD,
    finishReason: BAD,
    fingerprint: BAD,
  });
  // One line of a mebibyte, and one of nothing but marks.
  await db.update(t.samples).set({ rationale: LONG }).where(eq(t.samples.id, samples[1]!));
  await db
    .update(t.samples)
    .set({ rationale: '\u202e'.repeat(200_000) })
    .where(eq(t.samples.id, samples[2]!));
  await db.update(t.verdicts).set({ reason: BAD });
  await db.execute(sql`insert into verdicts (sample_id, gate, outcome, reason, advisory)
    select id, ${BAD.slice(0, 300)}, 'fail', ${LONG}, false from samples`);
  await db.insert(t.critiques).values({
    sampleId: samples[0]!,
    critic: BAD,
    outcome: 'fails',
    reason: BAD,
    reply: `${BAD} ${LONG}`,
    callId: await addCall(db, RUN, iterationId, 'evaluate'),
  });
  await addDecision(db, iterationId, 'discard', { candidateId: null, bestId: base.id }, {});
  await db.update(t.decisions).set({ reason: BAD });
  await db.insert(t.stages).values({ iterationId, name: 'generate', status: 'failed', error: BAD });
  await db.insert(t.messages).values({
    runId: RUN,
    messageId: '1',
    name: BAD,
    args: { by: BAD },
    origin: 'update',
    accepted: true,
    answer: `${BAD} ${LONG}`,
    iterationIndex: 1,
  });
  await db.insert(t.adjustments).values({
    runId: RUN,
    key: '1',
    kind: 'diversity',
    cause: 'operator',
    reason: BAD,
    fromIteration: 1,
    overrides: {},
    numbers: {},
  });
  const [{ promptId } = { promptId: 0 }] = await db
    .select({ promptId: t.samples.promptId })
    .from(t.samples)
    .where(eq(t.samples.id, samples[0]!));
  await db.insert(t.debates).values({ promptId, agents: 2, answer: BAD, reason: BAD });
  const callId = await addCall(db, RUN, iterationId, 'debate');
  const turn = { promptId, rewrite: BAD, strategy: BAD, request: BAD, reply: BAD, answer: BAD, seed: 1 };
  const work = { formatOk: false, formatReason: BAD, coherenceOk: false, coherenceReason: BAD };
  const [said] = await db
    .insert(t.debateTurns)
    .values(
      [`${BAD} ${LONG}`, '\u202e'.repeat(200_000)].map((rationale, agent) => ({
        ...turn,
        ...work,
        callId,
        round: 1,
        agent,
        rationale,
        finishReason: BAD,
        action: 'answer' as const,
        completionTokens: 1,
        workTokens: 1,
      })),
    )
    .returning();
  await db
    .insert(t.debatePoints)
    .values({ turnId: said!.id, critic: BAD, outcome: 'fails', line: 1, reason: BAD, reply: BAD, callId });
  await db
    .update(t.debates)
    .set({ status: 'argued', votes: 1, runnerUpVotes: 0, rounds: 1, tokens: 1 })
    .where(eq(t.debates.promptId, promptId));
  entry = (await addMemory(
    db,
    { task: BAD, kind: 'pattern', request: BAD, text: `${BAD} ${LONG}`, tokens: 9, by: BAD },
    [{ key: BAD, text: BAD }],
    BAD,
  ))!;
  await db.insert(t.memoryShown).values({ sampleId: samples[0]!, position: 0, entryId: entry });
  await db.insert(t.revocations).values({ exampleId: 1, reason: BAD, by: BAD });
  [site, browser] = await Promise.all([startSite(db), launchChromium(program)]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await database?.drop();
});

it('is shown, and does nothing', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const run = `/runs/${encodeURIComponent(RUN)}`;
  const seen = await visit(browser, site, { size: PHONE });
  const { page } = seen;
  let dialogs = 0;
  page.on('dialog', (dialog) => {
    dialogs += 1;
    void dialog.dismiss();
  });
  const critique = (await database.db.select({ id: t.critiques.id }).from(t.critiques))[0]!.id;
  const paths = [
    '/',
    run,
    `${run}/steer/retry`,
    `${run}/iterations/1`,
    `${run}/iterations/1?gate=${encodeURIComponent(BAD)}&prompt=${encodeURIComponent(BAD.slice(0, 90))}`,
    ...samples.map((id) => `/samples/${id}`),
    `/samples/${samples[0]}/text?field=request`,
    `/samples/${samples[1]}/text?field=rationale`,
    `/samples/${samples[2]}/text?field=rationale`,
    `/critiques/${critique}/text`,
    '/memory',
    `/memory/${entry}`,
    `/runs/${encodeURIComponent(BAD)}`,
  ];
  for (const path of paths) {
    await seen.go(path);
    expect(await page.evaluate('globalThis.pwned'), path).toBeUndefined();
    expect(await page.locator('script').count(), path).toBe(1);
    expect(
      await page
        .locator('main :is(img, base, link, meta, iframe, [style]:not(.plot *), [onerror], [onload])')
        .count(),
      path,
    ).toBe(0);
    expect(await page.locator('a[href^="javascript:"]').count(), path).toBe(0);
    // What acts without being seen is in no text of the page.
    const shown = await page.evaluate<string>(
      `[document.title, document.body.textContent, ...[...document.querySelectorAll('[title], [aria-label]')].map((one) => one.title + one.ariaLabel)].join()`,
    );
    expect(
      ACTING.filter((character) => shown.includes(character)),
      path,
    ).toEqual([]);
    await expectNoSidewaysScroll(page);
    expect((await page.content()).length, path).toBeLessThan(1_500_000);
  }
  // A run that is not there answers 404, which Chromium notes; nothing else may be.
  expect(seen.problems).toEqual([expect.stringContaining('404')]);
  expect(dialogs).toBe(0);
  await seen.close();
}, 180_000);

it('names what must not act, and leads to all of a long line', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, close } = await visit(browser, site);
  await go(`/samples/${samples[0]}`);
  const marks = await page.locator('.one.this .unseen').allInnerTexts();
  expect(marks).toEqual(expect.arrayContaining(['ESC', 'BEL', 'RLO', 'LRI', 'ZWSP', 'BOM', 'LSEP']));
  expect(await page.locator('.one.this').innerText()).toContain('<script>globalThis.pwned = 1</script>');

  await go(`/samples/${samples[1]}`);
  await page
    .locator('.one.this')
    .getByRole('link', { name: /^Read all 1,048,586/ })
    .click();
  let read = '';
  for (;;) {
    read += await page.locator('pre.block').innerText();
    const next = page.getByRole('link', { name: 'After' });
    if ((await next.count()) === 0) break;
    const length = read.length;
    await next.click();
    await page.getByText(`characters ${(length + 1).toLocaleString('en-US')}–`).waitFor();
  }
  expect(read).toBe(LONG);

  await go(`/samples/${samples[2]}`);
  expect(await page.locator('.one.this .unseen').count()).toBe(501);
  await close();
}, 120_000);
