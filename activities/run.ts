import { activityInfo, ApplicationFailure } from '@temporalio/activity';
import { NotFoundError } from 'openai';
import { addCalls } from '../db/calls.ts';
import { historyRows, recentRows, type HistoryRow } from '../db/history.ts';
import { addCheckpoint, baseAndBest, createRun, findCheckpoint, findRun, setRunStatus } from '../db/runs.ts';
import type { Checkpoint, NewBenchmarkItem } from '../db/runs.ts';
import { majorityCounts } from '../db/majority.ts';
import type { RunStatus } from '../db/schema.ts';
import { improveInputSchema, type ImproveInput, type ImproveSettings } from '../loop/input.ts';
import { createLeakIndex } from '../loop/leaks.ts';
import { layered } from '../loop/presets.ts';
import { EndpointError } from '../models/endpoint.ts';
import { FAILURE } from '../models/errors.ts';
import { InvalidInputError } from '../tasks/errors.ts';
import { exampleProblems } from '../tasks/examples.ts';
import { loadTask, resolveTask } from '../tasks/index.ts';
import type { Task } from '../tasks/task.ts';
import { callAll, ledgerChat } from './calls.ts';
import { endpointOf, taskOf, type Deps, readRun } from './context.ts';
import { askedOf } from './critic.ts';
import { regressionItems } from './feedback.ts';
import { nameModels } from './named-models.ts';
import { refuseOverlap } from './overlap.ts';
import { servedCheckpoint } from './serving.ts';
import { codeVersion } from './version.ts';

/** What `improve` needs of the stored run: small, since it crosses into workflow history. */
export type PreparedRun = {
  runId: string;
  task: string;
  title: string;
  iterations: number;
  pagesInFlight: number;
  promptsPerPage: number;
  /** Iterations that are decided already, newest last, at most HISTORY_ROWS of them. */
  history: HistoryRow[];
  nextIteration: number;
  /** Target items of which the starting model's majority is to be measured; 0: it is, or is not asked for. */
  majorityItems?: number;
};

/** What a run answers at its end. Accuracies on target, 0…1. */
export type RunOutcome = {
  runId: string;
  status: RunStatus;
  iterations: number;
  promoted: number;
  targetBefore?: number;
  targetAfter?: number;
  /** Why it ended before its last iteration. */
  reason?: string;
};

const HISTORY_ROWS = 12;

/** The Temporal Schedule that started a run, and the ISO time for which it was due, whenever it began. */
export type ScheduledStart = {
  id: string;
  scheduledFor: string;
  /** IANA zone of the schedule's calendar. */
  timeZone?: string;
};

function invalidInput(problems: string[]): ApplicationFailure {
  return ApplicationFailure.nonRetryable(problems.join('\n'), FAILURE.invalidInput, { problems });
}

function parse(input: unknown): ImproveSettings {
  const parsed = improveInputSchema.safeParse(input ?? {});
  if (parsed.success) return parsed.data;
  throw invalidInput(
    parsed.error.issues.map((issue) => `${issue.path.join('.') || 'input'}: ${issue.message}`),
  );
}

/** Reads all held-out problems of a task, refusing one that stands in two benchmarks. */
export async function heldOut(task: Task): Promise<NewBenchmarkItem[]> {
  const items: NewBenchmarkItem[] = [];
  const seen = new Map<string, string>();
  const problems: string[] = [];
  for (const benchmark of task.benchmarks) {
    let position = 0;
    for await (const item of benchmark.items()) {
      const earlier = seen.get(item.key);
      if (earlier) problems.push(`benchmark ${benchmark.name}: "${item.key}" stands in ${earlier} already`);
      seen.set(item.key, benchmark.name);
      items.push({ ...item, benchmark: benchmark.name, role: benchmark.role, position: position++ });
    }
    if (position === 0) problems.push(`benchmark ${benchmark.name} has no items`);
  }
  if (!task.benchmarks.some((b) => b.role === 'target'))
    problems.push('the task has no benchmark with the role target');
  if (problems.length > 0) throw invalidInput(problems.slice(0, 20));
  return items;
}

/** A gate that can never pass would end every iteration with nothing: better said before any work is begun. */
export function refuseContradictions(
  { gates, preset, experiment, pool, promptsFile }: ImproveSettings,
  task: Task,
): void {
  const { agreement, policy } = gates;
  const problems: string[] = [];
  if (promptsFile !== undefined && pool.stored === 'only')
    problems.push('promptsFile: pool.stored is only, so no file of prompts is read: give one of the two');
  if (agreement.min > agreement.max) {
    problems.push(`gates.agreement: min ${agreement.min} must not be more than max ${agreement.max}`);
  }
  if (policy.verification === 'required' && !task.verify && experiment !== 'ungated') {
    const whose = preset === 'rest-em' ? ' (as the preset rest-em asks)' : '';
    problems.push(
      `gates.policy.verification: is required${whose}, but the task ${task.name} can verify nothing; ` +
        'a task file can have verify: { equations: true }',
    );
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
}

function adapterGone(origin: Checkpoint, baseURL: string): ApplicationFailure {
  const path = origin.path ? ` (its files: ${origin.path})` : '';
  return ApplicationFailure.nonRetryable(
    `${baseURL} no longer serves the adapter ${origin.model} of run ${origin.runId}, which the task serves and this run ` +
      `starts from (start: promoted). Serve it there again under that name${path}, or begin at the base with start: base.`,
    FAILURE.modelUnavailable,
  );
}

export function createRunActivities({ db }: Deps) {
  return {
    /**
     * Resolves the input and stores the run with its held-out problems, or finds the run that this
     * workflow id has begun before and goes on with what was stored then.
     *
     * @throws InvalidInput naming every bad field
     */
    async prepareRun(input: ImproveInput | undefined, schedule?: ScheduledStart): Promise<PreparedRun> {
      const runId = activityInfo().workflowExecution!.workflowId;
      const existing = await findRun(db, runId);
      if (existing?.status === 'completed') {
        throw invalidInput([
          `run ${runId} is completed and its final benchmark has been read; start another one under a new workflow id`,
        ]);
      }
      if (!existing) {
        const asked = parse(input);
        try {
          const taskSpec = await resolveTask(asked.task, {
            promptsFile: asked.promptsFile,
            quick: asked.benchmark.size === 'quick',
          });
          await refuseOverlap(taskSpec);
          const task = loadTask(taskSpec);
          const asIs = parse(layered(task.suggested, input));
          refuseContradictions(asIs, task);
          const settings = await nameModels(asIs, task);
          const items = await heldOut(task);
          const index = createLeakIndex(items, settings.leaks.similarity);
          const shown = exampleProblems(task, (prompt) => index.find(prompt)?.heldOut.benchmark);
          if (shown.length > 0) throw new InvalidInputError(shown);
          if (settings.benchmark.regressions) items.push(...(await regressionItems(db, task, items)));
          // A missing endpoint or key is the user's to mend, and better named before anything is begun.
          for (const role of ['generator', 'critic', 'trainer'] as const) endpointOf(role, settings, task);
          for (const { endpoint } of askedOf({ settings, task })) endpoint();
          await createRun(
            db,
            {
              id: runId,
              task: task.name,
              taskSpec,
              settings,
              codeVersion: codeVersion(),
              scheduleId: schedule?.id,
              scheduledFor: schedule && new Date(schedule.scheduledFor),
              scheduleTimeZone: schedule?.timeZone,
            },
            items,
          );
        } catch (error) {
          if (error instanceof InvalidInputError) throw invalidInput(error.problems);
          if (error instanceof EndpointError) throw invalidInput([error.message]);
          throw error;
        }
      } else if (existing.status !== 'running') {
        await setRunStatus(db, runId, 'running');
      }
      const run = await readRun(db, runId);
      const task = taskOf(run);
      const history = await recentRows(db, runId, HISTORY_ROWS);
      const majority = await majorityCounts(db, runId);
      const measures = run.settings.benchmark.majority && majority.voted < majority.items;
      return {
        runId,
        majorityItems: measures ? majority.items : 0,
        task: run.task,
        title: task.title,
        iterations: run.settings.iterations,
        pagesInFlight: run.settings.paging.pagesInFlight,
        promptsPerPage: run.settings.paging.promptsPerPage,
        history: history.slice(-HISTORY_ROWS),
        nextIteration: (history.at(-1)?.index ?? 0) + 1,
      };
    },

    /**
     * Asks the starting model for one token and stores it as the run's first checkpoint with its
     * fingerprint: proof that the endpoint answers before any work is begun. With `start: promoted` that is
     * the adapter that the task serves, and the lineage goes on from there.
     *
     * @throws ModelUnavailable, not retried, when the endpoint no longer serves that adapter
     */
    async identifyBase({ runId }: { runId: string }): Promise<{ checkpointId: number }> {
      const known = await findCheckpoint(db, runId, 0);
      if (known) return { checkpointId: known.id };
      const run = await readRun(db, runId);
      const task = taskOf(run);
      const asked = endpointOf('generator', run.settings, task);
      const served =
        run.settings.start === 'promoted'
          ? await servedCheckpoint(db, run.task, { baseModel: asked.model })
          : undefined;
      // A task that was rolled back to its base begins there, as one that never promoted anything.
      const origin = served?.kind === 'adapter' ? served : undefined;
      const endpoint = origin ? { ...asked, model: origin.model } : asked;
      let fingerprint: string | undefined;
      const asking = callAll([0], {
        endpoint,
        concurrency: 1,
        what: `asking ${endpoint.model} at ${endpoint.baseURL}`,
        call: (_, signal) =>
          ledgerChat(
            db,
            endpoint,
            { messages: task.ask('0'), maxTokens: 1, temperature: 0 },
            { runId, iterationId: null, stage: 'prepare', role: 'generator' },
            signal,
          ),
        store: async ([made]) => {
          await addCalls(db, [made!.call]);
          fingerprint = made!.reply.fingerprint;
        },
      });
      await asking.catch((error: unknown) => {
        const gone = error instanceof ApplicationFailure && error.cause instanceof NotFoundError;
        throw origin && gone ? adapterGone(origin, endpoint.baseURL) : error;
      });
      const first = await addCheckpoint(db, {
        runId,
        iterationIndex: 0,
        kind: origin ? 'adapter' : 'base',
        model: endpoint.model,
        fingerprint: fingerprint ?? origin?.fingerprint,
        path: origin?.path,
        parentId: origin?.id,
      });
      return { checkpointId: first.id };
    },

    /** The ids of base and best, for the measurements at the start and the end of a run. */
    async runCheckpoints({ runId }: { runId: string }): Promise<{ baseId: number; bestId: number }> {
      const { base, best } = await baseAndBest(db, runId);
      return { baseId: base.id, bestId: best.id };
    },

    /** Stores how a run ended. Undefined for a run whose input was refused: it was never stored. */
    async finishRun({
      runId,
      status,
      reason,
    }: {
      runId: string;
      status: RunStatus;
      reason?: string;
    }): Promise<RunOutcome | undefined> {
      const run = await findRun(db, runId);
      if (!run) return undefined;
      // One that was completed before stays so, whatever is tried with it.
      if (run.status !== 'completed') await setRunStatus(db, runId, status, reason);
      const rows = await historyRows(db, runId);
      const measured = rows.filter((row) => row.before !== undefined);
      const last = measured.at(-1);
      return {
        runId,
        status: run.status === 'completed' ? 'completed' : status,
        iterations: rows.at(-1)?.index ?? 0,
        promoted: rows.filter((row) => row.decision === 'promote').length,
        targetBefore: measured[0]?.before,
        targetAfter: last && (last.decision === 'promote' ? last.after : last.before),
        ...(reason === undefined ? {} : { reason }),
      };
    },
  };
}

export type RunActivities = ReturnType<typeof createRunActivities>;
