/** A real run, looked at when it is done and steered while it goes: a scripted model, real Temporal, a real browser. */
import { sql } from 'drizzle-orm';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { findRun } from '../../db/report.ts';
import { useLoop } from '../support/loop.ts';
import { adder } from '../support/scripted-adder.ts';
import type { Script } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { accessProblems, inspect, picture, startSite, visit, type Site } from './site.ts';

const program = findChromium();
const script: Script = { ...adder };
const loop = useLoop(script);
const DONE = 'finished run/1';
let site: Site;
let browser: Browser;

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  [site, browser] = await Promise.all([
    startSite(loop.database.db, { temporal: async () => loop.temporal.client }),
    launchChromium(program),
  ]);
  await loop.improve(DONE, loop.small({ iterations: 2, benchmark: { size: 'quick', majority: true } }));
}, 300_000);
afterAll(async () => {
  await browser?.close();
  await site?.close();
});

const one = async <T>(query: ReturnType<typeof sql>) => (await loop.rows<T>(query))[0]!;
const path = `/runs/${encodeURIComponent(DONE)}`;

it('shows a finished run from its curve down to a sample', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/');
  await page.getByRole('link', { name: new RegExp(`^${DONE}`) }).click();
  await page.getByRole('heading', { name: DONE, level: 1 }).waitFor();
  await page.locator('#curve .plot canvas').waitFor();
  // What the page says is what is stored.
  const counts = await one<{ samples: number; prompts: number }>(sql`select count(*)::int as samples,
    count(distinct p.id) filter (where p.purpose = 'learn')::int as prompts from samples s join prompts p on p.id = s.prompt_id`);
  const funnel = await page.locator('.funnel').innerText();
  expect(funnel).toMatch(new RegExp(`Prompts\\s+${counts.prompts}\\s`));
  expect(funnel).toMatch(new RegExp(`Samples\\s+${counts.samples}\\s`));
  const scored = await one<{
    rate: number;
  }>(sql`select (e.correct::float8 / e.total) as rate from evaluations e
    join checkpoints c on c.id = e.checkpoint_id where c.iteration_index = 0 and e.benchmark = 'target'`);
  await page.locator('#curve summary').click();
  expect(await page.locator('#scores tbody tr').first().innerText()).toContain(
    (100 * scored.rate).toFixed(1),
  );
  expect(await page.locator('#scores thead').innerText()).toContain('maj@8');
  const temporal = page.getByRole('link', { name: 'Workflow in the Temporal UI' });
  expect(await temporal.getAttribute('href')).toContain(`/workflows/${encodeURIComponent(DONE)}`);
  // Nothing can be told to a completed run.
  expect(await page.locator('.heading .actions .button').count()).toBe(0);

  await page.locator('#iterations').getByRole('link', { name: '1', exact: true }).click();
  await page.getByRole('heading', { name: 'Iteration 1' }).waitFor();
  const verdicts = await one<{
    fail: number;
  }>(sql`select count(*)::int as fail from verdicts v join samples s on s.id = v.sample_id
    join prompts p on p.id = s.prompt_id join iterations i on i.id = p.iteration_id
    where i.index = 1 and v.gate = 'agreement' and v.outcome = 'fail' and p.purpose = 'learn'`);
  // They may still be being counted when the page comes.
  await page.locator('.gates').waitFor();
  const agreement = page.locator('.gates tr').filter({ hasText: 'agreement' });
  expect(await agreement.getByRole('cell').nth(1).innerText()).toBe(String(verdicts.fail));
  await agreement
    .getByRole('link', { name: String(verdicts.fail), exact: true })
    .first()
    .click();
  await page.waitForURL(/outcome=(pass|fail)/);
  await page.goto(`${site.url}${path}/iterations/1`);

  // Walked to its end, the list has each sample once.
  const seen: string[] = [];
  for (;;) {
    seen.push(...(await page.locator('.samples [data-row]').allInnerTexts()));
    const next = page.getByRole('link', { name: 'Next page' });
    if ((await next.count()) === 0) break;
    const to = site.url + (await next.getAttribute('href'));
    await next.click();
    await page.waitForURL(to);
  }
  const stored = await one<{
    n: number;
  }>(sql`select count(*)::int as n from samples s join prompts p on p.id = s.prompt_id
    join iterations i on i.id = p.iteration_id where i.index = 1`);
  expect(seen).toHaveLength(stored.n);
  expect(new Set(seen).size).toBe(stored.n);

  const trained = await one<{
    id: number;
    position: number;
  }>(sql`select e.sample_id::int as id, d.position from examples e
    join dataset_examples d on d.example_id = e.id where e.kind = 'vote' order by e.id limit 1`);
  await go(`${path}/iterations/1?became=trained&purpose=learn`);
  await page
    .locator('.samples')
    .getByRole('link', { name: String(trained.id), exact: true })
    .click();
  await page.getByRole('heading', { name: `Sample ${trained.id}` }).waitFor();
  const prompt = await one<{
    k: number;
    text: string;
  }>(sql`select count(*)::int as k, min(p.text) as text from samples s
    join prompts p on p.id = s.prompt_id where p.id = (select prompt_id from samples where id = ${trained.id})`);
  expect(await page.locator('.asks').innerText()).toContain(prompt.text);
  expect(await page.locator('.sample-grid article').count()).toBe(prompt.k);
  expect(await page.locator('.sample-grid mark').count()).toBeGreaterThan(0);
  expect(await page.locator('main').innerText()).toMatch(new RegExp(`place ${trained.position + 1}\\b`));
  expect(await page.locator('.verdicts').innerText()).toMatch(/agreement\s+pass\s+agreement \d\.\d\d ≥/);
  expect(problems).toEqual([]);
  await close();
}, 180_000);

it('looks right at a desk and on a phone, light and dark', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { id } = await one<{ id: number }>(sql`select min(sample_id)::int as id from examples`);
  await inspect(browser, site, path, 'run');
  await inspect(browser, site, `${path}/iterations/2?outcome=fail`, 'iteration');
  await inspect(browser, site, `/samples/${id}`, 'sample');
}, 300_000);

it('follows a live run, asks before it steers, and shows what the run answers', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  script.latencyMs = 60;
  await loop.start('live', loop.small({ iterations: 3 }));
  await until('the run', async () => findRun(loop.database.db, 'live'));
  const { page, go, problems, close } = await visit(browser, site);
  await go('/runs/live');
  const chip = (status: string) => page.locator('#head .chip').filter({ hasText: status });
  const dialog = page.getByRole('dialog');
  const press = async (button: string) => {
    await page.locator('#head').getByRole('link', { name: button, exact: true }).click();
    await dialog.getByRole('heading', { name: `${button}: live` }).waitFor();
  };
  const confirm = async (button: string, answer: RegExp) => {
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.getByText(answer).waitFor();
    await dialog.getByRole('button', { name: 'Close' }).click();
  };
  // Nobody reloads this page.
  await page.locator('#now').getByText('under way').waitFor();
  await page
    .locator('.stages')
    .getByText(/^\d+ of 19\d samples/)
    .waitFor({ timeout: 60_000 });
  await picture(page, 'live-running');

  await press('Pause');
  await picture(page, 'live-dialog');
  expect(await accessProblems(page)).toEqual([]);
  await dialog.getByRole('link', { name: 'Cancel' }).click();
  await dialog.waitFor({ state: 'hidden' });
  expect((await findRun(loop.database.db, 'live'))!.status).toBe('running');
  await press('Pause');
  await dialog.getByLabel('Reason').fill('lunch');
  await confirm('Pause', /iteration 1 pauses once the pages under way are done/);
  await chip('paused').waitFor();
  await page.locator('.timeline').getByText('by ada').first().waitFor();
  const said = await one<{ args: unknown; origin: string }>(
    sql`select args, origin from messages where run_id = 'live' and name = 'pause'`,
  );
  expect(said).toMatchObject({ args: { by: 'ada', reason: 'lunch' }, origin: 'update' });

  await press('Budget');
  await dialog.getByRole('group', { name: 'The whole run' }).getByLabel('Tokens').fill('many');
  await dialog.getByRole('button', { name: 'Budget', exact: true }).click();
  await dialog.getByText('Tokens must be a number above 0, not "many".').waitFor();
  await dialog.getByRole('group', { name: 'The whole run' }).getByLabel('Tokens').fill('90000000');
  await confirm('Budget', /the limits hold from the next page on/);
  await page.locator('.limits').getByText('of 90.0 M').waitFor();

  // The page may be older than the run: the refusal is shown as it is given.
  const refused = await page.evaluate<{ status: number; text: string }>(
    `fetch('/runs/live/steer/pause', { method: 'POST' }).then(async (answer) => ({ status: answer.status, text: await answer.text() }))`,
  );
  expect(refused.status).toBe(409);
  expect(refused.text).toContain('the run is paused already');
  // Chromium notes every answer of 400 and more.
  expect(problems.splice(0)).toEqual([expect.stringContaining('400'), expect.stringContaining('409')]);

  await press('Resume');
  await confirm('Resume', /iteration 1 goes on/);
  await chip('running').waitFor();
  script.latencyMs = 0;
  await page
    .locator('#iterations')
    .getByText(/promoted|discarded/)
    .first()
    .waitFor({ timeout: 90_000 });
  script.latencyMs = 60;
  await page
    .locator('#now')
    .getByText(/Iteration [23], under way/)
    .waitFor();
  await press('Reset');
  await dialog.getByLabel('Go on from').selectOption({ index: 1 });
  await picture(page, 'live-reset');
  await confirm('Reset', /is given up; the run goes on from checkpoint \d+/);
  await page.locator('.timeline').getByText('reset', { exact: true }).waitFor();
  script.latencyMs = 20;
  await press('Stop');
  await confirm('Stop', /the run stops once the pages under way are done/);
  await chip('stopped').waitFor({ timeout: 60_000 });
  script.latencyMs = 0;
  await press('Resume');
  await confirm('Resume', /The run goes on where it stopped/);
  await chip('completed').waitFor({ timeout: 120_000 });
  expect(await page.locator('#head .actions .button').count()).toBe(0);
  await picture(page, 'live-completed');
  expect(problems).toEqual([]);
  await close();
}, 300_000);

it('says so when Temporal is away, and works without scripts', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  await loop.database.db.execute(sql`update runs set status = 'paused' where id = 'live'`);
  const lonely = await startSite(loop.database.db);
  const context = await browser.newContext({ javaScriptEnabled: false });
  const page = await context.newPage();
  await page.goto(`${lonely.url}/runs/live`);
  await page.getByRole('link', { name: 'Resume', exact: true }).click();
  await page.getByRole('button', { name: 'Resume', exact: true }).click();
  await page.getByText('Temporal does not answer').waitFor();
  await page.getByRole('button', { name: 'Close' }).click();
  await page.getByRole('heading', { name: 'live', level: 1 }).waitFor();
  await context.close();
  await lonely.close();
});
