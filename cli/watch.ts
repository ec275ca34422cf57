/** Follows a run until it ends or the watcher has seen enough; the run does not depend on being watched. */
import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import type { Client } from '@temporalio/client';
import type { Db } from '../db/connect.ts';
import { errorMessage } from './errors.ts';
import { createLiveRegion, type Output } from './live-region.ts';
import { readProgress, type Progress } from './progress.ts';
import { buildReport } from './report.ts';
import { workersPolling, workflowState } from './temporal.ts';
import { waitingForReview } from '../workflows/view.ts';
import { plain } from './text.ts';
import { createRates, iterationLine, progressBlock, progressLine, stageDoneLine } from './watch-lines.ts';

export type WatchEnd =
  | { end: 'completed' | 'stopped'; reason?: string }
  | { end: 'failed'; reason: string }
  /** The signal was given: the run goes on. */
  | { end: 'detached' };

export type WatchOptions = {
  db: Db;
  /** Without Temporal the database alone says how the run goes. */
  client?: Client;
  runId: string;
  out: Output;
  color: boolean;
  signal: AbortSignal;
  pollMs?: number;
  /** How often a pipe gets a line on the work in progress. */
  plainEveryMs?: number;
  /** Nobody named a model: which one was found is said. */
  findsModel?: boolean;
};

const workflowEveryMs = 2_000;
/** A database that restarts is waited for; one that stays away is an error. */
const databasePatienceMs = 60_000;

export async function watchRun(options: WatchOptions): Promise<WatchEnd> {
  const { db, client, runId, out, color, signal, pollMs = 500, plainEveryMs = 15_000 } = options;
  const { findsModel = false } = options;
  const c = pc.createColors(color);
  const region = createLiveRegion(out);
  const rates = createRates();
  const reported = new Set<number>();
  const stagesDone = new Set<string>();
  let first = true;
  let note = '';
  let silentSince: number | undefined;
  let nextPlain = Date.now() + plainEveryMs;
  let nextWorkflow = 0;
  let modelSaid = false;
  let notedFailure = '';
  let lastPlain: string | undefined;

  async function printFinished(progress: Progress): Promise<void> {
    const fresh = progress.finished.filter((index) => !reported.has(index));
    if (fresh.length === 0) return;
    const report = await buildReport(db, runId, { truth: false });
    for (const one of report.iterations.filter((row) => fresh.includes(row.iteration))) {
      region.print(iterationLine(one, c));
      reported.add(one.iteration);
    }
  }

  /** On a pipe: each stage as it is done, and now and then where the running one stands. */
  function printPlain(progress: Progress): void {
    const { iteration } = progress;
    const now = Date.now();
    if (iteration && !iteration.finished) {
      for (const stage of progress.stages.filter((one) => one.status === 'done')) {
        const key = `${iteration.index}/${stage.name}`;
        if (stagesDone.has(key)) continue;
        stagesDone.add(key);
        if (!first) {
          region.print(stageDoneLine(iteration.index, stage));
          nextPlain = now + plainEveryMs;
        }
      }
    }
    const line = progressLine(progress, rates);
    const failure = line && / failed: /.test(line) ? line : '';
    const whole = line && note ? `${line}  (${note})` : line;
    // What waits for somebody is said once: a line that comes again and again reads like news.
    const waits = note !== '' && whole === lastPlain;
    if (failure && failure !== notedFailure) region.print(failure);
    else if (whole && now >= nextPlain && !waits) region.print(whole);
    else if (now < nextPlain) return;
    notedFailure = failure;
    lastPlain = whole;
    nextPlain = now + plainEveryMs;
  }

  /** The only model of the endpoint was taken: it must be seen which. */
  function sayModel({ run }: Progress): void {
    modelSaid = true;
    const { model, baseURL } = run.settings.models.generator;
    if (findsModel && model !== undefined)
      region.print(`Model ${plain(model)}: the only one that ${plain(baseURL ?? 'the endpoint')} serves`);
  }

  async function show(): Promise<Progress | undefined> {
    const progress = await readProgress(db, runId);
    if (progress) {
      if (!modelSaid) sayModel(progress);
      await printFinished(progress);
      if (!out.isTTY) printPlain(progress);
      region.draw([...progressBlock(progress, rates, c), ...(note ? [c.yellow(note)] : [])]);
    } else
      region.draw([c.dim('waiting for a worker to take up the run …'), ...(note ? [c.yellow(note)] : [])]);
    first = false;
    return progress;
  }

  async function askTemporal(progress: Progress | undefined): Promise<WatchEnd | undefined> {
    if (!client) return progress && hasEnded(progress) ? endOf(progress) : undefined;
    const workflow = await workflowState(client, runId);
    if (workflow.state === 'open') {
      const stalled = (await workersPolling(client)) === false;
      note = stalled
        ? 'No worker is running: nothing will happen before one is. Start it with: ratchet up'
        : waitingNote(progress);
      return undefined;
    }
    if (workflow.state === 'absent') {
      if (!progress)
        return {
          end: 'failed',
          reason: `There is no run "${runId}". See the runs there are with: ratchet list`,
        };
      if (hasEnded(progress)) return endOf(progress);
      return {
        end: 'failed',
        reason: 'its workflow is not in Temporal; starting the run again under the same --id continues it',
      };
    }
    // What the workflow stored last may have come after our last look.
    const last = await show();
    if (workflow.status === 'FAILED')
      return { end: 'failed', reason: workflow.failure ?? last?.run.statusReason ?? 'no reason given' };
    if (workflow.status !== 'COMPLETED')
      return {
        end: 'failed',
        reason: `the workflow was ${workflow.status.toLowerCase().replaceAll('_', ' ')}`,
      };
    return last ? endOf(last) : { end: 'completed' };
  }

  try {
    while (!signal.aborted) {
      try {
        const progress = await show();
        silentSince = undefined;
        if (Date.now() >= nextWorkflow) {
          nextWorkflow = Date.now() + workflowEveryMs;
          const end = await askTemporal(progress);
          if (end) return end;
        }
      } catch (error) {
        silentSince ??= Date.now();
        if (first || Date.now() - silentSince > databasePatienceMs) throw error;
        region.draw([c.yellow(`${plain(errorMessage(error))} Trying again …`)]);
      }
      await sleep(pollMs, undefined, { signal }).catch(() => {});
    }
    return { end: 'detached' };
  } finally {
    region.clear();
  }
}

function hasEnded({ run }: Progress): boolean {
  return run.status === 'completed' || run.status === 'failed' || run.status === 'stopped';
}

/** What a run that waits for an operator waits for. */
function waitingNote(progress: Progress | undefined): string {
  const run = progress?.run;
  if (run?.status === 'parked')
    return `Parked: ${plain(run.statusReason ?? '')} Try again with: ratchet retry ${run.id}`;
  if (run?.status === 'paused') return `Paused. Go on with: ratchet resume ${run.id}`;
  const waiting = progress?.reviewsWaiting ?? 0;
  const adapting = progress?.stages.some((one) => one.name === 'adapt' && one.status !== 'pending');
  return run && waiting > 0 && !adapting ? waitingForReview(waiting, run.id) : '';
}

function endOf({ run }: Progress): WatchEnd {
  const reason = run.statusReason ?? undefined;
  if (run.status === 'failed') return { end: 'failed', reason: reason ?? 'no reason was stored' };
  return { end: run.status === 'stopped' ? 'stopped' : 'completed', reason };
}
