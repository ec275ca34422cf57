/** The report as a page: complete in itself, true to the data, and deaf to what texts would have it do. */
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { eq } from 'drizzle-orm';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { pageData } from '../../app/report/html/data.ts';
import { renderPage } from '../../app/report/html/page.ts';
import { changedSettings } from '../../app/report/html/tried.ts';
import { writePage } from '../../app/report/html/write.ts';
import { buildReport } from '../../app/report/report.ts';
import { percent, pValueText } from '../../process/text.ts';
import * as t from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { createTestDatabase } from '../support/database.ts';
import { assets } from '../../web/assets.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { accessProblems, DESK, expectNoSidewaysScroll, PHONE, picture } from '../web/site.ts';
import {
  addCheckpoint,
  addDecision,
  addIteration,
  addPool,
  addRun,
  addTwoIterations,
} from '../cli/fixture.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
const folder = mkdtempSync(join(tmpdir(), 'ratchet-report-'));
const program = findChromium();
let browser: Browser | undefined;

beforeAll(async () => {
  database = await createTestDatabase();
  await addTwoIterations(database.db, 'demo');
  if (program) browser = await launchChromium(program);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await database.drop();
});

/** The page, and the words on it without tags, on one line. */
async function pageOf(runId: string) {
  const page = await renderPage(await pageData(database.db, runId));
  const words = page
    .replace(/<style>[\s\S]*?<\/style>/, '')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/\s+/g, ' ');
  return { page, words };
}

/** Nothing in it is fetched or run. */
function expectComplete(page: string) {
  expect(page).not.toMatch(/<(script|link|iframe|object|embed|img|image|use|base|form)[\s>]/i);
  expect(page).not.toMatch(/<[^>]+\s(src|href|srcset|xlink:href|action|on\w+)\s*=/i);
  expect(page).not.toMatch(/url\(|@import/i);
  expect(page).toContain("default-src 'none'");
}

test('the page needs nothing else and says what the report says', async () => {
  const report = await buildReport(database.db, 'demo');
  const { page, words } = await pageOf('demo');
  expectComplete(page);
  expect(words).toContain('10.0 → 75.0 %');
  expect(words).toContain('26 fixed, 0 broken (exact one-sided McNemar, p = 1.5e-8)');
  expect(report.comparison).toHaveLength(3);
  for (const { role, base, best, onlyBase, onlyBest, pValue } of report.comparison) {
    const text = (one: typeof base) =>
      `${percent(one.rate)} [${(one.low * 100).toFixed(1)}–${(one.high * 100).toFixed(1)}] ${one.correct}/${one.total}`;
    const points = ((best.rate - base.rate) * 100).toFixed(1).replace('-', '−');
    expect(words.replaceAll('+', '')).toContain(
      `${role} ${text(base)} ${text(best)} ${points} ${onlyBest} ${onlyBase} ${pValueText(pValue)}`.replaceAll(
        '+',
        '',
      ),
    );
  }
  expect(words).toContain('agreement 8 2 0 80.0 % required');
  expect(words).toContain('read once, at the end');
  expect(words).toContain('75.0 % of 4 were right');
  expect(words).toMatch(/promoted 10\.0 → 75\.0 % 1\.2e-5/);
  expect(words).toMatch(/discarded 75\.0 → 72\.5 % 0\.750/);
  // One mark for each candidate that was measured.
  const curve = /<svg class="curve"[\s\S]*?<\/svg>/.exec(page)![0];
  expect(curve.match(/<circle\s+class="promoted"/g)).toHaveLength(1);
  expect(curve.match(/<circle\s+class="discarded"/g)).toHaveLength(1);
});

test('accepted samples stand with their verdicts, and each required gate shows one that it failed', async () => {
  const { accepted, rejected } = await pageData(database.db, 'demo');
  expect(accepted.map((one) => one.prompt).sort()).toEqual([
    '1234+1111',
    '1234+2222',
    '1234+3333',
    '4321+1111',
  ]);
  expect(accepted.find((one) => one.prompt === '1234+3333')).toMatchObject({ kind: 'hard', right: false });
  expect(accepted.find((one) => one.prompt === '1234+1111')).toMatchObject({ kind: 'vote', right: true });
  expect(accepted[0]!.verdicts.map((one) => one.gate)).toEqual(['agreement', 'critique']);
  expect(rejected.map((one) => one.prompt)).toEqual(['1234+4444']);
  expect(rejected[0]!.verdicts[0]).toMatchObject({ gate: 'agreement', outcome: 'fail' });
});

test('revoked examples are not shown as accepted', async () => {
  await addTwoIterations(database.db, 'revoked', { seed: 77 });
  const all = await database.db.select().from(t.examples).where(eq(t.examples.runId, 'revoked'));
  const own = all.filter((one) => one.kind === 'hard');
  await database.db
    .insert(t.revocations)
    .values(own.map(({ id }) => ({ exampleId: id, reason: 'wrong', by: 'ada' })));
  const { accepted } = await pageData(database.db, 'revoked');
  expect(accepted.map((one) => one.kind)).toEqual(['vote', 'vote', 'vote']);
});

test('the settings reproduce the run: those on the page are the stored ones, and those that differ are named', async () => {
  const input = { iterations: 3, gates: { agreement: { min: 0.4 } }, promptsFile: '/tmp/ü\u202e.jsonl' };
  await addRun(database.db, 'tuned', input, 'running');
  const stored = improveInputSchema.parse(input);
  expect(changedSettings(stored).map((one) => [one.path, one.value, one.default])).toEqual([
    ['promptsFile', '/tmp/ü\u202e.jsonl', undefined],
    ['iterations', 3, 8],
    ['gates.agreement.min', 0.4, 0.6],
  ]);
  const { page, words } = await pageOf('tuned');
  const shown = /<pre class="block copy">([\s\S]*?)<\/pre>/.exec(page)![1]!;
  const copied = shown
    .replaceAll('&quot;', '"')
    .replaceAll('&#39;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  expect(copied, 'exact in any clipboard').toMatch(/^[\n\x20-\x7e]+$/);
  expect(improveInputSchema.parse(JSON.parse(copied))).toEqual(stored);
  expect(words).toContain('gates.agreement.min 0.4 0.6');
  expect(words).toContain('ratchet run --input settings.json');
});

test('a run that has just begun, and one without an accepted example, have a page', async () => {
  await addRun(database.db, 'begun', {}, 'running');
  const begun = await pageOf('begun');
  expectComplete(begun.page);
  expect(begun.words).toContain('Nothing has been measured yet. The run is not finished.');

  await addRun(database.db, 'empty', {}, 'running');
  const base = await addCheckpoint(database.db, 'empty', 0, { target: 4, guard: 20 });
  const first = await addIteration(database.db, 'empty', 1, base.id);
  await addDecision(database.db, first, 'nothing-to-train', { candidateId: null, bestId: base.id }, {});
  await addIteration(database.db, 'empty', 2, base.id, false);
  const { words } = await pageOf('empty');
  expect(words).toContain(
    'No candidate was promoted: the checkpoint it started from stays the best, at 10.0 % of target.',
  );
  expect(words).toContain('No sample of an unlabeled prompt was accepted.');
  expect(words).toContain('no data');
  expect(words).not.toMatch(/NaN|undefined|Infinity|\[object/);
});

const hostile =
  '</pre><script>alert(1)</script><img src=x onerror=alert(2)>\u001b[31mred\u202eesrever\u200bzero"\'&amp;';

/** A run in which everybody else's text is hostile. */
async function addHostile(id: string) {
  const { db } = database;
  await addRun(db, id, { promptsFile: `/tmp/${hostile.replaceAll('\u001b', '')}` });
  await db.update(t.runs).set({ statusReason: hostile, codeVersion: hostile }).where(eq(t.runs.id, id));
  const base = await addCheckpoint(db, id, 0, { target: 4, guard: 20 });
  const first = await addIteration(db, id, 1, base.id);
  await addPool(db, id, first, base.id, [
    { text: `${hostile}1`, answer: hostile, agreement: 1, accepted: 'vote' },
    { text: '\nblank line first', answer: '1', agreement: 1, accepted: 'vote' },
    { text: `${hostile}2`, answer: hostile, agreement: 0.2 },
    { text: `3${'x'.repeat(1_000_000)}`, answer: 'y'.repeat(1_000_000), agreement: 1, accepted: 'vote' },
  ]);
  await db.insert(t.decisions).values({
    iterationId: first,
    kind: 'discard',
    candidateId: null,
    bestId: base.id,
    reason: hostile,
    numbers: { guards: [{ name: hostile, fall: 0.1, margin: 0.03 }] },
  });
  await db.insert(t.messages).values({
    runId: id,
    iterationIndex: 1,
    messageId: '1',
    name: 'pause',
    args: { by: hostile },
    origin: 'signal',
    accepted: true,
    answer: hostile,
  });
}

test('hostile texts are shown, not obeyed, and long ones are cut', async () => {
  await addHostile('hostile');
  const { page } = await pageOf('hostile');
  expectComplete(page);
  for (const unseen of ['\u001b', '\u202e', '\u200b']) expect(page).not.toContain(unseen);
  expect(page).toContain('&lt;script&gt;alert(1)&lt;/script&gt;');
  expect(page).toContain('<span class="unseen" title="U+202E: shown, not obeyed">RLO</span>');
  expect(page).toContain('<span class="unseen" title="U+001B: shown, not obeyed">ESC</span>');
  // A parser drops the first line feed of a block.
  expect(page).toContain('<pre class="block">\n\nblank line first</pre>');
  // Two texts of a million characters and their answers.
  expect(page).toContain('more characters.');
  expect(page.length).toBeLessThan(200_000);
});

test('the page appears whole or not at all, where it says', async () => {
  const file = join(folder, 'new', 'demo.html');
  expect(await writePage(database.db, 'demo', file)).toBe(file);
  expect(readFileSync(file, 'utf8')).toContain('</html>');
  expect(readdirSync(join(folder, 'new'))).toEqual(['demo.html']);

  writeFileSync(join(folder, 'file'), '');
  await expect(writePage(database.db, 'demo', join(folder, 'file', 'demo.html'))).rejects.toThrow(
    /could not be written to .*demo\.html/,
  );
  await expect(writePage(database.db, 'none', file)).rejects.toThrow('There is no run "none"');
  expect(readFileSync(file, 'utf8'), 'the page that was there').toContain('</html>');
});

test('its style is that of the web page, by day and by night, and printed by day', async () => {
  const parts = readFileSync('app/html/base.css', 'utf8');
  expect(parts.match(/--[\w-]+:\s*light-dark\(#[0-9a-f]{6}, #[0-9a-f]{6}\);/g)!.length).toBeGreaterThan(20);
  const { page } = await pageOf('demo');
  expect(page).toContain(parts);
  expect(await (await assets().request('/base.css')).text()).toBe(parts);
  expect(page).toMatch(/@media print \{[^@]*:root \{\s*color-scheme: light;/);
});

test('a browser opens it from the disk: no error, no request, no serious finding, no sideways scroll', async ({
  skip,
}) => {
  if (!browser) return skip(NO_CHROMIUM);
  await addHostile('hostile-seen');
  await addRun(database.db, 'begun-seen', {}, 'running');
  for (const runId of ['demo', 'hostile-seen', 'begun-seen']) {
    const file = await writePage(database.db, runId, join(folder, `${runId}.html`));
    for (const [where, size] of Object.entries({ desk: DESK, phone: PHONE })) {
      for (const colorScheme of ['light', 'dark'] as const) {
        // axe-core is put into the page by the test; the page's own policy would refuse it.
        const strict = await browser.newContext({ viewport: size, colorScheme });
        const page = await strict.newPage();
        const problems: string[] = [];
        page.on('console', (message) => problems.push(message.text()));
        page.on('pageerror', (error) => problems.push(error.message));
        page.on('dialog', (dialog) => problems.push(`dialog: ${dialog.message()}`));
        page.on('request', (request) => {
          if (request.url() !== pathToFileURL(file).href) problems.push(`asked for ${request.url()}`);
        });
        await page.goto(pathToFileURL(file).href);
        await picture(page, `report-${runId}-${where}-${colorScheme}`);
        await expectNoSidewaysScroll(page);
        expect(await accessProblems(page), `${runId} ${where} ${colorScheme}`).toEqual([]);
        expect(problems, `${runId} ${where} ${colorScheme}`).toEqual([]);
        await strict.close();
      }
    }
  }
}, 400_000);
