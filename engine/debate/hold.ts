/**
 * Holds a page of debates to their end, each with the vote beside it: each wave asks for what is open in all debates of the page.
 * Whoever comes after a kill finds turns and critiques as they are: what was answered is not asked again.
 */
import { heartbeat } from '@temporalio/activity';
import type { Db } from '../../db/connect.ts';
import {
  addTurns,
  debatesOn,
  endDebates,
  tokensOfCalls,
  turnsOf,
  type Argued,
  type Debate,
  type NewTurn,
  type Point,
  type Turn,
} from '../../db/queries/debates.ts';
import type { samples } from '../../db/schema.ts';
import { vote } from '../../loop/vote.ts';
import type { Rewrite } from '../../tasks/task.ts';
import { formsOf, plainForm, type IterationContext } from '../context.ts';
import { acceptedParaphrases } from '../paraphrase.ts';
import { agentsOf, type Agent } from './agents.ts';
import { askTurns, type TurnRequest } from './ask.ts';
import { tokensOf, voteBeside, type Open } from './beside.ts';
import { ableAt, askToPoint, pointingCritics, saidOf, type Pointing, type Shown } from './critics.ts';
import { heldRow, keptRow } from './rows.ts';
import { faultOf, isSound, nextStep } from './turns.ts';

type One = Open & { debate: Debate };

/** All that a page's debates are held with. */
type Hall = {
  db: Db;
  context: IterationContext;
  agents: Agent[];
  critics: Pointing[];
  /** Names the page in the budget. */
  page: string;
};

/** What one look at all debates decides. */
type Wave = {
  ask: TurnRequest[];
  keep: NewTurn[];
  show: Shown[];
  ended: Argued[];
  held: (typeof samples.$inferInsert)[];
};

/** @returns how many debates the page has */
export async function holdDebates(
  db: Db,
  context: IterationContext,
  page: { first: number; count: number },
): Promise<{ debates: number }> {
  const hall: Hall = {
    db,
    context,
    agents: await agentsOf(db, context),
    critics: pointingCritics(context),
    page: `${context.iteration.index}/${page.first}`,
  };
  for (let wave = 0; ; wave++) {
    const all = await debatesOn(db, context.iteration.id, page);
    const left = all.filter(({ debate }) => debate.status !== 'closed');
    heartbeat({ wave, left: left.length });
    if (left.length === 0) return { debates: all.length };
    const paraphrases = await acceptedParaphrases(
      db,
      left.map(({ prompt }) => prompt.id),
    );
    const ones = left.map(({ debate, prompt }): One => {
      const problem = { ...prompt, level: prompt.level ?? undefined };
      return { debate, prompt, forms: formsOf(context, problem, paraphrases.get(prompt.id)) };
    });
    await argue(
      hall,
      ones.filter(({ debate }) => debate.status === 'open'),
      wave,
    );
    await voteBeside(
      db,
      context,
      ones.filter(({ debate }) => debate.status === 'argued'),
      `${hall.page}/beside/${wave}`,
    );
  }
}

/** Agents that see each other's work must speak of one problem: where forms have other numbers, of the prompt as it stands. */
function formFor({ task }: IterationContext, { prompt, forms }: Open, agent: number): Rewrite {
  const plain = task.rewrites ? plainForm({ ...prompt, level: undefined }, forms) : undefined;
  return task.debates !== 'alone' && plain ? plain : forms[agent % forms.length]!;
}

async function argue(hall: Hall, ones: readonly One[], number: number): Promise<void> {
  if (ones.length === 0) return;
  const { db, context, critics, page } = hall;
  const ids = ones.map(({ prompt }) => prompt.id);
  const turns = await turnsOf(db, ids, 'debate');
  const points = await saidOf(db, turns);
  const byPrompt = Map.groupBy(turns, ({ promptId }) => promptId);
  const wave: Wave = { ask: [], keep: [], show: [], ended: [], held: [] };
  for (const one of ones) step(hall, one, byPrompt.get(one.prompt.id) ?? [], points, wave);
  await addTurns(db, wave.keep);
  await end(hall, wave, turns, points);
  if (wave.ask.length > 0) await askTurns(db, context, wave.ask, `${page}/${number}`);
  if (wave.show.length > 0) await askToPoint(db, context, critics, wave.show, `${page}/${number}`);
}

function step(
  { context, agents, critics }: Hall,
  one: One,
  turns: readonly Turn[],
  points: readonly Point[],
  wave: Wave,
): void {
  const { task, settings } = context;
  const { prompt } = one;
  const { rounds, calls } = settings.strategy.debate;
  const next = nextStep(turns, points, {
    agents: agents.length,
    rounds,
    calls,
    pointed: ableAt(critics, prompt.level).length > 0,
    alone: task.debates === 'alone',
    sameAnswer: (a, b) => task.sameAnswer(a, b),
  });
  if (next.do === 'point') wave.show.push(...next.turns.map((turn) => ({ turn, prompt })));
  if (next.do === 'ask') {
    const before = turns.filter(({ round }) => round === next.round - 1);
    wave.keep.push(...next.keep.map((turn) => keptRow(turn, next.round)));
    wave.ask.push(
      ...next.ask.map((number): TurnRequest => {
        const agent = agents[number]!;
        const own = before.find((turn) => turn.agent === number);
        const request = {
          prompt,
          round: next.round,
          agent,
          form: formFor(context, one, number),
          strategy: agent.strategy,
        };
        if (!own) return { ...request, indices: [number] };
        const fault = faultOf(own, turns, points);
        const others = before.filter((turn) => turn !== own);
        const after = {
          own,
          others,
          fault: fault && { line: fault.line ?? undefined, reason: fault.reason },
        };
        return { ...request, indices: [number], after };
      }),
    );
  }
  if (next.do === 'end') {
    const { round, reason } = next;
    const last = turns.filter((turn) => turn.round === round);
    const ungated = settings.experiment === 'ungated';
    const result = vote(
      last.map((turn) => (isSound(turn) || ungated ? (turn.answer ?? undefined) : undefined)),
      (a, b) => task.sameAnswer(a, b),
    );
    const { votes, runnerUpVotes } = result;
    const answer = result.answer ?? null;
    const unreadable = last.filter((turn) => turn.answer === null).length;
    const counts = { answer, votes, runnerUpVotes, unreadable };
    wave.ended.push({ promptId: prompt.id, ...counts, rounds: round, tokens: 0, reason });
    if (prompt.purpose === 'learn')
      wave.held.push(...last.filter(isSound).flatMap((turn) => heldRow(turn, turns)));
  }
}

/** Stores how debates ended, with what they took. */
async function end({ db }: Hall, { ended, held }: Wave, turns: readonly Turn[], points: readonly Point[]) {
  if (ended.length === 0) return;
  const ids = new Set(ended.map(({ promptId }) => promptId));
  const own = turns.filter(({ promptId }) => ids.has(promptId));
  const promptOf = new Map(own.map(({ id, promptId }) => [id, promptId]));
  const said = points.filter(({ turnId }) => promptOf.has(turnId));
  const made = [...own, ...said].flatMap(({ callId }) => (callId === null ? [] : [callId]));
  const calls = await tokensOfCalls(db, [...new Set(made)]);
  await endDebates(
    db,
    ended.map((one) => {
      const of = [
        ...own.filter(({ promptId }) => promptId === one.promptId),
        ...said.filter(({ turnId }) => promptOf.get(turnId) === one.promptId),
      ];
      return {
        ...one,
        tokens: tokensOf(
          of.map(({ callId }) => callId),
          calls,
        ),
      };
    }),
    held,
  );
}
