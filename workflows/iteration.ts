import {
  CancellationScope,
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Decided } from '../activities/decide.ts';
import type { StageName } from '../db/schema.ts';
import type { MessageArgs } from '../loop/control.ts';
import { attribute, decisionAttributes } from './attributes.ts';
import { asFailure, failureType, firstLine, HALTED, rootCause } from './failures.ts';
import { createGate } from './gate.ts';
import { measure, type Paging } from './measure.ts';
import { inPages, pageSize } from './pages.ts';
import { llm, main, trainer } from './proxies.ts';
import { awaitReviews, reviewedSignal } from './review.ts';
import { LAST_LINE } from './view.ts';

export type IterationInput = { runId: string; index: number; task: string; paging: Paging; paused: boolean };

/** Sent by the run to its iteration. Operators send to the run. */
export const pauseIterationSignal = defineSignal('pauseIteration');
export const resumeIterationSignal = defineSignal('resumeIteration');
export const haltIterationSignal = defineSignal('haltIteration');

type Output = Record<string, unknown>;

/** How an iteration ended: decided, or stopped in the middle by the run, to be gone on with later. */
export type IterationEnd = Decided | { stopped: true };

/**
 * One turn of the loop: collect → generate → evaluate → filter → adapt → benchmark → decide. Every stage has
 * a row; one that is done is skipped, so starting the same iteration again goes on where it stopped.
 *
 * @throws BudgetExceeded before a stage that the budget does not allow
 */
export async function iteration(input: IterationInput): Promise<IterationEnd> {
  try {
    return await turn(input);
  } catch (error) {
    // Being stopped is no failure, and must not look like one in the list of workflows.
    if (failureType(error) === HALTED) return { stopped: true };
    throw asFailure(error);
  }
}

async function turn(input: IterationInput): Promise<Decided> {
  const { runId, index, task, paging } = input;
  const state = { paused: input.paused, halt: false, reviewed: false };
  const byRun = 'Sent by the run. Send the message of this kind to the run itself.';
  setHandler(pauseIterationSignal, () => void (state.paused = true), { description: byRun });
  setHandler(resumeIterationSignal, () => void (state.paused = false), { description: byRun });
  setHandler(haltIterationSignal, () => void (state.halt = true), { description: byRun });
  setHandler(reviewedSignal, () => void (state.reviewed = true), {
    description: 'Reviewers have decided items. Sent by the run and by `ratchet review`.',
  });
  const gate = createGate(state);
  upsertSearchAttributes([
    { key: attribute.task, value: task },
    { key: attribute.iteration, value: index },
  ]);

  const { iterationId, levels, review, probes } = await main.startIteration({ runId, index });
  const done: string[] = [];

  async function stage<T extends Output>(name: StageName, work: () => Promise<T>): Promise<T> {
    await gate.pass();
    setCurrentDetails(details(levels, [...done, `| ${name} | running | |`]));
    upsertSearchAttributes([{ key: attribute.stage, value: name }]);
    const opened = await main.openStage({ iterationId, name });
    let output = opened.done as T | undefined;
    if (!output) {
      try {
        output = await work();
        await main.closeStage({ iterationId, name, output });
      } catch (error) {
        const cancelled = isCancellation(error) || failureType(error) === HALTED;
        // Also while the iteration is being cancelled, its rows must say what became of the stage.
        await CancellationScope.nonCancellable(() =>
          main.failStage({ iterationId, name, cancelled, error: rootCause(error).message }),
        );
        setCurrentDetails(
          details(levels, [
            ...done,
            `| ${name} | ${cancelled ? 'stopped' : 'failed'} | ${firstLine(error)} |`,
          ]),
        );
        throw error;
      }
    }
    done.push(`| ${name} | done | ${summary(output)} |`);
    setCurrentDetails(details(levels, done));
    return output;
  }

  const overPages = <T>(total: number, work: (first: number, count: number) => Promise<T>) =>
    inPages(
      total,
      { size: pageSize(total, paging.promptsPerPage), inFlight: paging.pagesInFlight, gate: gate.pass },
      work,
    );
  const asked = (results: { wanted: number }[]) => results.reduce((sum, r) => sum + r.wanted, 0);

  const pool = await stage('collect', () => main.collect({ iterationId }));
  const drawn = pool.prompts + pool.rehearsal + (pool.calibration ?? 0);

  await stage('generate', async () => {
    // An earlier version collected no fixed sample and goes on without.
    if (pool.fixedSample) {
      await gate.pass();
      await llm.sampleDrift.executeWithOptions({ summary: `fixed sample ${pool.fixedSample}` }, [
        { iterationId },
      ]);
    }
    const results = await overPages(drawn, (first, count) =>
      llm.generatePage.executeWithOptions(span('prompts', first, count), [{ iterationId, first, count }]),
    );
    return { samples: asked(results) };
  });

  await stage('evaluate', async () => {
    // Only runs that plant come here, so histories of others stay as they were.
    const { planted } = probes ? await main.plantProbes({ iterationId }) : { planted: 0 };
    const critique = (total: number, when: 'before-vote' | 'after-vote') =>
      overPages(total, (first, count) =>
        llm.critiquePage.executeWithOptions(span(when, first, count), [{ iterationId, first, count, when }]),
      );
    const approved = await critique(drawn, 'before-vote');
    const voted = await main.vote({ iterationId });
    const resampled = await overPages(voted.trusted, (first, count) =>
      llm.resamplePage.executeWithOptions(span('trusted prompts', first, count), [
        { iterationId, first, count },
      ]),
    );
    // What is planted is judged though the model's own samples came to nothing.
    const critiqued = await critique(Math.max(voted.trusted, Math.min(1, planted)), 'after-vote');
    return { ...voted, resampled: asked(resampled), critiqued: asked([...approved, ...critiqued]) };
  });

  await stage('filter', () => main.filter({ iterationId }));

  if (review) {
    await awaitReviews({ runId, iterationId, gate, state }, (waiting) =>
      setCurrentDetails(details(levels, [...done, `| review | ${waiting} | |`])),
    );
  }

  const adapted = await stage(
    'adapt',
    async (): Promise<Output & { checkpointId?: number; nothing?: string; fault?: string }> => {
      const { nothing, ...dataset } = await main.buildDataset({ iterationId });
      const { datasetId } = dataset;
      if (datasetId === undefined) return { nothing };
      try {
        const trained = await gate.interruptible(() => trainer.train({ iterationId, datasetId }));
        return { ...dataset, ...trained };
      } catch (error) {
        // A candidate that can't be trained is a loss for the candidate, not the end of the run.
        if (failureType(error) !== 'TrainingFailed') throw error;
        return { ...dataset, fault: rootCause(error).message };
      }
    },
  );

  await stage('benchmark', async () => {
    const { checkpointId } = adapted;
    if (checkpointId === undefined) return { items: 0 };
    return measure({ runId, checkpointId, roles: ['target', 'guard'], iterationId }, paging, gate);
  });

  const decided = await stage('decide', () =>
    main.decide({ iterationId, fault: adapted.fault, nothing: adapted.nothing }),
  );
  upsertSearchAttributes(decisionAttributes(decided.row));
  const { parent } = workflowInfo();
  if (decided.stagnation && parent) {
    const { kind, reason } = decided.stagnation;
    // The id makes a repeated decide stage say it once.
    const message: MessageArgs = { id: `stagnation/${index}`, by: `iteration ${index}`, kind, reason };
    await getExternalWorkflowHandle(parent.workflowId).signal('stagnation', message);
  }
  if (decided.drift && parent) {
    const message: MessageArgs = {
      id: `drift/${index}`,
      by: `iteration ${index}`,
      kind: 'drift',
      reason: decided.drift,
    };
    await getExternalWorkflowHandle(parent.workflowId).signal('stagnation', message);
  }
  return decided;
}

/** What the Temporal UI's timeline shows beside a page. */
function span(what: string, first: number, count: number): { summary: string } {
  return { summary: `${what} ${first + 1}–${first + count}` };
}

function details(levels: number[] | undefined, rows: string[]): string {
  const pool = levels ? `Levels in the pool: ${levels.join(', ')}\n\n` : '';
  return `${pool}| stage | state | output |\n|---|---|---|\n${rows.join('\n')}\n\n*To steer it, send messages to the run.*\n\n${LAST_LINE}`;
}

/** A stage's output in a table cell: scalars only. */
function summary(output: Output): string {
  return Object.entries(output)
    .filter(([, value]) => typeof value === 'number' || typeof value === 'string')
    .map(([key, value]) => `${key} ${String(value).replaceAll('|', '/')}`)
    .join(', ');
}
