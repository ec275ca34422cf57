import { cancellationSignal } from '@temporalio/activity';
import {
  addAnswers,
  answersTo,
  closeTest,
  countTrials,
  getTest,
  problemsOf,
  testedIn,
  trialPage,
  type MemoryProblem,
  type NewMemoryAnswer,
} from '../../db/queries/memory-tests.ts';
import { memoryByIds, type MemoryEntry } from '../../db/queries/memory.ts';
import { admission, type Trial } from '../../loop/memory.ts';
import type { ChatRequest } from '../../models/chat.ts';
import { requestOf } from '../../engine/answering.ts';
import { behindMemory, meanTokens, withinBudget } from '../../engine/budget.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type MadeCall } from '../../engine/calls.ts';
import {
  endpointOf,
  iterationContext,
  samplerOf,
  seedOf,
  type Deps,
  type IterationContext,
} from '../../engine/context.ts';
import { withMemory } from '../../engine/memory/prompt.ts';
import { strategiesOf } from '../../engine/pool.ts';
import { answerIn, rationaleOf } from '../../engine/reading.ts';
import { refusalReason } from '../../engine/refusals.ts';
import { reloadOf } from '../../engine/reload.ts';

/** A problem to be asked behind certain entries. */
type Question = { problem: MemoryProblem; shown: string };
type Answered = MadeCall & Question & { refused?: true };

const idOf = (problemId: number, shown: string) => `${problemId}/${shown}`;
const idsIn = (shown: string): number[] => (shown === '' ? [] : shown.split(',').map(Number));

/**
 * Memory: the greedy answers to a page of a test's problems, each without the batch and with it. What the endpoint refuses is
 * stored as not measured.
 *
 * Reads: trials, entries, answers so far. Writes: answers with their calls. Safe to repeat: a problem has one answer of a
 * checkpoint behind the same entries, and only what has none is asked.
 *
 * @throws BudgetExceeded, ModelUnavailable
 */
export async function memoryTestPage(
  { db }: Deps,
  { testId, first, count }: { testId: number; first: number; count: number },
): Promise<{ asked: number }> {
  const test = await getTest(db, testId);
  const context = await iterationContext(db, test.iterationId);
  const page = await trialPage(db, testId, first, count);
  const wanted = page.flatMap(({ trial, problem }): Question[] => [
    { problem, shown: trial.shownWithout },
    { problem, shown: trial.shownWith },
  ]);
  const stored = await answersTo(
    db,
    test.checkpointId,
    page.map(({ problem }) => problem.id),
  );
  const have = new Set(stored.map(({ problemId, shown }) => idOf(problemId, shown)));
  const open = wanted.filter(({ problem, shown }) => !have.has(idOf(problem.id, shown)));
  const { run, settings, task, iteration } = context;
  const { item } = await meanTokens(db, run, settings, task);
  const held = {
    key: `memory/${testId}/${first}`,
    model: samplerOf(context).endpoint.model,
    units: open.length,
    each: behindMemory(item, settings),
  };
  await withinBudget(db, { run, settings, task, iterationId: iteration.id }, held, () =>
    ask(db, context, open),
  );
  return { asked: open.length };
}

async function ask(db: Deps['db'], context: IterationContext, open: Question[]): Promise<void> {
  const { run, settings, task, iteration } = context;
  const { role, endpoint, checkpoint } = samplerOf(context);
  const entries = await memoryByIds(db, [...new Set(open.flatMap(({ shown }) => idsIn(shown)))]);
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'memory', role };
  await callAll(open, {
    endpoint,
    concurrency: settings.paging.callsInFlight,
    what: `testing memory entries with ${endpoint.model}`,
    reload: reloadOf(db, endpoint, endpointOf('trainer', settings, task), checkpoint, cancellationSignal()),
    call: async (question, signal): Promise<Answered> => {
      const request = requestFor(context, question, entries);
      return { ...(await ledgerChat(db, endpoint, request, whose, signal)), ...question };
    },
    onFailure: (question, error): Answered => {
      const refused = refusalReason(error);
      if (refused === undefined) throw error;
      return { ...unanswered(endpoint, whose, refused), ...question, refused: true };
    },
    store: storeWithCalls(db, (tx, made: Answered[], callIds) =>
      addAnswers(
        tx,
        made.map((one, i) => rowOf(context, checkpoint.id, one, callIds[i]!)),
      ),
    ),
  });
}

/** As samples are asked first, but for the one right answer: greedily, the problem as it stands. */
function requestFor(
  context: IterationContext,
  { problem, shown }: Question,
  entries: ReadonlyMap<number, MemoryEntry>,
): ChatRequest {
  const { task, settings, iteration } = context;
  const before = idsIn(shown).map((id) => entries.get(id)!);
  const text = requestOf(task, { ...problem, level: problem.level ?? undefined });
  return {
    messages: withMemory(strategiesOf(context)[0]!, before)(text),
    maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
    temperature: 0,
    seed: seedOf(iteration.plan.seed, 'memory', problem.key),
  };
}

function rowOf(
  { task }: IterationContext,
  checkpointId: number,
  { problem, shown, reply, refused }: Answered,
  callId: number,
): NewMemoryAnswer {
  const [choice] = reply.choices;
  const rationale = rationaleOf(choice);
  const answer = answerIn(task, choice);
  const unread =
    refused ||
    choice?.refused !== undefined ||
    (answer === undefined && task.unreadable?.(rationale) !== undefined);
  return {
    problemId: problem.id,
    checkpointId,
    shown,
    rationale,
    answer: answer ?? null,
    correct: unread ? null : answer !== undefined && task.sameAnswer(answer, problem.answer),
    fingerprint: reply.fingerprint,
    callId,
  };
}

/** What an iteration's tests came to. */
export type MemoryTested = { memoryTests: number; memoryTested: number; memoryAdmitted: number };

/**
 * Memory: decides a test of which all answers are in.
 *
 * Reads: trials and answers. Writes: what came of it, a state of each entry. Safe to repeat: a test is decided once.
 */
export async function closeMemoryTest({ db }: Deps, { testId }: { testId: number }): Promise<MemoryTested> {
  const test = await getTest(db, testId);
  const context = await iterationContext(db, test.iterationId);
  if (test.finishedAt === null) {
    const rows = await trialPage(db, testId, 0, await countTrials(db, testId));
    const problemIds = rows.map(({ problem }) => problem.id);
    const answers = new Map(
      (await answersTo(db, test.checkpointId, problemIds)).map((one) => [
        idOf(one.problemId, one.shown),
        one.correct,
      ]),
    );
    const found = (problemId: number, shown: string) => {
      const correct = answers.get(idOf(problemId, shown));
      if (correct === undefined) throw new Error(`Test ${testId} lacks an answer to problem ${problemId}.`);
      return correct;
    };
    const trials = rows.map(({ trial, problem }): Trial => ({
      level: problem.level,
      without: found(problem.id, trial.shownWithout),
      with: found(problem.id, trial.shownWith),
    }));
    const all = Map.groupBy(await problemsOf(db, test.iterationId), ({ level }) => level);
    const problems = new Map([...all].map(([level, own]) => [level, own.length]));
    const { margin } = context.settings.memory;
    await closeTest(
      db,
      test,
      admission(trials, problems, { level: test.level, margin }),
      `run ${context.run.id}`,
    );
  }
  const { tests, entries, admitted } = await testedIn(db, test.iterationId);
  return { memoryTests: tests, memoryTested: entries, memoryAdmitted: admitted };
}
