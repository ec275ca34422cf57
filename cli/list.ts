/** `list`: the runs there are, newest first. */
import pc from 'picocolors';
import type { Client } from '@temporalio/client';
import type { Db } from '../db/connect.ts';
import { allRuns } from '../db/queries/runs.ts';
import { change } from '../app/report/wording.ts';
import type { ScheduledAs, Score } from '../app/report/types.ts';
import { outcomes, scheduledAs } from '../app/report/report.ts';
import { workflowState } from '../app/temporal.ts';
import { cut, plain, table } from '../process/text.ts';

export type ListedRun = {
  run: string;
  task: string;
  experiment: string;
  status: string;
  iterations: { done: number; planned: number };
  /** The stage of its curriculum of targets, where it has one and has begun. */
  stage: { number: number; of: number; target: string } | null;
  base: Score | null;
  best: Score | null;
  startedAt: string;
  schedule: ScheduledAs | null;
  /** It did not end by itself and goes on when it is told to: its workflow was terminated, or is not there. */
  broken?: true;
};

const UNDER_WAY = new Set(['running', 'paused', 'parked']);

/** What became of runs that could not write it down themselves, since their workflow was ended from outside. */
export async function withWorkflows(client: Client, runs: ListedRun[]): Promise<ListedRun[]> {
  return Promise.all(
    runs.map(async (run) => {
      if (!UNDER_WAY.has(run.status)) return run;
      const workflow = await workflowState(client, run.run);
      if (workflow.state === 'open') return run;
      const status =
        workflow.state === 'absent' ? 'not in Temporal' : workflow.status.toLowerCase().replaceAll('_', ' ');
      return { ...run, status, broken: true as const };
    }),
  );
}

export async function listRuns(db: Db): Promise<ListedRun[]> {
  return (await outcomes(db, await allRuns(db))).map(({ run, iterations, stage, base, best }) => ({
    run: run.id,
    task: run.task,
    experiment: run.settings.experiment,
    status: run.status,
    iterations: { done: iterations, planned: run.settings.iterations },
    stage,
    base,
    best,
    startedAt: run.createdAt.toISOString(),
    schedule: scheduledAs(run),
  }));
}

export function renderList(runs: ListedRun[], color: boolean): string {
  const c = pc.createColors(color);
  if (runs.length === 0) return 'There are no runs yet. Start one with: ratchet run arithmetic';
  const scheduled = runs.some((run) => run.schedule);
  const staged = runs.some((run) => run.stage);
  const local = (iso: string) => new Date(iso).toLocaleString('sv-SE').slice(0, 16);
  const [title, ...lines] = table(
    [
      { title: 'run' },
      { title: 'task' },
      { title: 'status' },
      { title: 'iterations', align: 'right' },
      ...(staged ? [{ title: 'stage' }] : []),
      { title: 'target', align: 'right' },
      { title: 'started' },
      ...(scheduled ? [{ title: 'schedule' }] : []),
    ],
    runs.map((run) => [
      cut(plain(run.run), 36),
      cut(plain(run.task), 16) + (run.experiment === 'none' ? '' : ` (${run.experiment})`),
      run.status,
      `${run.iterations.done}/${run.iterations.planned}`,
      ...(staged
        ? [run.stage ? `${run.stage.number}/${run.stage.of} ${cut(plain(run.stage.target), 16)}` : '']
        : []),
      change(run.base, run.best),
      local(run.startedAt),
      run.schedule ? `${cut(plain(run.schedule.id), 24)} ${run.schedule.week}` : '',
    ]),
  );
  const notes = runs
    .filter((run) => run.broken)
    .map((run) =>
      c.yellow(`${plain(run.run)} is not under way. Go on with: ratchet resume ${plain(run.run)}`),
    );
  return [c.dim(title!), ...lines, ...(notes.length > 0 ? ['', ...notes] : [])].join('\n');
}
