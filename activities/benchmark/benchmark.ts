import type { BenchmarkRole } from '../../loop/words.ts';
import { insertNew } from '../../db/insert-new.ts';
import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import type { Db } from '../../db/connect.ts';
import {
  addEvaluation,
  answeredItems,
  benchmarkPage,
  closeEvaluation as countCorrect,
  countAnswered,
  forgetUnmeasured,
  countItems,
  getEvaluation,
  type Evaluation,
  type BenchmarkItemRow,
} from '../../db/queries/evaluations.ts';
import { setStageTotal } from '../../db/queries/iterations.ts';
import { getCheckpoint, listBenchmarks, type Checkpoint, type Run } from '../../db/queries/runs.ts';
import { evaluationItems, shownAnswers } from '../../db/schema.ts';
import { forgetUnshown, shownCorrectness, shownItems } from '../../db/queries/shown-answers.ts';
import type { Form } from '../../loop/best-form.ts';
import { missesTooMany } from '../../loop/promotion.ts';
import { errorText, isRefusal } from '../../models/errors.ts';
import { FAILURE } from '../../loop/failures.ts';
import { meanTokens, withinBudget } from '../../engine/budget.ts';
import {
  callAll,
  ledgerChat,
  storeWithCalls,
  unanswered,
  type CallContext,
  type MadeCall,
} from '../../engine/calls.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { answererOf, endpointOf, settingsNow, taskOf, type Deps, readRun } from '../../engine/context.ts';
import { answerIn, rationaleOf } from '../../engine/reading.ts';
import { count as counted } from '../../engine/metrics.ts';
import { reloadOf, type Reload } from '../../engine/reload.ts';
import { judgesBehaviour, type Task } from '../../tasks/task.ts';
import { askHarness } from './harness.ts';

/** `sandbox`: it grades the answers. */
export type EvaluationPlan = {
  evaluationId: number;
  benchmark: string;
  total: number;
  first: number;
  sandbox?: true;
};

/** One item, asked plainly or, of the model that the run starts from, with the task's worked examples before it. */
type Question = { item: BenchmarkItemRow; form: Form };

type Answered = MadeCall & Question & { refused?: true };

/** Is this the model that its run starts from, and are the task's worked examples more than the plain form has? */
const inBothForms = (checkpoint: Checkpoint, task: Task): boolean =>
  checkpoint.iterationIndex === 0 && task.askWithExamples !== undefined && !judgesBehaviour(task);

/**
 * What is to be measured of a checkpoint: its benchmarks of the given roles that have not been measured
 * yet. `iterationId` is undefined for the run's own measurements (base at the start, final at the end).
 *
 * Reads: benchmarks and items. Writes: an evaluation for each, the stage's total.
 * Safe to repeat: a checkpoint has one evaluation of a benchmark.
 */
export async function planEvaluations(
  { db }: Deps,
  request: {
    runId: string;
    checkpointId: number;
    roles: BenchmarkRole[];
    iterationId?: number;
  },
): Promise<EvaluationPlan[]> {
  const { runId, checkpointId, roles, iterationId } = request;
  const plans: EvaluationPlan[] = [];
  const graded = judgesBehaviour(taskOf(await readRun(db, runId)));
  let items = 0;
  for (const { name, role } of await listBenchmarks(db, runId)) {
    if (!roles.includes(role)) continue;
    const total = await countItems(db, runId, name);
    items += total;
    const evaluation = await addEvaluation(db, { checkpointId, benchmark: name, iterationId, total });
    if (evaluation.finishedAt === null)
      plans.push({
        evaluationId: evaluation.id,
        benchmark: name,
        total,
        first: 0,
        ...(graded ? { sandbox: true as const } : {}),
      });
  }
  if (iterationId !== undefined) await setStageTotal(db, iterationId, 'benchmark', items);
  return plans;
}

/** One page of an evaluation, being asked. */
export type Asking = {
  db: Db;
  run: Run;
  task: Task;
  checkpoint: Checkpoint;
  evaluation: Evaluation;
  endpoint: Endpoint;
  whose: CallContext;
};

/**
 * Benchmark: a checkpoint's greedy answers to one page of held-out problems. An item that the endpoint refuses
 * is stored as not measured, neither right nor wrong: what that means for whom is the decision's; so is an answer that the sandbox
 * has still to grade. The model that the run starts from answers in both forms, where the task's worked examples stand in samples only.
 * What a harness measures, it measures as a whole: that is the first page, and the others are empty.
 *
 * Reads: the evaluation, its items, the answers to them so far. Writes: answers in either form, with their calls.
 * Safe to repeat: an item has one answer in each form, and only what has none is asked. A harness is run anew until its scores are stored.
 */
export async function benchmarkItems(
  { db }: Deps,
  { evaluationId, first, count }: { evaluationId: number; first: number; count: number },
): Promise<void> {
  const evaluation = await getEvaluation(db, evaluationId);
  const { benchmark, iterationId } = evaluation;
  const checkpoint = await getCheckpoint(db, evaluation.checkpointId);
  const run = await readRun(db, checkpoint.runId);
  const task = taskOf(run);
  const { role, endpoint } = answererOf(run.settings, task, checkpoint);
  const whose = { runId: run.id, iterationId, stage: 'benchmark', role };
  const harness = task.benchmarks.find(({ name }) => name === benchmark)?.harness;
  if (harness && first > 0) return;
  const size = harness ? await countItems(db, run.id, benchmark) : count;
  const page = await benchmarkPage(db, run.id, benchmark, first, size);
  const asking = { db, run, task, checkpoint, evaluation, endpoint, whose };
  const questions = await openQuestions(asking, page);
  const settings = await settingsNow(db, run, iterationId);
  const { item: each } = await meanTokens(db, run, settings, task);
  const key = `benchmark/${evaluationId}/${first}`;
  const final = page[0]?.role === 'final';
  await withinBudget(
    db,
    { run, settings, task, iterationId: iterationId ?? undefined },
    { key, model: endpoint.model, units: questions.length, each, final },
    async () => {
      if (!harness) return ask(asking, questions);
      const how = { both: inBothForms(checkpoint, task), reload: reloadFor(asking) };
      if (questions.length > 0) await askHarness(asking, harness, page, how);
    },
  );
}

const reloadFor = ({ db, run, task, checkpoint, endpoint }: Asking): Reload =>
  reloadOf(db, endpoint, endpointOf('trainer', run.settings, task), checkpoint, cancellationSignal());

async function openQuestions(
  { db, task, checkpoint, evaluation }: Asking,
  page: BenchmarkItemRow[],
): Promise<Question[]> {
  const plain = await answeredItems(db, evaluation.id);
  const questions: Question[] = page
    .filter(({ id }) => !plain.has(id))
    .map((item) => ({ item, form: 'plain' }));
  if (!inBothForms(checkpoint, task)) return questions;
  const shown = await shownItems(
    db,
    page.map(({ id }) => id),
  );
  const others = page.filter(({ id }) => !shown.has(id));
  return [...questions, ...others.map((item): Question => ({ item, form: 'examples' }))];
}

async function ask(asking: Asking, questions: Question[]): Promise<void> {
  const { db, run, task, evaluation, endpoint, whose } = asking;
  const { sampling, paging } = run.settings;
  await callAll(questions, {
    endpoint,
    concurrency: paging.callsInFlight,
    what: `measuring ${endpoint.model} on ${evaluation.benchmark}`,
    call: async ({ item, form }, signal): Promise<Answered> => {
      const request = {
        messages: form === 'plain' ? task.ask(item.text) : task.askWithExamples!(item.text),
        maxTokens: sampling.maxTokens ?? task.maxTokens,
        temperature: 0,
      };
      const made = await ledgerChat(db, endpoint, request, whose, signal);
      const refused = made.reply.choices[0]?.refused !== undefined;
      return { ...made, item, form, ...(refused ? { refused } : {}) };
    },
    // A missing model is a fault of the server's, not of the item.
    onFailure: (question, error): Answered => {
      if (!isRefusal(error)) throw error;
      return { ...unanswered(endpoint, whose, errorText(error)), ...question, refused: true };
    },
    reload: reloadFor(asking),
    store: storeWithCalls(db, async (tx, answered: Answered[], callIds) => {
      const rows = answered.map((one, i) => ({ form: one.form, row: rowOf(task, one, callIds[i]!) }));
      const evaluationId = evaluation.id;
      const plain = rows.flatMap(({ form, row }) => (form === 'plain' ? { ...row, evaluationId } : []));
      const shown = rows.flatMap(({ form, row }) => (form === 'plain' ? [] : row));
      await insertNew(tx, evaluationItems, plain);
      await insertNew(tx, shownAnswers, shown);
    }),
  });
}

/** Null: the sandbox will say. */
function rightness(task: Task, answer: string | null, known: string): boolean | null {
  if (answer === null) return false;
  return judgesBehaviour(task) ? null : task.sameAnswer(answer, known);
}

/** `correct` is null for what was refused or can't be read: not measured. */
function rowOf(task: Task, { item, reply, refused }: Answered, callId: number) {
  const rationale = rationaleOf(reply.choices[0]);
  const answer = answerIn(task, reply.choices[0]) ?? null;
  const unread = answer === null && task.unreadable?.(rationale) !== undefined;
  counted('ratchet_unread', unread ? 1 : 0, { stage: 'benchmark' });
  return {
    itemId: item.id,
    rationale,
    answer,
    correct: refused || unread ? null : rightness(task, answer, item.answer),
    fingerprint: reply.fingerprint,
    callId,
  };
}

/**
 * Counts an evaluation once all its items are in. Of a measurement that all candidates will be held against, too much
 * may not be missing: what is, is asked again after a `retry`.
 *
 * Reads: the evaluation's answers. Writes: its count; of a measurement that misses too much, what is missing is deleted.
 * Safe to repeat: the count is of what is stored.
 *
 * @throws ModelUnavailable when the endpoint refused more than promotion.maxMissing of the run's own measurement
 */
export async function closeEvaluation(
  { db }: Deps,
  { evaluationId }: { evaluationId: number },
): Promise<{ correct: number; total: number }> {
  const evaluation = await getEvaluation(db, evaluationId);
  if (evaluation.finishedAt === null && evaluation.iterationId === null) await refuseGaps(db, evaluation);
  return countCorrect(db, evaluationId);
}

async function refuseGaps(db: Db, { id, checkpointId, benchmark }: Evaluation): Promise<void> {
  const { answered, unmeasured } = await countAnswered(db, id);
  const checkpoint = await getCheckpoint(db, checkpointId);
  const run = await readRun(db, checkpoint.runId);
  const { maxMissing } = run.settings.promotion;
  const what = `measuring ${checkpoint.model} on ${benchmark}`;
  if (inBothForms(checkpoint, taskOf(run))) {
    const shown = await shownCorrectness(db, run.id, benchmark);
    const missing = shown.filter((correct) => correct === null).length;
    if (missesTooMany(missing, shown.length, maxMissing)) {
      await forgetUnshown(db, run.id, benchmark);
      throw ApplicationFailure.nonRetryable(
        `${what} with the task's worked examples: ${missing} of ${shown.length} problems were refused, more than ` +
          `promotion.maxMissing (${maxMissing}) lets pass. Are question and examples longer than the context?`,
        FAILURE.modelUnavailable,
      );
    }
  }
  if (missesTooMany(unmeasured, answered, maxMissing)) {
    const first = await forgetUnmeasured(db, id);
    throw ApplicationFailure.nonRetryable(
      `${what}: ${unmeasured} of ${answered} problems were refused or could not be read, more ` +
        `than promotion.maxMissing (${maxMissing}) lets pass. The first refusal: ${first ?? 'no reason given'}`,
      FAILURE.modelUnavailable,
    );
  }
}
