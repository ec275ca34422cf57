import {
  defineSignal,
  executeChild,
  getExternalWorkflowHandle,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Collected } from '../activities/collect/collect.ts';
import type { Decided } from '../activities/decide/decide.ts';
import type { MessageArgs } from '../loop/control.ts';
import { attribute, decisionAttributes } from './attributes.ts';
import type { checks } from './checks.ts';
import { asFailure, failureType, HALTED, rootCause } from './failures.ts';
import { measure, type Paging } from './measure.ts';
import { checksWorkflowId, WORKFLOW } from './names.ts';
import { inPages, pageSize } from './pages.ts';
import { llm, main, trainer } from './proxies.ts';
import { awaitReviews, reviewedSignal } from './review.ts';
import { createSafePoint, type SafePoint } from './safe-point.ts';
import { Stages, type Output } from './stages.ts';

export type IterationInput = { runId: string; index: number; task: string; paging: Paging; paused: boolean };

/** Sent by the run to its iteration. Operators send to the run. */
export const pauseIterationSignal = defineSignal('pauseIteration');
export const resumeIterationSignal = defineSignal('resumeIteration');
export const haltIterationSignal = defineSignal('haltIteration');

/** How an iteration ended: decided, or stopped in the middle by the run, to be gone on with later. */
export type IterationEnd = Decided | { stopped: true };

/** What the stages work with. */
type Iteration = { iterationId: number; paging: Paging; safePoint: SafePoint };

/**
 * One turn of the loop: collect → generate → evaluate → filter → adapt → benchmark → decide.
 *
 * Reads and writes nothing itself: its activities do. Safe to repeat: every stage has a row, and one that is done is skipped,
 * so starting the same iteration again goes on where it stopped.
 *
 * @throws BudgetExceeded before a stage that the budget does not allow
 */
export async function iteration(input: IterationInput): Promise<IterationEnd> {
  try {
    return await runStages(input);
  } catch (error) {
    // Being stopped is no failure, and must not look like one in the list of workflows.
    if (failureType(error) === HALTED) return { stopped: true };
    throw asFailure(error);
  }
}

async function runStages({ runId, index, task, paging, paused }: IterationInput): Promise<Decided> {
  const state = listen(paused);
  const safePoint = createSafePoint(state);
  upsertSearchAttributes([
    { key: attribute.task, value: task },
    { key: attribute.iteration, value: index },
  ]);
  const { iterationId, levels, review, probes, sandbox } = await main.startIteration({ runId, index });
  const stages = new Stages(iterationId, levels, safePoint);
  const current = { iterationId, paging, safePoint };

  const pool = await stages.run('collect', () => main.collect({ iterationId }));
  await stages.run('generate', () => generate(current, pool));
  await stages.run('evaluate', () => evaluate(current, pool, probes));
  await stages.run('filter', async () => {
    if (sandbox) await checkInSandbox(current);
    return main.filter({ iterationId });
  });
  if (review) {
    await awaitReviews({ runId, iterationId, safePoint, state }, (waiting) => stages.show('review', waiting));
  }
  const { checkpointId, fault, nothing } = await stages.run('adapt', () => adapt(current));
  await stages.run('benchmark', async () => {
    if (checkpointId === undefined) return { items: 0 };
    return measure({ runId, checkpointId, roles: ['target', 'guard'], iterationId }, paging, safePoint);
  });
  const decided = await stages.run('decide', () => main.decide({ iterationId, fault, nothing }));

  upsertSearchAttributes(decisionAttributes(decided.row));
  await reportStagnation(index, decided);
  return decided;
}

/** Signals of the run. Call it before the first `await`. */
function listen(paused: boolean): { paused: boolean; halt: boolean; reviewed: boolean } {
  const state = { paused, halt: false, reviewed: false };
  const byRun = 'Sent by the run. Send the message of this kind to the run itself.';
  setHandler(pauseIterationSignal, () => void (state.paused = true), { description: byRun });
  setHandler(resumeIterationSignal, () => void (state.paused = false), { description: byRun });
  setHandler(haltIterationSignal, () => void (state.halt = true), { description: byRun });
  setHandler(reviewedSignal, () => void (state.reviewed = true), {
    description: 'Reviewers have decided items. Sent by the run and by `ratchet review`.',
  });
  return state;
}

const drawnIn = (pool: Collected): number => pool.prompts + pool.rehearsal + (pool.calibration ?? 0);

function overPages<T>(
  { paging, safePoint }: Iteration,
  total: number,
  work: (first: number, count: number) => Promise<T>,
): Promise<T[]> {
  const size = pageSize(total, paging.promptsPerPage);
  return inPages(total, { size, inFlight: paging.pagesInFlight, gate: safePoint.pass }, work);
}

const wantedOf = (pages: { wanted: number }[]) => pages.reduce((sum, page) => sum + page.wanted, 0);

/** K samples of each prompt, and the fixed sample. */
async function generate(current: Iteration, pool: Collected): Promise<{ samples: number }> {
  const { iterationId, safePoint } = current;
  // An earlier version collected no fixed sample and goes on without.
  if (pool.fixedSample) {
    await safePoint.pass();
    const summary = `fixed sample ${pool.fixedSample}`;
    await llm.sampleDrift.executeWithOptions({ summary }, [{ iterationId }]);
  }
  const pages = await overPages(current, drawnIn(pool), (first, count) =>
    llm.generatePage.executeWithOptions(span('prompts', first, count), [{ iterationId, first, count }]),
  );
  return { samples: wantedOf(pages) };
}

/** Plants probes, asks the critics, votes, samples again what missed a trusted answer, and asks the critics about the rest. */
async function evaluate(current: Iteration, pool: Collected, probes: boolean | undefined) {
  const { iterationId } = current;
  // Only runs that plant come here, so histories of others stay as they were.
  const { planted } = probes ? await main.plantProbes({ iterationId }) : { planted: 0 };
  const critique = (total: number, when: 'before-vote' | 'after-vote') =>
    overPages(current, total, (first, count) =>
      llm.critiquePage.executeWithOptions(span(when, first, count), [{ iterationId, first, count, when }]),
    );
  const approved = await critique(drawnIn(pool), 'before-vote');
  const voted = await main.vote({ iterationId });
  const resampled = await overPages(current, voted.trusted, (first, count) =>
    llm.resamplePage.executeWithOptions(span('trusted prompts', first, count), [
      { iterationId, first, count },
    ]),
  );
  // What is planted is judged though the model's own samples came to nothing.
  const critiqued = await critique(Math.max(voted.trusted, Math.min(1, planted)), 'after-vote');
  return { ...voted, resampled: wantedOf(resampled), critiqued: wantedOf([...approved, ...critiqued]) };
}

/** Has the task's own check run on what could become an example. */
async function checkInSandbox(current: Iteration): Promise<void> {
  const { iterationId } = current;
  const { workflowId } = workflowInfo();
  await overPages(current, await main.countVoted({ iterationId }), (first, count) =>
    executeChild<typeof checks>(WORKFLOW.checks, {
      workflowId: checksWorkflowId(workflowId, first),
      args: [{ iterationId, first, count }],
    }),
  );
}

/** `nothing`: why there was nothing to train; `fault`: why training came to nothing. */
type Adapted = Output & { checkpointId?: number; nothing?: string; fault?: string };

/** A dataset of what was accepted, and a candidate that is trained on it. */
async function adapt({ iterationId, safePoint }: Iteration): Promise<Adapted> {
  const { nothing, ...dataset } = await main.buildDataset({ iterationId });
  const { datasetId } = dataset;
  if (datasetId === undefined) return { nothing };
  try {
    const trained = await safePoint.interruptible(() => trainer.train({ iterationId, datasetId }));
    return { ...dataset, ...trained };
  } catch (error) {
    // A candidate that can't be trained is a loss for the candidate, not the end of the run.
    if (failureType(error) !== 'TrainingFailed') throw error;
    return { ...dataset, fault: rootCause(error).message };
  }
}

/** Tells the run, as an operator would, that it makes no headway or drifts. The id makes a repeated decide stage say it once. */
async function reportStagnation(index: number, { stagnation, drift }: Decided): Promise<void> {
  const { parent } = workflowInfo();
  if (!parent) return;
  const by = `iteration ${index}`;
  const messages: MessageArgs[] = [
    ...(stagnation
      ? [{ id: `stagnation/${index}`, by, kind: stagnation.kind, reason: stagnation.reason }]
      : []),
    ...(drift ? [{ id: `drift/${index}`, by, kind: 'drift' as const, reason: drift }] : []),
  ];
  for (const message of messages) {
    await getExternalWorkflowHandle(parent.workflowId).signal('stagnation', message);
  }
}

/** What the Temporal UI's timeline shows beside a page. */
function span(what: string, first: number, count: number): { summary: string } {
  return { summary: `${what} ${first + 1}–${first + count}` };
}
