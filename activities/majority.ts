import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import { addCalls } from '../db/calls.ts';
import type { Db } from '../db/connect.ts';
import type { BenchmarkItemRow } from '../db/evaluations.ts';
import {
  addMajorityItems,
  majorityAnswers,
  targetPage,
  votedItems,
  type NewMajoritySample,
} from '../db/majority.ts';
import { findCheckpoint } from '../db/runs.ts';
import { majoritySamples } from '../db/schema.ts';
import { vote } from '../loop/vote.ts';
import type { ChatChoice } from '../models/chat.ts';
import { errorText, FAILURE, isRefusal } from '../models/errors.ts';
import type { Rewrite, Task } from '../tasks/task.ts';
import { meanTokens, withinBudget } from './budget.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from './calls.ts';
import { endpointOf, formsFor, seedOf, settingsNow, taskOf, type Deps, readRun } from './context.ts';
import { spread, strategiesOf, type Draw } from './pool.ts';
import { answerIn, rationaleOf } from './reading.ts';
import { reloadOf } from './reload.ts';

/** `skipped`: why a page was left out; maj@K is then not known. */
export type MajorityPage = { items: number; skipped?: string };

type Request = Draw & { item: BenchmarkItemRow };
type Answered = MadeCall & { request: Request };

/** What a sample votes for: its answer to the item itself, unless it is out of form or does not hang together. */
function voteOf(task: Task, form: Rewrite, choice: ChatChoice | undefined): string | null {
  const rationale = rationaleOf(choice);
  const read = answerIn(task, choice);
  if (read === undefined || !task.checkFormat(form.text, rationale).ok) return null;
  if (!task.checkCoherence(form.text, rationale, read).ok) return null;
  return form.mapBack(read) ?? null;
}

export function createMajorityActivities({ db }: Deps) {
  /** Of these draws, those of which samples are not stored yet, each with only what is missing. */
  async function missing(requests: Request[]): Promise<Request[]> {
    const stored = await majorityAnswers(
      db,
      requests.map(({ item }) => item.id),
    );
    const have = new Set(stored.map(({ itemId, index }) => `${itemId}/${index}`));
    return requests
      .map((r) => ({ ...r, indices: r.indices.filter((index) => !have.has(`${r.item.id}/${index}`)) }))
      .filter((r) => r.indices.length > 0);
  }

  return {
    /**
     * maj@K of the model that the run starts from, over one page of its target items: K samples of each, over
     * rewrites and ways of asking as in the loop, and the vote over them without a critic. What the endpoint refuses
     * abstains. It is a yardstick and no part of any decision, so a budget without room for it leaves it out.
     */
    async majorityPage({
      runId,
      first,
      count,
    }: {
      runId: string;
      first: number;
      count: number;
    }): Promise<MajorityPage> {
      const run = await readRun(db, runId);
      const task = taskOf(run);
      const settings = await settingsNow(db, run, null);
      const { samples: k, temperature, topP, maxTokens } = run.settings.sampling;
      const base = (await findCheckpoint(db, runId, 0))!;
      const endpoint = endpointOf('generator', run.settings, task, base);
      const page = await targetPage(db, runId, first, count);
      const voted = await votedItems(
        db,
        page.map(({ id }) => id),
      );
      const items = page.filter(({ id }) => !voted.has(id));
      const strategies = strategiesOf({ task, settings: run.settings });
      const requests = items.flatMap((item): Request[] => {
        const prompt = { key: item.key, text: item.text };
        const forms = formsFor(task, prompt, seedOf(run.settings.seed, 'majority', item.key));
        return spread(forms, strategies, k).map((draw) => ({ ...draw, item }));
      });
      const whose = { runId, iterationId: null, stage: 'majority', role: 'generator' as const };

      function rowsOf({ reply, request, call }: Answered, callId: number): NewMajoritySample[] {
        const { item, form, strategy, indices } = request;
        const refused = call.error !== undefined;
        return indices.slice(0, refused ? indices.length : reply.choices.length).map((index, i) => {
          const rationale = rationaleOf(reply.choices[i]);
          const answer = refused ? null : voteOf(task, form, reply.choices[i]);
          return {
            itemId: item.id,
            index,
            rewrite: form.key,
            strategy: strategy.name,
            rationale,
            answer,
            callId,
          };
        });
      }

      let left = await missing(requests);
      const ask = () =>
        callAll(left, {
          endpoint,
          concurrency: run.settings.paging.callsInFlight,
          what: `measuring the majority of ${endpoint.model}`,
          call: async (request, signal): Promise<Answered> => {
            const { item, form, strategy, indices } = request;
            const wire = {
              messages: strategy.messages(form.text),
              maxTokens: maxTokens ?? task.maxTokens,
              temperature,
              topP,
              n: indices.length,
              seed: seedOf(run.settings.seed, 'majority', item.key, indices[0]!),
            };
            return { ...(await ledgerChat(db, endpoint, wire, whose, signal)), request };
          },
          onFailure: (request, error): Answered => {
            if (!isRefusal(error)) throw error;
            return { ...unanswered(endpoint, whose, errorText(error)), request };
          },
          reload: reloadOf(
            db,
            endpoint,
            endpointOf('trainer', run.settings, task),
            base,
            cancellationSignal(),
          ),
          store: (answered: Answered[]) =>
            db.transaction(async (tx) => {
              const ids = await addCalls(
                tx,
                answered.map((a) => a.call),
              );
              const rows = answered.flatMap((a, i) => rowsOf(a, ids[i]!));
              if (rows.length > 0) await tx.insert(majoritySamples).values(rows).onConflictDoNothing();
            }),
        });
      async function askAll(): Promise<void> {
        // Some servers give one choice whatever n says, so a round that brought anything is progress.
        while (left.length > 0) {
          const before = samplesIn(left);
          await ask();
          left = await missing(left);
          if (samplesIn(left) === before) {
            throw ApplicationFailure.create({
              type: FAILURE.modelUnavailable,
              message: `measuring the majority of ${endpoint.model}: none of ${before} choices was given`,
            });
          }
        }
      }

      const { sample: each } = await meanTokens(db, run, settings, task);
      const units = samplesIn(left);
      const held = { key: `majority/${first}`, model: endpoint.model, units, each, reserve: true };
      try {
        await withinBudget(db, { run, settings, task }, held, askAll);
      } catch (error) {
        const tooDear = error instanceof ApplicationFailure && error.type === FAILURE.budgetExceeded;
        if (!tooDear) throw error;
        return { items: 0, skipped: error.message };
      }
      await storeVotes(db, task, items, k);
      return { items: items.length };
    },
  };
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

export type MajorityActivities = ReturnType<typeof createMajorityActivities>;
