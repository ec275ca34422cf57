import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import { insertNew } from '../../db/insert-new.ts';
import type { Db } from '../../db/connect.ts';
import type { BenchmarkItemRow } from '../../db/queries/evaluations.ts';
import {
  addMajorityItems,
  majorityAnswers,
  targetPage,
  votedItems,
  type NewMajoritySample,
} from '../../db/queries/majority.ts';
import { findCheckpoint, type Checkpoint, type Run } from '../../db/queries/runs.ts';
import { majoritySamples } from '../../db/schema.ts';
import { vote } from '../../loop/vote.ts';
import type { ChatChoice } from '../../models/chat.ts';
import { errorText, isRefusal } from '../../models/errors.ts';
import { FAILURE } from '../../loop/failures.ts';
import type { Rewrite, Task } from '../../tasks/task.ts';
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
import {
  endpointOf,
  formsFor,
  seedOf,
  settingsNow,
  taskOf,
  type Deps,
  readRun,
} from '../../engine/context.ts';
import { spread, strategiesOf, type Draw } from '../../engine/pool.ts';
import { answerIn, rationaleOf } from '../../engine/reading.ts';
import { reloadOf } from '../../engine/reload.ts';

/** `skipped`: why a page was left out; maj@K is then not known. */
export type MajorityPage = { items: number; skipped?: string };

type Request = Draw & { item: BenchmarkItemRow };
type Answered = MadeCall & { request: Request };

/** The model that a run starts from, being asked. */
type Asking = { db: Db; run: Run; task: Task; base: Checkpoint; endpoint: Endpoint; whose: CallContext };

/**
 * maj@K of the model that the run starts from, over one page of its target items: K samples of each, over
 * rewrites and ways of asking as in the loop, and the vote over them without a critic. What the endpoint refuses
 * abstains. It is a yardstick and no part of any decision, so a budget without room for it leaves it out.
 *
 * Reads: target items, samples and votes of them that are stored. Writes: such samples with their calls, votes.
 * Safe to repeat: only samples that are missing are asked for, and an item is voted on once.
 */
export async function majorityPage(
  { db }: Deps,
  { runId, first, count }: { runId: string; first: number; count: number },
): Promise<MajorityPage> {
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const settings = await settingsNow(db, run, null);
  const base = (await findCheckpoint(db, runId, 0))!;
  const endpoint = endpointOf('generator', run.settings, task, base);
  const whose = { runId, iterationId: null, stage: 'majority', role: 'generator' as const };
  const page = await targetPage(db, runId, first, count);
  const voted = await votedItems(
    db,
    page.map(({ id }) => id),
  );
  const items = page.filter(({ id }) => !voted.has(id));
  const left = await missing(db, requestsFor(run, task, items));
  const { sample: each } = await meanTokens(db, run, settings, task);
  const units = samplesIn(left);
  const held = { key: `majority/${first}`, model: endpoint.model, units, each, reserve: true };
  const asking = { db, run, task, base, endpoint, whose };
  try {
    await withinBudget(db, { run, settings, task }, held, () => askUntilWhole(asking, left));
  } catch (error) {
    const tooDear = error instanceof ApplicationFailure && error.type === FAILURE.budgetExceeded;
    if (!tooDear) throw error;
    return { items: 0, skipped: error.message };
  }
  await storeVotes(db, task, items, run.settings.sampling.samples);
  return { items: items.length };
}

function requestsFor(run: Run, task: Task, items: BenchmarkItemRow[]): Request[] {
  const { seed, sampling } = run.settings;
  const strategies = strategiesOf({ task, settings: run.settings });
  return items.flatMap((item) => {
    const { key, text } = item;
    const forms = formsFor(task, { key, text }, seedOf(seed, 'majority', key));
    return spread(forms, strategies, sampling.samples).map((draw) => ({ ...draw, item }));
  });
}

/** Of these draws, those of which samples are not stored yet, each with only what is missing. */
async function missing(db: Db, requests: Request[]): Promise<Request[]> {
  const stored = await majorityAnswers(
    db,
    requests.map(({ item }) => item.id),
  );
  const have = new Set(stored.map(({ itemId, index }) => `${itemId}/${index}`));
  return requests
    .map((r) => ({ ...r, indices: r.indices.filter((index) => !have.has(`${r.item.id}/${index}`)) }))
    .filter((r) => r.indices.length > 0);
}

/** Some servers give one choice whatever n says, so a round that brought anything is progress. */
async function askUntilWhole(asking: Asking, requests: Request[]): Promise<void> {
  let left = requests;
  while (left.length > 0) {
    const before = samplesIn(left);
    await ask(asking, left);
    left = await missing(asking.db, left);
    if (samplesIn(left) === before) {
      throw ApplicationFailure.create({
        type: FAILURE.modelUnavailable,
        message: `measuring the majority of ${asking.endpoint.model}: none of ${before} choices was given`,
      });
    }
  }
}

async function ask({ db, run, task, base, endpoint, whose }: Asking, requests: Request[]): Promise<void> {
  const { paging, sampling, seed } = run.settings;
  const { temperature, topP, maxTokens } = sampling;
  await callAll(requests, {
    endpoint,
    concurrency: paging.callsInFlight,
    what: `measuring the majority of ${endpoint.model}`,
    call: async (request, signal): Promise<Answered> => {
      const { item, form, strategy, indices } = request;
      const wire = {
        messages: strategy.messages(form.text),
        maxTokens: maxTokens ?? task.maxTokens,
        temperature,
        topP,
        n: indices.length,
        seed: seedOf(seed, 'majority', item.key, indices[0]!),
      };
      return { ...(await ledgerChat(db, endpoint, wire, whose, signal)), request };
    },
    onFailure: (request, error): Answered => {
      if (!isRefusal(error)) throw error;
      return { ...unanswered(endpoint, whose, errorText(error)), request };
    },
    reload: reloadOf(db, endpoint, endpointOf('trainer', run.settings, task), base, cancellationSignal()),
    store: storeWithCalls(db, async (tx, answered: Answered[], callIds) => {
      const rows = answered.flatMap((one, i) => rowsOf(task, one, callIds[i]!));
      await insertNew(tx, majoritySamples, rows);
    }),
  });
}

function rowsOf(task: Task, { reply, request, call }: Answered, callId: number): NewMajoritySample[] {
  const { item, form, strategy, indices } = request;
  const refused = call.error !== undefined;
  return indices.slice(0, refused ? indices.length : reply.choices.length).map((index, i) => ({
    itemId: item.id,
    index,
    rewrite: form.key,
    strategy: strategy.name,
    rationale: rationaleOf(reply.choices[i]),
    answer: refused ? null : voteOf(task, form, reply.choices[i]),
    callId,
  }));
}

/** What a sample votes for: its answer to the item itself, unless it is out of form or does not hang together. */
function voteOf(task: Task, form: Rewrite, choice: ChatChoice | undefined): string | null {
  const rationale = rationaleOf(choice);
  const answer = answerIn(task, choice);
  if (answer === undefined || !task.checkFormat(form.text, rationale).ok) return null;
  if (!task.checkCoherence(form.text, rationale, answer).ok) return null;
  return form.mapBack(answer) ?? null;
}

const samplesIn = (requests: Request[]) => requests.reduce((sum, r) => sum + r.indices.length, 0);

async function storeVotes(db: Db, task: Task, items: BenchmarkItemRow[], k: number): Promise<void> {
  const stored = await majorityAnswers(
    db,
    items.map(({ id }) => id),
  );
  const byItem = Map.groupBy(stored, ({ itemId }) => itemId);
  const rows = items.map((item) => {
    const answers = (byItem.get(item.id) ?? []).map(({ answer }) => answer ?? undefined);
    if (answers.length !== k) throw new Error(`Item ${item.id} has ${answers.length} samples of ${k}.`);
    const { answer, votes, runnerUpVotes, samples } = vote(answers, task.sameAnswer);
    const correct = answer !== undefined && task.sameAnswer(answer, item.answer);
    return { itemId: item.id, answer: answer ?? null, votes, runnerUpVotes, samples, correct };
  });
  await addMajorityItems(db, rows);
}
