import {
  defineSignal,
  getExternalWorkflowHandle,
  isCancellation,
  log,
  patched,
  setHandler,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Collected } from '../activities/collect/collect.ts';
import type { Decided } from '../activities/decide/decide.ts';
import type { MessageArgs } from '../loop/control.ts';
import { FAILURE } from '../loop/failures.ts';
import { attribute, decisionAttributes } from './attributes.ts';
import { checkInSandbox } from './check-in-sandbox.ts';
import { asFailure, failureType, firstLine, HALTED, rootCause } from './failures.ts';
import { measure, type Paging } from './measure.ts';
import { testMemory } from './memory.ts';
import { inPages, pageSize } from './pages.ts';
import { llm, main, retiring, trainer } from './proxies.ts';
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
  const begun = await main.startIteration({ runId, index });
  const { iterationId, levels, review, sandbox, behaviour, proof, memoryTests, selfPlay, variants } = begun;
  const stages = new Stages(iterationId, levels, safePoint);
  const current = { iterationId, paging, safePoint };

  const pool = await stages.run('collect', () => main.collect({ iterationId }));
  await stages.run('generate', async () => {
    // Only runs with a memory come here, so histories of others stay as they were.
    const tested = memoryTests ? await testMemory(iterationId, memoryTests, paging, safePoint) : {};
    return { ...(await generate(current, pool)), ...tested };
  });
  await stages.run('evaluate', async () => {
    if (behaviour) await checkDrawn(current, pool);
    // Only runs that ask for proof come here, so histories of others stay as they were.
    const proven = proof ? await askForProof(current, pool) : {};
    return { ...(await evaluate(current, pool, begun)), ...proven };
  });
  await stages.run('filter', async () => {
    if (sandbox) await checkVoted(current);
    const filtered = await main.filter({ iterationId });
    const fooled = selfPlay === undefined ? {} : await foolCritics(current, selfPlay);
    // Only runs that make variants come here, so histories of others stay as they were.
    const made = variants === undefined ? {} : await makeVariants(current, variants);
    return { ...filtered, ...fooled, ...made };
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
  await retire(decided);
  await reportStagnation(index, decided);
  return decided;
}

/** Only where candidates are served apart from their trainer is there one to retire, so histories of others stay as they were. */
async function retire({ retire: checkpointId }: Decided): Promise<void> {
  if (checkpointId === undefined) return;
  try {
    await retiring.retireAdapter({ checkpointId });
  } catch (error) {
    if (isCancellation(error)) throw error;
    log.warn('a discarded adapter could not be unloaded', { checkpointId, error: rootCause(error).message });
  }
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

/** Has the sandbox say what the samples do, by which they vote. */
const checkDrawn = ({ iterationId, paging, safePoint }: Iteration, pool: Collected): Promise<void> =>
  checkInSandbox('drawn-', drawnIn(pool), { iterationId, when: 'before-vote' }, paging, safePoint);

/** Samples again what could not be proven, and has the sandbox look at that too. */
async function askForProof(current: Iteration, pool: Collected): Promise<{ forProof: number }> {
  const { iterationId, paging, safePoint } = current;
  const asked = await overPages(current, drawnIn(pool), (first, count) =>
    llm.moreProofPage.executeWithOptions(span('prompts', first, count), [{ iterationId, first, count }]),
  );
  const forProof = wantedOf(asked);
  if (forProof > 0)
    await checkInSandbox('proof-', drawnIn(pool), { iterationId, when: 'before-vote' }, paging, safePoint);
  return { forProof };
}

/** Plants probes, asks the critics, votes, samples again what missed a trusted answer, and asks the critics about the rest. */
async function evaluate(
  current: Iteration,
  pool: Collected,
  { probes, debate }: { probes?: boolean; debate?: boolean },
) {
  const { iterationId } = current;
  // Only runs that plant come here, and only those that debate below, so histories of others stay as they were.
  const { planted } = probes ? await main.plantProbes({ iterationId }) : { planted: 0 };
  const critique = (total: number, when: 'before-vote' | 'after-vote') =>
    overPages(current, total, (first, count) =>
      llm.critiquePage.executeWithOptions(span(when, first, count), [{ iterationId, first, count, when }]),
    );
  const approved = await critique(drawnIn(pool), 'before-vote');
  const debated = debate ? await debateSplit(current) : {};
  const voted = await main.vote({ iterationId });
  const resampled = await overPages(current, voted.trusted, (first, count) =>
    llm.resamplePage.executeWithOptions(span('trusted prompts', first, count), [
      { iterationId, first, count },
    ]),
  );
  // What is planted is judged though the model's own samples came to nothing.
  const critiqued = await critique(Math.max(voted.trusted, Math.min(1, planted)), 'after-vote');
  return {
    ...voted,
    ...debated,
    resampled: wantedOf(resampled),
    critiqued: wantedOf([...approved, ...critiqued]),
  };
}

/** Has agents argue about the prompts that samples disagree on. */
async function debateSplit(current: Iteration): Promise<{ debates: number }> {
  const { iterationId } = current;
  const { debates } = await main.openDebates({ iterationId });
  await overPages(current, debates, (first, count) =>
    llm.debatePage.executeWithOptions(span('debates', first, count), [{ iterationId, first, count }]),
  );
  return { debates };
}

/** Has an adversary look for bad work that the critics pass, as far as the budget allows. */
async function foolCritics(
  current: Iteration,
  works: number,
): Promise<{ foundByAdversary: number; adversaryStopped?: string }> {
  const { iterationId } = current;
  const { pages, stopped } = await asFarAsBudgetAllows(
    current,
    works,
    (first, count) =>
      llm.playPage.executeWithOptions(span('works to spoil', first, count), [{ iterationId, first, count }]),
    // Earlier versions gave the iteration up.
    () => patched('self-play-ends-at-budget'),
  );
  return {
    foundByAdversary: pages.reduce((sum, { found }) => sum + found, 0),
    ...(stopped === undefined ? {} : { adversaryStopped: stopped }),
  };
}

/** Has easier variants made of prompts without a trusted vote, as far as the budget allows. */
async function makeVariants(
  current: Iteration,
  prompts: number,
): Promise<{ variants: number; usableVariants: number; variantsStopped?: string }> {
  const { iterationId } = current;
  const { pages, stopped } = await asFarAsBudgetAllows(current, prompts, (first, count) => {
    const summary = span('prompts to make easier', first, count);
    return llm.variantPage.executeWithOptions(summary, [{ iterationId, first, count }]);
  });
  return {
    variants: pages.reduce((sum, { variants }) => sum + variants, 0),
    usableVariants: pages.reduce((sum, { usable }) => sum + usable, 0),
    ...(stopped === undefined ? {} : { variantsStopped: stopped }),
  };
}

/**
 * Pages until the budget does not allow one: the iteration's examples are accepted and paid for, whatever else would be found.
 *
 * @param ends whether a budget that is used up ends the pages alone; asked only then
 * @returns what was done, and why no more was
 */
async function asFarAsBudgetAllows<T>(
  current: Iteration,
  total: number,
  work: (first: number, count: number) => Promise<T>,
  ends = () => true,
): Promise<{ pages: T[]; stopped?: string }> {
  let stopped: string | undefined;
  const pages = await overPages(current, total, async (first, count) => {
    if (stopped !== undefined) return [];
    try {
      return [await work(first, count)];
    } catch (error) {
      if (failureType(error) !== FAILURE.budgetExceeded || !ends()) throw error;
      stopped = firstLine(error);
      return [];
    }
  });
  return { pages: pages.flat(), stopped };
}

/** Has the task's own check run on what could become an example. */
async function checkVoted({ iterationId, paging, safePoint }: Iteration): Promise<void> {
  const voted = await main.countVoted({ iterationId });
  await checkInSandbox('', voted, { iterationId }, paging, safePoint);
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
