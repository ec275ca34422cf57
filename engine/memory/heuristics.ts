/** Short rules that the model writes of accepted examples, to be tested like any other entry. */
import { cancellationSignal } from '@temporalio/activity';
import { and, eq, isNull, or } from 'drizzle-orm';
import { addMemory, addStates, proposalsFor, type Proposal } from '../../db/queries/memory.ts';
import type { Db } from '../../db/connect.ts';
import { modelCalls } from '../../db/schema.ts';
import { storableText } from '../../db/storable.ts';
import { heuristicProblem } from '../../loop/heuristic.ts';
import type { ChatRequest } from '../../models/chat.ts';
import { unfence } from '../../tasks/strict-json.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { CHARACTERS_PER_TOKEN, withinBudget } from '../budget.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type MadeCall } from '../calls.ts';
import { endpointOf, samplerOf, seedOf, type IterationContext } from '../context.ts';
import { refusalReason } from '../refusals.ts';
import { reloadOf } from '../reload.ts';
import { memoryTokens } from './prompt.ts';

/** Accepted examples of which one rule is made, and fewer than which make none. */
const EXAMPLES = 4;
const LEAST_EXAMPLES = 2;
/** Accepted examples to choose from. */
const POOL = 64;
const TEMPERATURE = 0.7;
const MOST_TOKENS = 128;
/** In the ledger. What it says is done is not asked again, though nothing came of it. */
const STAGE = 'heuristic';

const SYSTEM =
  'You note what is worth remembering. You are shown solved problems. Write one rule of at most 40 words that helps to solve other ' +
  'problems of their kind. It must hold without these problems: name no number, person or answer of theirs. Answer with the rule alone.';

type Asking = { number: number; of: Proposal[] };
type Made = MadeCall & Asking & { refused?: string };

/** Asks for the rules that an iteration may still ask for, and stores what can be one as unverified, the rest as rejected. */
export async function writeHeuristics(db: Db, context: IterationContext): Promise<void> {
  const { settings, run, task, iteration } = context;
  const own = and(
    eq(modelCalls.iterationId, iteration.id),
    eq(modelCalls.stage, STAGE),
    // A refusal is an answer too: it stands there as a call without a request.
    or(isNull(modelCalls.error), eq(modelCalls.requests, 0)),
  );
  const done = settings.memory.heuristics === 0 ? 0 : await db.$count(modelCalls, own);
  const open = openRules(
    done,
    settings.memory.heuristics,
    settings.memory.heuristics > done ? await proposalsFor(db, { task: run.task, most: POOL }) : [],
  );
  const longest = Math.max(0, ...open.map((one) => requestFor(context, one).messages[1]!.content.length));
  const held = {
    key: `heuristics/${iteration.index}`,
    model: samplerOf(context).endpoint.model,
    units: open.length,
    each: { prompt: (SYSTEM.length + longest) / CHARACTERS_PER_TOKEN, completion: MOST_TOKENS },
  };
  await withinBudget(db, { run, settings, task, iterationId: iteration.id }, held, () =>
    askAll(db, context, open),
  );
}

function openRules(done: number, most: number, pool: Proposal[]): Asking[] {
  const numbers = Array.from({ length: Math.max(0, most - done) }, (_, i) => done + i);
  return numbers.flatMap((number) => {
    const of = pool.slice(number * EXAMPLES, (number + 1) * EXAMPLES);
    return of.length < LEAST_EXAMPLES ? [] : [{ number, of }];
  });
}

function requestFor({ iteration }: IterationContext, { number, of }: Asking): ChatRequest {
  const shown = of.map(({ prompt, rationale }) => `Problem: ${prompt}\nSolution: ${rationale}`);
  return {
    messages: [
      { role: 'system', content: SYSTEM },
      { role: 'user', content: shown.join('\n\n') },
    ],
    maxTokens: MOST_TOKENS,
    temperature: TEMPERATURE,
    seed: seedOf(iteration.plan.seed, STAGE, number),
  };
}

async function askAll(db: Db, context: IterationContext, open: Asking[]): Promise<void> {
  const { run, iteration, settings, task } = context;
  const { role, endpoint, checkpoint } = samplerOf(context);
  const whose = { runId: run.id, iterationId: iteration.id, stage: STAGE, role };
  await callAll(open, {
    endpoint,
    // One after the other, so that after a kill their number tells which are left.
    concurrency: 1,
    what: `asking ${endpoint.model} for rules`,
    reload: reloadOf(db, endpoint, endpointOf('trainer', settings, task), checkpoint, cancellationSignal()),
    call: async (asking, signal): Promise<Made> => {
      return { ...(await ledgerChat(db, endpoint, requestFor(context, asking), whose, signal)), ...asking };
    },
    onFailure: (asking, error): Made => {
      const refused = refusalReason(error);
      if (refused === undefined) throw error;
      return { ...unanswered(endpoint, whose, refused), ...asking, refused };
    },
    store: storeWithCalls(db, async (tx, made: Made[], callIds) => {
      for (const [i, one] of made.entries()) await storeRule(tx as unknown as Db, context, one, callIds[i]!);
    }),
  });
}

async function storeRule(
  db: Db,
  { run, iteration }: IterationContext,
  { reply, of, refused }: Made,
  callId: number,
): Promise<void> {
  const [choice] = reply.choices;
  const text = storableText(unfence(visibleOf(choice?.text ?? '')).trim());
  if (refused !== undefined || choice?.refused !== undefined || text === '') return;
  const problem =
    choice!.finishReason === 'length'
      ? 'it was cut off'
      : heuristicProblem(
          text,
          of.map(({ prompt, rationale }) => `${prompt} ${rationale}`),
        );
  const tokens = memoryTokens({ request: null, text });
  const by = reply.model;
  const id = await addMemory(
    db,
    { task: run.task, kind: 'heuristic', text, tokens, by, iterationId: iteration.id, callId },
    of.map(({ key, prompt, level, exampleId }) => ({ key, text: prompt, level, exampleId })),
    `written in iteration ${iteration.index} of ${of.length} accepted examples`,
  );
  if (id !== undefined && problem !== undefined)
    await addStates(db, [{ entryId: id, state: 'rejected', reason: problem, by: `run ${run.id}` }]);
}
