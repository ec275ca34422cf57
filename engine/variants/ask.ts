/** Asks the model that generates for easier variants of prompts. */
import { cancellationSignal } from '@temporalio/activity';
import type { Db } from '../../db/connect.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import type { ChatChoice } from '../../models/chat.ts';
import { easierMessages } from '../../tasks/easier.ts';
import { unfence } from '../../tasks/strict-json.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { CHARACTERS_PER_TOKEN, meanTokens, withinBudget } from '../budget.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type MadeCall } from '../calls.ts';
import { endpointOf, samplerOf, seedOf, type IterationContext } from '../context.ts';
import { CUT_OFF, cutOffReason } from '../reading.ts';
import { refusalReason } from '../refusals.ts';
import { reloadOf } from '../reload.ts';
import type { Given } from './check.ts';
import { wholeOf, type StoreGiven } from './store.ts';

/** Ways of making one thing easier should differ. */
const TEMPERATURE = 1;

type Answered = MadeCall & { parent: StoredPrompt; given: Given[] };

/** What a model wrote as a problem: without its thinking, a byte-order mark, or a fence around it. */
function givenIn({ text, finishReason, completionTokens, refused }: ChatChoice): Given {
  if (refused !== undefined) return { text: '', dropped: { outcome: 'refused', reason: refused } };
  const written = unfence(visibleOf(text));
  return finishReason === CUT_OFF
    ? { text: written, dropped: { outcome: 'cut-off', reason: cutOffReason(completionTokens) } }
    : { text: written };
}

/** One request per prompt. @param page.first of the prompts that variants are made of @throws BudgetExceeded */
export async function askForEasier(
  db: Db,
  context: IterationContext,
  parents: readonly StoredPrompt[],
  { first, each, store }: { first: number; each: number; store: StoreGiven },
): Promise<void> {
  const { run, iteration, settings, task } = context;
  const { endpoint, role, checkpoint } = samplerOf(context);
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'variants', role };
  const mean = await meanTokens(db, run, settings, task);
  const asked = parents.map(({ text }) =>
    easierMessages(text).reduce((sum, { content }) => sum + content.length, 0),
  );
  const tokens = {
    prompt: asked.reduce((sum, length) => sum + length, 0) / asked.length / CHARACTERS_PER_TOKEN,
    completion: mean.sample.completion * each,
  };
  await withinBudget(
    db,
    { run, settings, task, iterationId: iteration.id },
    {
      key: `variants/${iteration.index}/${first}`,
      model: endpoint.model,
      units: parents.length,
      each: tokens,
    },
    () =>
      callAll([...parents], {
        endpoint,
        concurrency: settings.paging.callsInFlight,
        what: `asking ${endpoint.model} for easier problems`,
        reload: reloadOf(
          db,
          endpoint,
          endpointOf('trainer', settings, task),
          checkpoint,
          cancellationSignal(),
        ),
        call: async (parent, signal): Promise<Answered> => {
          const request = {
            messages: easierMessages(parent.text),
            // As long as the problem, or as a thinking model needs.
            maxTokens: Math.max(64 + parent.text.length, settings.sampling.maxTokens ?? task.maxTokens),
            temperature: TEMPERATURE,
            n: each,
            seed: seedOf(iteration.plan.seed, 'variants', parent.key),
          };
          const made = await ledgerChat(db, endpoint, request, whose, signal);
          return { ...made, parent, given: wholeOf(made.reply.choices.map(givenIn), each) };
        },
        onFailure: (parent, error): Answered => {
          const reason = refusalReason(error);
          if (reason === undefined) throw error;
          const refused: Given = { text: '', dropped: { outcome: 'refused', reason } };
          return {
            ...unanswered(endpoint, whose, reason),
            parent,
            given: Array.from({ length: each }, () => refused),
          };
        },
        store: storeWithCalls(db, (tx, made: Answered[], callIds) =>
          store(
            tx,
            made.map(({ parent, given }, i) => ({ parent, by: 'model', given, callId: callIds[i]! })),
          ),
        ),
      }),
  );
}
