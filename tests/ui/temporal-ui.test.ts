/** A run that is started, watched and steered in Temporal's own Web UI, in a browser. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runsLink, startLink } from '../../app/temporal.ts';
import { MESSAGES } from '../../loop/messages.ts';
import { SEARCH_ATTRIBUTE } from '../../workflows/names.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';
import { answerSum } from '../support/scripted-adder.ts';
import { judgeSum } from '../support/scripted-critic.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { startTemporalProcess, type TemporalProcess } from '../support/temporal-process.ts';
import { until } from '../support/wait.ts';
import { startWorkerProcess, type WorkerProcess } from '../support/worker-process.ts';
import { findChromium, launchChromium, NO_CHROMIUM, screenshots } from './browser.ts';
import {
  chooseColumns,
  detailsOf,
  offered,
  openTab,
  rowOf,
  send,
  sendRefused,
  sendSignal,
  startWorkflow,
  waitForDetails,
} from './temporal-pages.ts';

const program = findChromium();

let keyRevoked = false;

/** The built-in models' names, so that a run without any input finds them. */
const CRITIC = 'arithmetic-critic';
const script: Script = {
  baseModel: 'arithmetic',
  otherModels: [CRITIC],
  answer: (request) => (request.model === CRITIC ? '' : answerSum(request)),
  extra: (request) => (request.model === CRITIC ? judgeSum(request) : undefined),
  fault: () => (keyRevoked ? { status: 401, message: 'Incorrect API key provided' } : undefined),
  latencyMs: 0,
  jobMs: 200,
};
/** Gives a person time to react: a stage then takes ten seconds at least. */
const SLOWLY_MS = 1000;

const RUN = 'from-the-ui';
const folder = mkdtempSync(join(tmpdir(), 'ratchet-ui-'));
let ui: { temporalUi: string; namespace: string };
let temporal: TemporalProcess;
let endpoint: ScriptedEndpoint;
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let worker: WorkerProcess;
let browser: Browser;
let page: Page;

beforeAll(async () => {
  if (!program) return console.warn(`Skipped: ${NO_CHROMIUM}`);
  const [port, uiPort] = [await freePort(), await freePort()];
  ui = { temporalUi: `http://127.0.0.1:${uiPort}`, namespace: 'default' };
  [temporal, endpoint, database, browser] = await Promise.all([
    startTemporalProcess(join(folder, 'temporal.db'), port, uiPort),
    startScriptedEndpoint(script),
    createTestDatabase(),
    launchChromium(program),
  ]);
  worker = await startWorkerProcess({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    MODEL_BASE_URL: endpoint.url,
  });
  page = await browser.newPage({ viewport: { width: 1400, height: 1000 } });
}, 300_000);

afterAll(async () => {
  await browser?.close();
  await worker?.kill();
  await temporal?.stop();
  await database?.drop();
  await endpoint?.close();
  rmSync(folder, { recursive: true, force: true });
});

async function rows<T>(query: ReturnType<typeof sql>): Promise<T[]> {
  return (await database.db.execute(query)).rows as T[];
}

const samples = async () => (await rows<{ n: number }>(sql`select count(*)::int as n from samples`))[0]!.n;

/** The samples stored once none has come for a while. */
async function whenSilent(): Promise<number> {
  let last = -1;
  return until('silence', async () => {
    const before = last;
    last = await samples();
    if (before === last) return last;
    await new Promise((resolve) => setTimeout(resolve, 2.5 * SLOWLY_MS));
    return undefined;
  });
}

it('is started with empty input, progresses, and obeys pause, resume, resetCheckpoint and stop', async ({
  skip,
}) => {
  if (!program) return skip(NO_CHROMIUM);
  const picture = screenshots('temporal-ui');

  await startWorkflow(page, startLink(ui, RUN)!);
  await picture(page, 'started');
  await openTab(page, 'User Metadata');
  await waitForDetails(page, /arithmetic — (measuring the base|iterating 1 of 8)/);
  for (const kind of ['signal', 'update'] as const) {
    const texts = await offered(page, kind, () => picture(page, `${kind}s`));
    for (const [name, { help: description }] of Object.entries(MESSAGES))
      expect(texts.some((text) => text.startsWith(name) && text.includes(description))).toBe(true);
  }

  await waitForDetails(page, /iterating 1 of 8/);
  await until('some samples', async () => (await samples()) > 100);
  script.latencyMs = SLOWLY_MS;

  await sendSignal(page, 'pause');
  await waitForDetails(page, /paused: iterating 1 of 8\s+Send the signal resume/);
  await picture(page, 'paused');
  await until('the stored state', async () => {
    const [run] = await rows<{ status: string }>(sql`select status from runs where id = ${RUN}`);
    return run!.status === 'paused';
  });
  const stored = await whenSilent();
  const asked = endpoint.requests.length;

  await page.goto(runsLink(ui, `${SEARCH_ATTRIBUTE.stage}="paused"`)!);
  await page.getByRole('link', { name: RUN, exact: true }).click();
  await openTab(page, 'User Metadata');
  await waitForDetails(page, /paused: iterating 1 of 8/);
  expect(await samples()).toBe(stored);
  expect(endpoint.requests.length).toBe(asked);

  await sendRefused(page, 'pause', /the run is paused already/);
  await send(page, 'update', 'resume');
  await waitForDetails(page, /arithmetic — iterating 1 of 8[^]*resume\tupdate\titeration 1 goes on/);
  await sendSignal(page, 'pause');
  await waitForDetails(page, /paused: iterating 1 of 8/);
  await sendSignal(page, 'resume');
  await waitForDetails(page, /arithmetic — iterating 1 of 8/);
  await until('more samples', async () => (await samples()) > stored);
  script.latencyMs = 0;

  await waitForDetails(page, /iterating 2 of 8[^]*\n1\t4, 5\t\d+ of 320\t0\.\d\d\tpromote\t/);
  script.latencyMs = SLOWLY_MS;
  await picture(page, 'iterating');
  const [iterationPage] = await Promise.all([
    page.waitForEvent('popup'),
    detailsOf(page).getByRole('link', { name: 'iterating 2 of 8' }).click(),
  ]);
  await openTab(iterationPage, 'User Metadata');
  await waitForDetails(iterationPage, /collect\tdone\tprompts 320/);
  await picture(iterationPage, 'iteration');

  const [base] = await rows<{ id: number }>(sql`select id from checkpoints where kind = 'base'`);
  await sendSignal(page, 'resetCheckpoint', '{"to": "base"}');
  await waitForDetails(page, /\n2\t[^\n]*\tskip\t/);
  await waitForDetails(page, /iterating 3 of 8/);
  await waitForDetails(
    page,
    new RegExp(`iteration 2 is given up; the run goes on from checkpoint ${base!.id}`),
  );
  await picture(page, 'reset');
  await iterationPage.reload();
  await iterationPage.getByText('Canceled').first().waitFor();
  await iterationPage.close();
  const begun = await rows<{ checkpoint: number }>(
    sql`select checkpoint_id as checkpoint from iterations where run_id = ${RUN} order by index`,
  );
  // The second went on from what the first had trained.
  expect(begun.map(({ checkpoint }) => checkpoint === base!.id)).toEqual([true, false, true]);

  script.latencyMs = 0;
  await sendSignal(page, 'stop', '{"by": "ada"}');
  await waitForDetails(page, /arithmetic — stopped/);
  const [ended] = await rows(sql`select status, status_reason from runs where id = ${RUN}`);
  expect(ended).toEqual({ status: 'stopped', status_reason: 'stopped by ada' });
  await picture(page, 'stopped');

  const { task, stage, iteration, decision, targetAccuracy } = SEARCH_ATTRIBUTE;
  await page.goto(runsLink(ui)!.replace(/query=.*/, `query=${encodeURIComponent(`${task}="arithmetic"`)}`));
  await page.getByRole('link', { name: `${RUN}/iteration-1`, exact: true }).waitFor();
  await chooseColumns(
    page,
    [task, stage, iteration, decision, targetAccuracy],
    ['Run ID', 'Type', 'Start', 'End'],
  );
  await picture(page, 'list');
  const accuracy = (
    await rows<{ accuracy: number }>(
      sql`select (numbers->>'after')::float8 as accuracy from decisions where kind = 'promote'`,
    )
  )[0]!.accuracy;
  const first = await rowOf(page, `${RUN}/iteration-1`);
  expect(first.slice(-5)).toEqual(['arithmetic', 'decide', '1', 'promote', String(accuracy)]);
  expect((await rowOf(page, RUN)).slice(-5, -1)).toEqual(['arithmetic', 'stopped', '3', 'skip']);

  // The same id started again, as empty as before, goes on where it stopped.
  const before = await samples();
  await startWorkflow(page, startLink(ui, RUN)!);
  await openTab(page, 'User Metadata');
  await waitForDetails(page, /iterating [34] of 8[^]*\n2\t[^\n]*\tskip\t[^]*\n1\t4, 5\t/);
  expect(await samples()).toBeGreaterThanOrEqual(before);
  await sendSignal(page, 'stop', '{"by": "ada"}');
  await waitForDetails(page, /arithmetic — stopped/);
}, 400_000);

it('is found by its stage when it is parked, says why, and goes on when told to', async ({ skip }) => {
  if (!program) return skip(NO_CHROMIUM);
  script.latencyMs = 50;
  await startWorkflow(page, startLink(ui, 'parking')!);
  await openTab(page, 'User Metadata');
  await waitForDetails(page, /iterating 1 of 8/);
  keyRevoked = true;
  await page.goto(runsLink(ui, `${SEARCH_ATTRIBUTE.stage}="parked"`)!);
  const found = page.getByRole('link', { name: 'parking', exact: true });
  await until(
    'the parked run in the list',
    async () => {
      await page.reload();
      await page.getByRole('heading', { name: /^\d+ Workflow/ }).waitFor();
      return (await found.count()) > 0;
    },
    180_000,
  );
  await found.click();
  await openTab(page, 'User Metadata');
  await waitForDetails(page, /Waiting for you\s+iteration 1 failed: .*401 Incorrect API key provided/);

  keyRevoked = false;
  await sendSignal(page, 'retryIteration');
  await waitForDetails(page, /arithmetic — iterating 1 of 8/);
  await sendSignal(page, 'stop');
  await waitForDetails(page, /arithmetic — stopped[^]*trying again: iteration 1/);
}, 500_000);
