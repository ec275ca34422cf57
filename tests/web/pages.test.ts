/** Real runs, looked at when they are done and steered while they go: a scripted model and critic, real Temporal, a real browser. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sql } from 'drizzle-orm';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writePage } from '../../app/report/html/write.ts';
import { compact } from '../../process/text.ts';
import { findRun } from '../../db/queries/runs.ts';
import { useLoop } from '../support/loop.ts';
import { adder, answerSum } from '../support/scripted-adder.ts';
import { approveAll, judgeSum } from '../support/scripted-critic.ts';
import type { Script } from '../support/scripted-endpoint.ts';
import { until } from '../support/wait.ts';
import { findChromium, launchChromium, NO_CHROMIUM } from '../ui/browser.ts';
import { accessProblems, inspect, picture, startSite, visit, type Site } from './site.ts';

const program = findChromium();
const CRITIC = 'sums-critic';
let judge = judgeSum;
const script: Script = {
  ...adder,
  // The second fine-tuning undoes what the first one taught: its candidate is discarded.
  answer: (request) =>
    answerSum({ ...request, generation: request.generation === 2 ? 0 : request.generation }),
  otherModels: [CRITIC],
  extra: (request) => (request.model === CRITIC ? judge(request) : undefined),
};
const loop = useLoop(script);
const DONE = 'finished run/1';
const folder = mkdtempSync(join(tmpdir(), 'ratchet-pages-'));
let site: Site;
let browser: Browser;

/** With a critic, and bad samples planted among its work. */
const judged = () => ({
  gates: {},
  probes: {},
  models: {
    generator: { baseURL: loop.endpoint.url, model: script.baseModel },
    critic: { model: CRITIC },
  },
});

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  [site, browser] = await Promise.all([
    startSite(loop.database.db, { temporal: async () => loop.temporal.client }),
    launchChromium(program),
  ]);
  // Any change of form is an alarm here, and sets the run back: promoted, discarded, reset, promoted.
  await loop.improve(
    DONE,
    loop.small({
      ...judged(),
      iterations: 3,
      benchmark: { size: 'quick', majority: true },
      stagnation: { steps: [] },
      drift: { prompts: 12, maxCompressionRise: 0, patience: 1, steps: ['reset'] },
    }),
  );
}, 300_000);
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await browser?.close();
  await site?.close();
});

const one = async <T>(query: ReturnType<typeof sql>) => (await loop.rows<T>(query))[0]!;
const path = `/runs/${encodeURIComponent(DONE)}`;

type Mark = { kind: string; x: number; y?: number };
/** What is marked on the curve, as it was given to be drawn. */
const marksOf = (page: Page) =>
  page.evaluate<Mark[]>(
    `JSON.parse(document.querySelector('#curve [data-chart]').dataset.chart).marks.map(({ kind, x, y }) => ({ kind, x, y }))`,
  );
/** Pixels of the curve in a colour of the style sheet. */
const painted = (page: Page, colour: string) =>
  page.evaluate<number>(`(() => {
    const swatch = document.body.appendChild(document.createElement('i'));
    swatch.style.color = 'var(--${colour})';
    const [r, g, b] = getComputedStyle(swatch).color.match(/\\d+/g).map(Number);
    swatch.remove();
    const canvas = document.querySelector('#curve canvas');
    const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
    let count = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i] === r && data[i + 1] === g && data[i + 2] === b && data[i + 3] > 250) count += 1;
    return count;
  })()`);

it('shows a finished run from its curve down to a sample', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const { page, go, problems, close } = await visit(browser, site);
  await go('/');
  const entry = page.locator('.runs li').filter({ hasText: DONE });
  expect(await entry.locator('svg.spark').count()).toBe(1);
  const share = await one<{ accepted: number; tokens: number }>(sql`select
    (select count(distinct p.id)::float8 from examples e join prompts p on p.id = e.prompt_id where p.purpose = 'learn')
      / (select count(*) from prompts where purpose = 'learn') as accepted,
    (select sum(prompt_tokens + completion_tokens)::int from model_calls) as tokens`);
  const words = await entry.innerText();
  expect(words).toMatch(new RegExp(`accepted\\s+${(100 * share.accepted).toFixed(0)} %`));
  expect(words).toContain(`${compact(share.tokens)} tokens`);
  await page.getByRole('link', { name: new RegExp(`^${DONE}`) }).click();
  await page.getByRole('heading', { name: DONE, level: 1 }).waitFor();
  await page.locator('#curve .plot canvas').waitFor();
  // What the page says is what is stored.
  const counts = await one<{ samples: number; prompts: number }>(sql`select count(*)::int as samples,
    count(distinct p.id) filter (where p.purpose = 'learn')::int as prompts from samples s join prompts p on p.id = s.prompt_id
    where s.origin = 'model'`);
  const funnel = await page.locator('.funnel').innerText();
  expect(funnel).toMatch(new RegExp(`Prompts\\s+${counts.prompts}\\s`));
  expect(funnel).toMatch(new RegExp(`Samples\\s+${counts.samples.toLocaleString('en-US')}\\s`));
  const scored = await one<{
    rate: number;
  }>(sql`select (e.correct::float8 / e.total) as rate from evaluations e
    join checkpoints c on c.id = e.checkpoint_id where c.iteration_index = 0 and e.benchmark = 'target'`);
  const noted = await one<{ trusted: number; examples: number; trained: number }>(sql`select
    (select count(*)::int from votes where trusted) as trusted,
    (select count(*)::int from examples) as examples, (select count(*)::int from dataset_examples) as trained`);
  expect(funnel).toMatch(new RegExp(`Voted\\s+${noted.trusted}\\s`));
  expect(funnel).toMatch(new RegExp(`Gated\\s+${noted.examples}\\s`));
  expect(funnel).toMatch(new RegExp(`Trained\\s+${noted.trained}\\s`));

  const candidates = await loop.rows<{ x: number; kind: string; y: number }>(sql`select i.index as x, d.kind,
    (e.correct::float8 / e.total) as y from decisions d join iterations i on i.id = d.iteration_id
    join evaluations e on e.checkpoint_id = d.candidate_id and e.benchmark = 'target' order by 1`);
  expect(candidates.map(({ kind }) => kind)).toEqual(['promote', 'discard', 'promote']);
  expect(await marksOf(page)).toEqual([
    ...candidates.map(({ x, kind, y }) => ({ kind, x, y })),
    { kind: 'reset', x: 2.5 },
  ]);
  expect(await painted(page, 'warn')).toBeGreaterThan(50);
  for (const mark of ['promoted', 'discarded', 'reset'])
    expect(await page.locator('#curve .legend').innerText()).toContain(mark);
  const alarm = await one<{
    reason: string;
    index: number;
  }>(sql`select i.index, d.alarms -> 0 ->> 'reason' as reason
    from drift d join iterations i on i.id = d.iteration_id where jsonb_array_length(d.alarms) > 0 order by 1 limit 1`);
  expect(await page.locator('#drift').innerText()).toMatch(
    new RegExp(`compression\\s+iteration ${alarm.index}, fixed: ${alarm.reason.replaceAll('.', '\\.')}`),
  );
  for (const id of ['drift-agreement', 'drift-tokens', 'drift-distance', 'drift-top-answer', 'roi'])
    await page.locator(`.chart:has(#${id}) canvas`).waitFor();
  const reset = page.locator('.timeline li').filter({ hasText: 'by drift' });
  expect(await reset.innerText()).toContain('back to the last checkpoint without an alarm');

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
    where i.index = 1 and v.gate = 'agreement' and v.outcome = 'fail' and p.purpose = 'learn' and s.origin = 'model'`);
  // They may still be being counted when the page comes.
  await page.locator('.gates').waitFor();
  await page.getByText('12 of 12 planted samples caught, 90 % wanted').waitFor();
  const catches = await loop.rows<{ gate: string; rate: number }>(sql`select g ->> 'gate' as gate,
    sum((g ->> 'fail')::int)::float8 / sum((g ->> 'fail')::int + (g ->> 'pass')::int + (g ->> 'unscored')::int) as rate
    from audits a join iterations i on i.id = a.iteration_id, jsonb_array_elements(a.kinds) k, jsonb_array_elements(k -> 'gates') g
    where i.index = 1 group by 1`);
  expect(catches.length).toBeGreaterThan(5);
  for (const { gate, rate } of catches)
    expect(
      await page
        .locator('.gates tr')
        .filter({ has: page.locator('th', { hasText: gate }) })
        .locator('td')
        .nth(4)
        .innerText(),
      gate,
    ).toBe(`${(100 * rate).toFixed(0)} %`);
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
    join iterations i on i.id = p.iteration_id where i.index = 1 and s.origin = 'model'`);
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
    join prompts p on p.id = s.prompt_id where p.id = (select prompt_id from samples where id = ${trained.id}) and s.origin = 'model'`);
  expect(await page.locator('.asks').innerText()).toContain(prompt.text);
  expect(await page.locator('.sample-grid article').count()).toBe(prompt.k);
  expect(await page.locator('.sample-grid mark').count()).toBeGreaterThan(0);
  expect(await page.locator('main').innerText()).toMatch(new RegExp(`place ${trained.position + 1}\\b`));
  expect(await page.locator('.verdicts').innerText()).toMatch(/agreement\s+pass\s+agreement \d\.\d\d ≥/);
  const said = await one<{ reason: string }>(
    sql`select reason from critiques where sample_id = ${trained.id}`,
  );
  expect(await page.locator('.said').first().innerText()).toContain(said.reason);
  expect(problems).toEqual([]);
  await close();
}, 180_000);

it('reports a finished run with its marks, alarms and planted samples on one page', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  const file = await writePage(loop.database.db, DONE, join(folder, 'report.html'));
  const page = await browser.newPage();
  const problems: string[] = [];
  page.on('console', (message) => problems.push(message.text()));
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(pathToFileURL(file).href);
  const curve = page.locator('svg.curve');
  for (const [mark, count] of [
    ['circle.promoted', 2],
    ['circle.discarded', 1],
    ['line.reset', 1],
    ['line.majority', 1],
  ] as const)
    expect(await curve.locator(mark).count(), mark).toBe(count);
  // A discarded candidate leaves the best where it was; only the reset goes back to the base.
  const [start, first, second, back, third] = (await curve.locator('polyline.target').getAttribute('points'))!
    .split(' ')
    .map((point) => point.split(',')[1]);
  expect([second, back, third]).toEqual([first, start, first]);
  expect(first).not.toBe(start);
  // Between the second iteration and the third.
  const x = async (mark: string, i: number, name: string) =>
    Number(await curve.locator(mark).nth(i).getAttribute(name));
  const places = [await x('circle', 1, 'cx'), await x('line.reset', 0, 'x1'), await x('circle', 2, 'cx')];
  expect(places).toEqual(places.toSorted((a, b) => a - b));
  const alarm = await one<{ reason: string }>(
    sql`select alarms -> 0 ->> 'reason' as reason from drift where jsonb_array_length(alarms) > 0 limit 1`,
  );
  expect(await page.locator('#drift').innerText()).toContain(`Iteration 2: ${alarm.reason}`);
  expect(await page.locator('#timeline').innerText()).toMatch(/reset\s+drift, from iteration 3/);
  // Two of a kind in each of three iterations.
  expect(await page.locator('#probes').innerText()).toMatch(/wrong-answer\s+6 of 6\s+100\.0 %/);
  await picture(page, 'report-real');
  expect(await accessProblems(page)).toEqual([]);
  expect(problems).toEqual([]);
  await page.close();
});

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
    await dialog.getByRole('link', { name: 'Close' }).click();
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

it('tells why a run waits, skips the iteration, and retries once the critic is mended', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  judge = approveAll;
  await loop.start('fooled', loop.small({ ...judged(), iterations: 2 }));
  await until('the run', async () => findRun(loop.database.db, 'fooled'));
  const { page, go, problems, close } = await visit(browser, site);
  await go('/runs/fooled');
  const chip = (status: string) => page.locator('#head .chip').filter({ hasText: status });
  const dialog = page.getByRole('dialog');
  const tell = async (button: string, answer: RegExp) => {
    await page.locator('#head').getByRole('link', { name: button, exact: true }).click();
    await dialog.getByRole('button', { name: button, exact: true }).click();
    await dialog.getByRole('status').getByText(answer).waitFor();
    await dialog.getByRole('link', { name: 'Close' }).click();
  };
  const banner = page.locator('#head .banner.bad');
  await chip('parked').waitFor({ timeout: 180_000 });
  await banner.getByText('the gates caught 8 of 12 planted bad samples, 66.7 % < 90 %').waitFor();
  await picture(page, 'live-parked');
  expect(await accessProblems(page)).toEqual([]);
  await tell('Skip iteration', /iteration 1 is given up/);
  await page.locator('#iterations').getByText('given up').waitFor();
  await banner.getByText('iteration 2 failed').waitFor({ timeout: 180_000 });
  const [caught] = /\d+ of \d+(?= planted)/.exec(await banner.innerText())!;
  await go('/runs/fooled/iterations/2');
  await page.getByText(`${caught} planted samples caught, 90 % wanted`).waitFor();
  await page.getByText('The verdicts were set aside').waitFor();
  expect(await page.locator('#stages .chip').filter({ hasText: 'failed' }).count()).toBeGreaterThan(0);
  await picture(page, 'live-audit-failed');

  judge = judgeSum;
  await go('/runs/fooled');
  await tell('Retry', /./);
  await chip('completed').waitFor({ timeout: 180_000 });
  await page.locator('#iterations').getByText('promoted').waitFor();
  expect(await banner.count()).toBe(0);
  expect(problems).toEqual([]);
  await close();
}, 600_000);

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
  await page.getByRole('link', { name: 'Close' }).click();
  await page.getByRole('heading', { name: 'live', level: 1 }).waitFor();
  await context.close();
  await lonely.close();
});
