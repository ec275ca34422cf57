/** The launcher and the schedules, in a browser, on a real Temporal with real workers. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { deleteSchedule, showSchedule } from '../../app/schedules/schedules.ts';
import { findStudy } from '../../db/queries/discovery.ts';
import { settingFields } from '../../loop/setting-fields.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import { until } from '../support/wait.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { inspect, startSite, visit, type Site } from './site.ts';

const program = findChromium();
const loop = useLoop(adder);
let site: Site;
let browser: Browser;

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  [site, browser] = await Promise.all([
    startSite(loop.database.db, { temporal: async () => loop.temporal.client }),
    launchChromium(program),
  ]);
}, 60_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

it('has a control for every field of the schema, and says of each bad one what is wrong, keeping what was typed', async ({
  skip,
}) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/launch');
  const names = await page
    .locator('form.launch [name]')
    .evaluateAll((all) => all.map((one) => one.getAttribute('name')));
  for (const { path } of settingFields()) expect(names).toContain(path);

  await page.locator('[name="iterations"]').fill('0');
  await page.locator('[name="task"]').fill('no-such-task.yaml');
  await page.locator('#group-sampling summary').click();
  await page.locator('[name="sampling.temperature"]').fill('hot');
  await page.locator('#group-more summary').click();
  await page.locator('[name="prices"]').fill('{"*": {"promptPerMillion": -1}}');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('Nothing was started').waitFor();
  const wrong = await page
    .locator('.setting.wrong')
    .evaluateAll((all) =>
      all.map((one) => [
        one.querySelector('[name]')!.getAttribute('name'),
        one.querySelector('.problem')!.textContent,
      ]),
    );
  const said = new Map(wrong as [string, string][]);
  expect(said.get('iterations')).toMatch(/>=1/);
  expect(said.get('sampling.temperature')).toBe('"hot" is no number');
  expect(said.get('prices')).toMatch(/>=0/);
  expect(await page.locator('[name="iterations"]').inputValue()).toBe('0');
  expect(await page.locator('[name="sampling.temperature"]').inputValue()).toBe('hot');
  expect(await page.locator('#group-sampling').getAttribute('open')).not.toBeNull();

  await page.locator('[name="iterations"]').fill('1');
  await page.locator('[name="sampling.temperature"]').fill('');
  await page.locator('[name="prices"]').fill('');
  await page.getByRole('button', { name: 'Start' }).click();
  await page
    .locator('.setting.wrong', { hasText: 'no-such-task.yaml' })
    .or(page.locator('.banner.bad', { hasText: 'no-such-task.yaml' }))
    .first()
    .waitFor();
  const own = problems.filter((one) => !one.includes('400 (Bad Request)'));
  expect(own).toEqual([]);
  await close();
}, 120_000);

it('begins a study, and says of each bad field what is wrong with it', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/studies');
  await page.getByRole('link', { name: 'Begin a study' }).click();
  await page.locator('[name="of"]').fill('no-such-law');
  await page.locator('[name="budget"]').fill('many');
  await page.locator('[name="noise"]').fill('7');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('Nothing was started: see the marked fields.').waitFor();
  expect(
    await page.locator('.setting.wrong').evaluateAll((all) => all.map((one) => one.textContent)),
  ).toEqual([expect.stringContaining('"many" is no number'), expect.stringContaining('<=1')]);
  await page.locator('[name="budget"]').fill('5');
  await page.locator('[name="noise"]').fill('');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('.banner.bad', { hasText: 'no-such-law' }).waitFor();

  await page.locator('[name="of"]').fill('enzyme-inhibited');
  await page.locator('[name="hypotheses"]').fill('k1 * (');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.locator('.banner.bad', { hasText: 'k1 * (' }).waitFor();
  await page.locator('[name="hypotheses"]').fill('');
  await page.locator('[name="id"]').fill('by-form');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.waitForURL(/\/studies\/by-form$/);
  await until('its end', async () => (await findStudy(loop.database.db, 'by-form'))!.finishedAt !== null);
  await go('/studies/by-form');
  await page.getByText('Experiments').first().waitFor();

  await go('/discover?of=gravity&id=by-form');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('There is a study "by-form" already').waitFor();
  expect(problems.filter((one) => !one.includes('400 (Bad Request)'))).toEqual([]);
  await inspect(browser, site, '/discover?of=gravity', 'discover');
  await close();
}, 120_000);

it('starts a run with what the form says', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go(
    '/launch?iterations=1&pool.prompts=24&pool.rehearsal=4&benchmark.size=quick&benchmark.majority=false',
  );
  await page.locator('[name="id"]').fill('from-the-form');
  await page.locator('#group-models summary').click();
  await page.locator('[name="models.generator.baseURL"]').fill(loop.endpoint.url);
  await page.locator('[name="models.generator.model"]').fill(adder.baseModel);
  await page.locator('#group-gates summary').click();
  await page.locator('[name="gates.critique.mode"]').selectOption('off');
  // Without a critic nobody would catch what is planted, and the run would park.
  await page.locator('#group-probes summary').click();
  await page.locator('[name="probes.mode"]').selectOption('off');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.waitForURL(/\/runs\/from-the-form$/);
  const handle = loop.temporal.client.workflow.getHandle('from-the-form');
  expect(await handle.result()).toMatchObject({ iterations: 1 });
  const { db } = loop.database;
  const run = (await db.query.runs.findFirst({ where: (t, { eq }) => eq(t.id, 'from-the-form') }))!;
  expect(run.settings.pool).toMatchObject({ prompts: 24, rehearsal: 4 });
  expect(run.settings.benchmark).toMatchObject({ size: 'quick', majority: false });

  await go('/launch');
  await page.locator('[name="id"]').fill('from-the-form');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('is finished already').waitFor();
  expect(problems.filter((one) => !/400 \(Bad Request\)/.test(one))).toEqual([]);
  await close();
}, 180_000);

it('makes a schedule, pauses it, runs it now and deletes it', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { client } = loop.temporal;
  const { page, go, problems, close } = await visit(browser, site);
  await go('/schedules');
  await page.getByText('There are no schedules').waitFor();
  await page.getByRole('link', { name: 'New schedule' }).click();
  await page.locator('[name="days"]').fill('Sun');
  await page.locator('[name="time"]').fill('25:00');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.getByText('"25:00" is no time of day').waitFor();
  await page.locator('[name="time"]').fill('03:00');
  await page.locator('[name="timezone"]').fill('Europe/Berlin');
  // It is triggered below: without an endpoint the run fails at once, and the page says so.
  await page.locator('#group-models summary').click();
  await page.locator('[name="models.generator.baseURL"]').fill(loop.endpoint.url);
  await page.locator('[name="models.generator.model"]').fill(adder.baseModel);
  await page.locator('[name="iterations"]').fill('1');
  await page.locator('#group-benchmark summary').click();
  await page.locator('[name="benchmark.size"]').selectOption('quick');
  await page.getByRole('button', { name: 'Start' }).click();
  await page.waitForURL(/\/schedules$/);
  await until('the schedule', async () => {
    await page.reload();
    return (await page.getByRole('heading', { name: 'arithmetic-weekly' }).count()) === 1;
  });
  await page.getByText('weekly Sun 03:00 · Europe/Berlin').waitFor();
  await inspect(browser, site, '/schedules', 'schedules');

  await page.getByRole('link', { name: 'Pause' }).click();
  await page.getByLabel('Reason').fill('holidays');
  await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
  await page.getByText('arithmetic-weekly no longer fires').waitFor();
  const paused = await showSchedule(client, loop.database.db, 'arithmetic-weekly');
  expect(paused).toMatchObject({ paused: true, note: 'holidays' });
  await page.getByRole('dialog').getByRole('link', { name: 'Close' }).click();

  await page.getByRole('link', { name: 'Run now' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Run now' }).click();
  await page.getByText(/The run arithmetic-weekly-.* has begun/).waitFor();
  await page.getByRole('dialog').getByRole('link', { name: 'Close' }).click();
  const [run] = (await showSchedule(client, loop.database.db, 'arithmetic-weekly')).runs;

  await page.getByRole('link', { name: 'Delete' }).click();
  await page.getByRole('dialog').getByRole('button', { name: 'Delete' }).click();
  await page.getByText(/arithmetic-weekly is deleted/).waitFor();
  await expect(showSchedule(client, loop.database.db, 'arithmetic-weekly')).rejects.toThrow(
    'There is no schedule',
  );
  await expect(deleteSchedule(client, 'arithmetic-weekly')).rejects.toThrow('There is no schedule');
  await client.workflow
    .getHandle(run!.run)
    .terminate('the test is over')
    .catch(() => undefined);
  expect(problems.filter((one) => !/400 \(Bad Request\)/.test(one))).toEqual([]);
  await close();
}, 180_000);

it('looks right at a desk and on a phone, light and dark, with all groups open', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  await inspect(browser, site, '/launch?when=schedule&sampling.samples=16&training.epochs=2', 'launch');
}, 120_000);

it('says what to do when Temporal is away', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const alone = await startSite(loop.database.db);
  const answer = await fetch(`${alone.url}/schedules`);
  expect(answer.status).toBe(503);
  expect(await answer.text()).toContain('Start it with: ratchet up');
  await alone.close();
});
