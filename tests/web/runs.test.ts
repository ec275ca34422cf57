/** The list of runs, in a browser. */
import { readFile } from 'node:fs/promises';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { setRunStatus } from '../../db/queries/runs.ts';
import { addRun, addTwoIterations } from '../cli/fixture.ts';
import { createTestDatabase } from '../support/database.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { inspect, startSite, visit, type Site } from './site.ts';

const program = findChromium();
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let site: Site;
let browser: Browser;

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  database = await createTestDatabase();
  [site, browser] = await Promise.all([startSite(database.db), launchChromium(program)]);
});
afterAll(async () => {
  await browser?.close();
  await site?.close();
  await database?.drop();
});

it('shows each run, follows it live, and is walked with the keyboard', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/');
  await page.getByText('There are no runs yet').waitFor();

  // Nobody reloads: the page hears of it.
  await addTwoIterations(database.db, 'first');
  await addRun(database.db, 'under-way', {}, 'running');
  await page.getByRole('link', { name: /^first arithmetic/ }).waitFor();
  await page.getByRole('link', { name: /^under-way arithmetic/ }).waitFor();
  const rows = page.locator('.runs li');
  expect(await rows.count()).toBe(2);
  expect(await rows.filter({ hasText: 'first' }).innerText()).toMatch(
    /completed[\s\S]*75\.0 %[\s\S]*from 10\.0 %/,
  );
  await setRunStatus(database.db, 'under-way', 'parked', 'no model');
  await rows.filter({ hasText: 'under-way' }).getByText('parked').waitFor();

  await page.keyboard.press('j');
  expect(await page.evaluate('document.activeElement.textContent')).toContain(
    await rows.first().locator('strong').innerText(),
  );
  await page.keyboard.press('?');
  await page.getByRole('dialog').getByText('next and previous row').waitFor();
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'Light or dark' }).click();
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  await page.reload();
  expect(await page.locator('html').getAttribute('data-theme')).toBe('dark');
  expect(problems).toEqual([]);
  await close();
}, 120_000);

it('looks right at a desk and on a phone, light and dark', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  await inspect(browser, site, '/', 'runs');
  const closed = await startSite(database.db, { settings: { token: 'a token of sixteen', names: [] } });
  await inspect(browser, closed, '/login', 'login');
  await closed.close();
}, 120_000);

it('hands over the report of a run as a file', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const id = 'été <1>';
  await addTwoIterations(database.db, id);
  const { page, go, problems, close } = await visit(browser, site);
  await go(`/runs/${encodeURIComponent(id)}`);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.getByRole('link', { name: 'Report as a file' }).click(),
  ]);
  expect(download.suggestedFilename()).toMatch(/^été .1.\.html$/);
  const html = await readFile(await download.path(), 'utf8');
  expect(html).toContain('<!doctype html>');
  expect(html).toContain('été &lt;1&gt;');
  expect(problems).toEqual([]);
  await close();
}, 120_000);

it('is paged', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  // All were created at the same moment: their ids keep them apart.
  for (let i = 0; i < 30; i++) await addRun(database.db, `many-${String(i).padStart(2, '0')}`);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/');
  const names = () => page.locator('.runs strong').allInnerTexts();
  const first = await names();
  await page.getByRole('link', { name: 'Older runs' }).click();
  await page.getByRole('link', { name: 'Newest' }).waitFor();
  const second = await names();
  expect(new Set([...first, ...second]).size).toBe(33);
  expect(first.length + second.length).toBe(33);
  expect(problems).toEqual([]);
  await close();
});
