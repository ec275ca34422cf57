import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import { addCalls } from '../db/calls.ts';
import {
  addEvaluation,
  answeredItems,
  benchmarkPage,
  closeEvaluation,
  countAnswered,
  forgetUnmeasured,
  countItems,
  getEvaluation,
  type BenchmarkItemRow,
} from '../db/evaluations.ts';
import { setStageTotal } from '../db/iterations.ts';
import { getCheckpoint, listBenchmarks, type Checkpoint } from '../db/runs.ts';
import { evaluationItems, shownAnswers } from '../db/schema.ts';
import { forgetUnshown, shownCorrectness, shownItems } from '../db/shown-answers.ts';
import type { Form } from '../loop/best-form.ts';
import { errorText, FAILURE, isRefusal } from '../models/errors.ts';
import { meanTokens, withinBudget } from './budget.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from './calls.ts';
import { endpointOf, settingsNow, taskOf, type Deps, readRun } from './context.ts';
import { answerIn, rationaleOf } from './reading.ts';
import { reloadOf } from './reload.ts';
import type { Task } from '../tasks/task.ts';

export type EvaluationPlan = { evaluationId: number; benchmark: string; total: number; first: number };

/** One item, asked plainly or, of the model that the run starts from, with the task's worked examples before it. */
type Question = { item: BenchmarkItemRow; form: Form };

type Answered = MadeCall & Question & { refused?: true };

/** Is this the model that its run starts from, and are the task's worked examples more than the plain form has? */
const inBothForms = (checkpoint: Checkpoint, task: Task): boolean =>
  checkpoint.iterationIndex === 0 && task.askWithExamples !== undefined;

export function createBenchmarkActivities({ db }: Deps) {
  return {
    /**
     * What is to be measured of a checkpoint: its benchmarks of the given roles that have not been measured
     * yet. `iterationId` is undefined for the run's own measurements (base at the start, final at the end).
     */
    async planEvaluations(request: {
      runId: string;
      checkpointId: number;
      roles: ('target' | 'guard' | 'final')[];
      iterationId?: number;
    }): Promise<EvaluationPlan[]> {
      const { runId, checkpointId, roles, iterationId } = request;
      const plans: EvaluationPlan[] = [];
      let items = 0;
      for (const { name, role } of await listBenchmarks(db, runId)) {
        if (!roles.includes(role)) continue;
        const total = await countItems(db, runId, name);
        items += total;
        const evaluation = await addEvaluation(db, { checkpointId, benchmark: name, iterationId, total });
        if (evaluation.finishedAt === null)
          plans.push({ evaluationId: evaluation.id, benchmark: name, total, first: 0 });
      }
      if (iterationId !== undefined) await setStageTotal(db, iterationId, 'benchmark', items);
      return plans;
    },

    /**
     * Benchmark: a checkpoint's greedy answers to one page of held-out problems. An item that the endpoint refuses
     * is stored as not measured, neither right nor wrong: what that means for whom is the decision's. The model that the
     * run starts from answers in both forms, where the task's worked examples stand in samples only.
     */
    async benchmarkItems({
      evaluationId,
      first,
      count,
    }: {
      evaluationId: number;
      first: number;
      count: number;
    }): Promise<void> {
      const evaluation = await getEvaluation(db, evaluationId);
      const checkpoint = await getCheckpoint(db, evaluation.checkpointId);
      const run = await readRun(db, checkpoint.runId);
      const task = taskOf(run);
      const endpoint = endpointOf('generator', run.settings, task, checkpoint);
      const have = await answeredItems(db, evaluationId);
      const page = await benchmarkPage(db, run.id, evaluation.benchmark, first, count);
      const shown = await shownItems(
        db,
        page.map(({ id }) => id),
      );
      const todo: Question[] = [
        ...page.filter(({ id }) => !have.has(id)).map((item) => ({ item, form: 'plain' as const })),
        ...page
          .filter(({ id }) => inBothForms(checkpoint, task) && !shown.has(id))
          .map((item) => ({ item, form: 'examples' as const })),
      ];
      const settings = await settingsNow(db, run, evaluation.iterationId);
      const context = {
        runId: run.id,
        iterationId: evaluation.iterationId,
        stage: 'benchmark',
        role: 'generator' as const,
      };

      async function answer({ item, form }: Question, signal: AbortSignal): Promise<Answered> {
        const request = {
          messages: form === 'plain' ? task.ask(item.text) : task.askWithExamples!(item.text),
          maxTokens: run.settings.sampling.maxTokens ?? task.maxTokens,
          temperature: 0,
        };
        const made = await ledgerChat(db, endpoint, request, context, signal);
        const refused = made.reply.choices[0]?.refused !== undefined;
        return { ...made, item, form, ...(refused ? { refused } : {}) };
      }

      const calls = () =>
        callAll(todo, {
          endpoint,
          concurrency: run.settings.paging.callsInFlight,
          what: `measuring ${endpoint.model} on ${evaluation.benchmark}`,
          call: answer,
          // A missing model is a fault of the server's, not of the item.
          onFailure: (question, error): Answered => {
            if (!isRefusal(error)) throw error;
            return { ...unanswered(endpoint, context, errorText(error)), ...question, refused: true };
          },
          reload: reloadOf(
            db,
            endpoint,
            endpointOf('trainer', run.settings, task),
            checkpoint,
            cancellationSignal(),
          ),
          store: (answered: Answered[]) =>
            db.transaction(async (tx) => {
              const ids = await addCalls(
                tx,
                answered.map((a) => a.call),
              );
              const rows = answered.map(({ item, form, reply, refused }, i) => {
                const rationale = rationaleOf(reply.choices[0]);
                const read = answerIn(task, reply.choices[0]) ?? null;
                return {
                  form,
                  itemId: item.id,
                  rationale,
                  answer: read,
                  correct: refused ? null : read !== null && task.sameAnswer(read, item.answer),
                  fingerprint: reply.fingerprint,
                  callId: ids[i]!,
                };
              });
              const plain = rows.flatMap(({ form, ...row }) =>
                form === 'plain' ? { ...row, evaluationId } : [],
              );
              const others = rows.flatMap(({ form, ...row }) => (form === 'plain' ? [] : row));
              if (plain.length > 0) await tx.insert(evaluationItems).values(plain).onConflictDoNothing();
              if (others.length > 0) await tx.insert(shownAnswers).values(others).onConflictDoNothing();
            }),
        });
      const { item: each } = await meanTokens(db, run, settings, task);
      const key = `benchmark/${evaluationId}/${first}`;
      const final = page[0]?.role === 'final';
      await withinBudget(
        db,
        { run, settings, task, iterationId: evaluation.iterationId ?? undefined },
        { key, model: endpoint.model, units: todo.length, each, final },
        calls,
      );
    },

    /**
     * Counts an evaluation once all its items are in. Of a measurement that all candidates will be held against, too much
     * may not be missing: what is, is asked again after a `retry`.
     *
     * @throws ModelUnavailable when the endpoint refused more than promotion.maxMissing of the run's own measurement
     */
    async closeEvaluation({
      evaluationId,
    }: {
      evaluationId: number;
    }): Promise<{ correct: number; total: number }> {
      const evaluation = await getEvaluation(db, evaluationId);
      if (evaluation.finishedAt === null && evaluation.iterationId === null) {
        const { answered, unmeasured } = await countAnswered(db, evaluationId);
        const checkpoint = await getCheckpoint(db, evaluation.checkpointId);
        const run = await readRun(db, checkpoint.runId);
        const { maxMissing } = run.settings.promotion;
        if (inBothForms(checkpoint, taskOf(run))) {
          const shown = await shownCorrectness(db, run.id, evaluation.benchmark);
          const missing = shown.filter((correct) => correct === null).length;
          if (missing > maxMissing * shown.length + 1e-9) {
            await forgetUnshown(db, run.id, evaluation.benchmark);
            throw ApplicationFailure.nonRetryable(
              `measuring ${checkpoint.model} on ${evaluation.benchmark} with the task's worked examples: ${missing} of ` +
                `${shown.length} problems were refused, more than promotion.maxMissing (${maxMissing}) lets pass. Are ` +
                'question and examples longer than the context?',
              FAILURE.modelUnavailable,
            );
          }
        }
        if (unmeasured > maxMissing * answered + 1e-9) {
          const first = await forgetUnmeasured(db, evaluationId);
          throw ApplicationFailure.nonRetryable(
            `measuring ${checkpoint.model} on ${evaluation.benchmark}: ${unmeasured} of ${answered} problems were refused, more ` +
              `than promotion.maxMissing (${maxMissing}) lets pass. The first refusal: ${first ?? 'no reason given'}`,
            FAILURE.modelUnavailable,
          );
        }
      }
      return closeEvaluation(db, evaluationId);
    },
  };
}

export type BenchmarkActivities = ReturnType<typeof createBenchmarkActivities>;
