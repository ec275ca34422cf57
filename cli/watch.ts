/** Follows a run until it ends or the watcher has seen enough; the run does not depend on being watched. */
import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import type { Client } from '@temporalio/client';
import type { Db } from '../db/connect.ts';
import { errorMessage } from '../process/errors.ts';
import { createLiveRegion, type Output } from './live-region.ts';
import { readProgress, type Progress } from '../app/runs/progress.ts';
import { failingAttempts, failingLine } from '../app/runs/failing.ts';
import { buildReport } from '../app/report/report.ts';
import { workersPolling, workflowState } from '../app/temporal.ts';
import { waitingForReview } from '../workflows/view.ts';
import { plain, wrap } from '../process/text.ts';
import {
  COLUMNS,
  createRates,
  iterationLine,
  progressBlock,
  progressLine,
  stageDoneLine,
} from './watch-lines.ts';

export type WatchEnd =
  | { end: 'completed' | 'stopped'; reason?: string }
  | { end: 'failed'; reason: string }
  /** It waits for an operator, and the watcher was told not to wait with it. */
  | { end: 'parked'; reason: string }
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
  /** Ends the watch when the run is parked. */
  exitWhenParked?: boolean;
};

const workflowEveryMs = 2_000;
/** A database that restarts is waited for; one that stays away is an error. */
const databasePatienceMs = 60_000;

export const watchRun = (options: WatchOptions): Promise<WatchEnd> => new Watch(options).untilItEnds();

class Watch {
  private readonly options: WatchOptions;
  private readonly c: ReturnType<typeof pc.createColors>;
  private readonly region: ReturnType<typeof createLiveRegion>;
  private readonly rates = createRates();
  private readonly plainEveryMs: number;
  /** Iterations whose line is out, and stages, as `2/generate`. */
  private readonly reported = new Set<number>();
  private readonly stagesDone = new Set<string>();
  /** By activity: attempts that were told of. */
  private readonly told = new Map<string, number>();
  private first = true;
  private note = '';
  private saidNote = '';
  private nextPlain: number;
  private lastPlain: string | undefined;
  private notedFailure = '';
  private modelSaid = false;

  constructor(options: WatchOptions) {
    this.options = options;
    this.c = pc.createColors(options.color);
    this.region = createLiveRegion(options.out);
    this.plainEveryMs = options.plainEveryMs ?? 15_000;
    this.nextPlain = Date.now() + this.plainEveryMs;
  }

  async untilItEnds(): Promise<WatchEnd> {
    const { signal, pollMs = 500, exitWhenParked = false } = this.options;
    let silentSince: number | undefined;
    let nextWorkflow = 0;
    try {
      while (!signal.aborted) {
        try {
          const progress = await this.show();
          silentSince = undefined;
          if (exitWhenParked && progress?.run.status === 'parked') return parkedEnd(progress);
          if (Date.now() >= nextWorkflow) {
            nextWorkflow = Date.now() + workflowEveryMs;
            const end = await this.askTemporal(progress);
            if (end) return end;
          }
        } catch (error) {
          silentSince ??= Date.now();
          if (this.first || Date.now() - silentSince > databasePatienceMs) throw error;
          this.region.draw([this.c.yellow(`${plain(errorMessage(error))} Trying again …`)]);
        }
        await sleep(pollMs, undefined, { signal }).catch(() => {});
      }
      return { end: 'detached' };
    } finally {
      this.region.clear();
    }
  }

  private async printFinished(progress: Progress): Promise<void> {
    const fresh = progress.finished.filter((index) => !this.reported.has(index));
    if (fresh.length === 0) return;
    const report = await buildReport(this.options.db, this.options.runId, { truth: false });
    for (const one of report.iterations.filter((row) => fresh.includes(row.iteration))) {
      this.region.print(iterationLine(one, this.c));
      this.reported.add(one.iteration);
    }
  }

  /** On a pipe: each stage as it is done, and now and then where the running one stands. */
  private printPlain(progress: Progress): void {
    const { iteration } = progress;
    const now = Date.now();
    if (iteration && !iteration.finished) {
      for (const stage of progress.stages.filter((one) => one.status === 'done')) {
        const key = `${iteration.index}/${stage.name}`;
        if (this.stagesDone.has(key)) continue;
        this.stagesDone.add(key);
        if (!this.first) {
          this.region.print(stageDoneLine(iteration.index, stage));
          this.nextPlain = now + this.plainEveryMs;
        }
      }
    }
    const line = progressLine(progress, this.rates);
    const failure = line && / failed: /.test(line) ? line : '';
    // While it waits for somebody nothing moves: a line that comes again and again reads like news.
    const stands = this.note !== '' && line === this.lastPlain;
    if (failure && failure !== this.notedFailure) this.region.print(failure);
    else if (line && now >= this.nextPlain && !stands) this.region.print(line);
    else if (now < this.nextPlain) return;
    this.notedFailure = failure;
    this.lastPlain = line;
    this.nextPlain = now + this.plainEveryMs;
  }

  /** On a pipe: what the run waits for, at once and once, whatever else there is to say. */
  private sayNote(): void {
    if (this.note !== '' && this.note !== this.saidNote) this.region.print(this.note);
    this.saidNote = this.note;
  }

  /** The only model of the endpoint was taken: it must be seen which. */
  private sayModel({ run }: Progress): void {
    this.modelSaid = true;
    const { model, baseURL } = run.settings.models.generator;
    if (this.options.findsModel && model !== undefined)
      this.region.print(
        `Model ${plain(model)}: the only one that ${plain(baseURL ?? 'the endpoint')} serves`,
      );
  }

  private async show(): Promise<Progress | undefined> {
    const { db, runId, out } = this.options;
    const progress = await readProgress(db, runId);
    if (!out.isTTY) this.sayNote();
    // The terminal cuts long lines, and a note's end says what to do.
    const columns = out.columns ?? COLUMNS;
    const notes = this.note ? wrap(this.note, columns).map((line) => this.c.yellow(line)) : [];
    if (progress) {
      if (!this.modelSaid) this.sayModel(progress);
      await this.printFinished(progress);
      if (!out.isTTY) this.printPlain(progress);
      this.region.draw([...progressBlock(progress, this.rates, this.c, new Date(), columns), ...notes]);
    } else this.region.draw([this.c.dim('waiting for a worker to take up the run …'), ...notes]);
    this.first = false;
    return progress;
  }

  /** On a pipe one line for each attempt more that failed; the worst as a note for a terminal. */
  private async tellFailing(temporal: Client, progress: Progress | undefined): Promise<string> {
    const { runId, out } = this.options;
    const { iteration } = progress ?? {};
    const under = iteration && !iteration.finished ? iteration.index : undefined;
    const failing = await failingAttempts(temporal, runId, under).catch(() => []);
    for (const one of failing) {
      if ((this.told.get(one.activity) ?? 0) >= one.failed) continue;
      if (!out.isTTY) this.region.print(failingLine(one));
    }
    this.told.clear();
    for (const { activity, failed } of failing) this.told.set(activity, failed);
    const [worst] = failing;
    return worst && out.isTTY ? failingLine(worst) : '';
  }

  private async askTemporal(progress: Progress | undefined): Promise<WatchEnd | undefined> {
    const { client, runId } = this.options;
    if (!client) {
      this.note = waitingNote(progress);
      return progress && hasEnded(progress) ? endOf(progress) : undefined;
    }
    const workflow = await workflowState(client, runId);
    if (workflow.state === 'open') {
      const stalled = (await workersPolling(client)) === false;
      this.note = stalled
        ? 'No worker is running: nothing will happen before one is. Start it with: ratchet up'
        : waitingNote(progress) || (await this.tellFailing(client, progress));
      return undefined;
    }
    if (workflow.state === 'absent') {
      if (!progress) return failed(`There is no run "${runId}". See the runs there are with: ratchet list`);
      if (hasEnded(progress)) return endOf(progress);
      return failed(
        'its workflow is not in Temporal; starting the run again under the same --id continues it',
      );
    }
    // What the workflow stored last may have come after our last look.
    const last = await this.show();
    if (workflow.status === 'FAILED')
      return failed(workflow.failure ?? last?.run.statusReason ?? 'no reason given');
    if (workflow.status !== 'COMPLETED')
      return failed(`the workflow was ${workflow.status.toLowerCase().replaceAll('_', ' ')}`);
    return last ? endOf(last) : { end: 'completed' };
  }
}

const failed = (reason: string): WatchEnd => ({ end: 'failed', reason });

const parkedEnd = ({ run }: Progress): WatchEnd => ({ end: 'parked', reason: run.statusReason ?? '' });

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
  if (run.status === 'failed') return failed(reason ?? 'no reason was stored');
  return { end: run.status === 'stopped' ? 'stopped' : 'completed', reason };
}
