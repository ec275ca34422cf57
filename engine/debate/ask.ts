/** Asks agents for their turns, and for the samples of the vote beside. What is stored is not asked for again, nor what any run drew under equal conditions. */
import type { Db } from '../../db/connect.ts';
import { addTurns, storedTurns, turnsOf, BESIDE, type NewTurn, type Turn } from '../../db/queries/debates.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import type { TurnAction } from '../../db/schema.ts';
import type { ChatMessage } from '../../models/chat.ts';
import { beginning, GO_ON, keeps, revisionMessages } from '../../tasks/debate.ts';
import type { Pointed } from '../../tasks/task.ts';
import { meanTokens, withinBudget, type Tokens } from '../budget.ts';
import { seedOf, type IterationContext } from '../context.ts';
import {
  askFor,
  countOf,
  missingOf,
  takeFromCache,
  untilWhole,
  type Drawing,
  type Drawn,
} from '../drawing.ts';
import type { Draw } from '../pool.ts';
import { readWork } from '../reading.ts';
import { allowanceOf, REFUSED, type Allowance } from '../refusals.ts';
import type { Agent } from './agents.ts';

/** A turn to be asked for; of the vote beside, some samples of one form. */
export type TurnRequest = Draw & {
  prompt: StoredPrompt;
  round: number;
  agent: Agent;
  /** Of a later turn: what the agent held before, and all that there is to say about it. */
  after?: { own: Turn; others: readonly Turn[]; fault: Pick<Pointed, 'line' | 'reason'> | undefined };
};

const idOf = (promptId: number, round: number, agent: number) => `${promptId}/${round}/${agent}`;

/** What the model is sent, and the lines of its own work that it is to go on from. */
function wireOf(
  { task }: IterationContext,
  { agent, form, after }: TurnRequest,
): { messages: ChatMessage[]; begun: string; action: TurnAction } {
  const asked = agent.strategy.messages(form.text);
  // Who has nothing to revise answers anew.
  if (!after || after.own.rationale.trim() === '') return { messages: asked, begun: '', action: 'answer' };
  const { own, others, fault } = after;
  if (task.debates === 'alone') {
    const begun = fault?.line === undefined ? '' : beginning(own.rationale, fault.line);
    const last = begun === '' ? [] : [{ role: 'assistant' as const, content: begun }];
    return { messages: [...asked, ...last], begun, action: 'revise' };
  }
  const works = others.map(({ rationale }) => rationale).filter((work) => work.trim() !== '');
  const messages = revisionMessages({ asked, own: own.rationale, others: works, fault });
  return { messages, begun: '', action: 'revise' };
}

function drawingOf(
  db: Db,
  context: IterationContext,
  { endpoint, role, checkpoint, own }: Agent,
): Drawing<TurnRequest, NewTurn> {
  const { run, iteration, settings, task } = context;
  return {
    db,
    context,
    endpoint,
    checkpoint,
    whose: { runId: run.id, iterationId: iteration.id, stage: 'debate', role },
    what: `asking ${endpoint.model} in debates`,
    chatRequest(request) {
      const { messages, begun } = wireOf(context, request);
      const { prompt, round, agent, indices } = request;
      return {
        messages,
        maxTokens: settings.sampling.maxTokens ?? task.maxTokens,
        temperature: agent.temperature,
        topP: settings.sampling.topP,
        n: indices.length,
        seed: seedOf(iteration.plan.seed, prompt.key, 'debate', round, indices[0]!),
        ...(begun === '' ? {} : { extra: GO_ON }),
      };
    },
    rowOf: (request, index, drawn) => rowOf(context, own ? checkpoint.id : null, request, index, drawn),
    refused: (row, reason) => ({
      ...row,
      answer: null,
      formatOk: false,
      formatReason: reason,
      coherenceOk: false,
      coherenceReason: reason,
    }),
    write: (to, rows) => addTurns(to, rows),
  };
}

function rowOf(
  context: IterationContext,
  checkpointId: number | null,
  request: TurnRequest,
  index: number,
  { rationale: reply, ...drawn }: Drawn,
): NewTurn {
  const { prompt, round, agent, form, after } = request;
  const { begun, action } = wireOf(context, request);
  const asked = {
    promptId: prompt.id,
    round,
    agent: index,
    checkpointId,
    rewrite: form.key,
    strategy: agent.strategy.name,
    request: form.text,
    reply,
    ...drawn,
  };
  if (after && action === 'revise' && keeps(reply)) return { ...asked, ...heldIn(after.own), action: 'keep' };
  const { finishReason, completionTokens } = drawn;
  const { formatOk } = readWork(context.task, form, { text: reply, finishReason, completionTokens });
  // A server that knows no going on begins anew.
  const whole = begun !== '' && !formatOk ? begun + reply : reply;
  const goesOn = whole !== reply;
  const share = goesOn ? begun.length / Math.max(1, after!.own.rationale.length) : 0;
  return {
    ...asked,
    ...readWork(context.task, form, { text: whole, finishReason, completionTokens }),
    action,
    rationale: whole,
    keptLines: goesOn ? begun.split('\n').length - 1 : 0,
    workTokens: completionTokens + Math.round(share * (after?.own.workTokens ?? 0)),
  };
}

/** The work that an agent holds on to. */
export const heldIn = ({
  rationale,
  answer,
  formatOk,
  formatReason,
  coherenceOk,
  coherenceReason,
  workTokens,
}: Turn) => ({
  rationale,
  answer,
  formatOk,
  formatReason,
  coherenceOk,
  coherenceReason,
  workTokens,
});

const missingIn = (requests: readonly TurnRequest[], stored: readonly Turn[]): TurnRequest[] => {
  const have = new Set(stored.map(({ promptId, round, agent }) => idOf(promptId, round, agent)));
  return missingOf(requests, ({ prompt, round }, index) => have.has(idOf(prompt.id, round, index)));
};

/** Agents that answer at one place as one checkpoint are asked together. */
const placeOf = ({ agent: { endpoint, checkpoint, own } }: TurnRequest): string =>
  JSON.stringify([endpoint.baseURL, endpoint.model, endpoint.extra ?? null, own ? checkpoint.id : null]);

/**
 * @param page names the page and wave in the budget
 * @throws ModelUnavailable
 */
export async function askTurns(
  db: Db,
  context: IterationContext,
  requests: readonly TurnRequest[],
  page: string,
): Promise<void> {
  for (const [i, [, own]] of [...Map.groupBy(requests, placeOf)].entries())
    await askAt(db, context, own, `${page}/${i}`);
}

async function askAt(
  db: Db,
  context: IterationContext,
  requests: readonly TurnRequest[],
  page: string,
): Promise<void> {
  const { run, iteration, settings, task } = context;
  const drawing = drawingOf(db, context, requests[0]!.agent);
  const { what, endpoint } = drawing;
  const ids = [...new Set(requests.map(({ prompt }) => prompt.id))];
  const of = requests[0]!.round === BESIDE ? ('beside' as const) : ('debate' as const);
  const stored = await turnsOf(db, ids, of);
  const left = missingIn(requests, stored);
  const allowance: Allowance = allowanceOf(what, {
    share: settings.paging.failureAllowance,
    total: requests.length,
    before: stored.filter(({ finishReason }) => finishReason === REFUSED).length,
  });
  async function once(before: TurnRequest[]): Promise<{ asked: TurnRequest[]; still: TurnRequest[] }> {
    const hits = settings.sampling.cache ? await takeFromCache(drawing, before, storedTurns) : 0;
    const asked = hits > 0 ? missingIn(before, await turnsOf(db, ids, of)) : before;
    if (asked.length === 0) return { asked, still: [] };
    await askFor(drawing, asked, allowance);
    return { asked, still: missingIn(asked, await turnsOf(db, ids, of)) };
  }
  const { sample } = await meanTokens(db, run, settings, task);
  await withinBudget(
    db,
    { run, settings, task, iterationId: iteration.id },
    { key: `debate/${page}`, model: endpoint.model, units: countOf(left), each: eachOf(sample, left) },
    () => untilWhole(what, left, once),
  );
}

/** About what a turn takes: a later one reads what all others wrote. */
function eachOf({ prompt, completion }: Tokens, requests: readonly TurnRequest[]): Tokens {
  const works = Math.max(0, ...requests.map(({ after }) => (after ? after.others.length + 1 : 0)));
  return { prompt: prompt + works * completion, completion };
}
