/** The vote beside a debate: samples until they took as many tokens, voted on as all samples are. It decides nothing; it is what a debate is measured against. */
import type { Db } from '../../db/connect.ts';
import {
  BESIDE,
  closeDebates,
  tokensOfCalls,
  turnsOf,
  type Beside,
  type Debate,
  type Turn,
} from '../../db/queries/debates.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import { vote } from '../../loop/vote.ts';
import type { Rewrite, Task } from '../../tasks/task.ts';
import { samplerOf, type IterationContext } from '../context.ts';
import { spread, strategiesOf } from '../pool.ts';
import { askTurns, type TurnRequest } from './ask.ts';
import { isSound } from './turns.ts';

/** What calls read and wrote, by call. */
export type CallTokens = ReadonlyMap<number, { prompt: number; completion: number }>;

/** All tokens of some calls, each counted once however many rows it made. */
export function tokensOf(callIds: readonly (number | null)[], calls: CallTokens): number {
  return [...new Set(callIds)].reduce<number>((sum, id) => {
    const tokens = id === null ? undefined : calls.get(id);
    return sum + (tokens ? tokens.prompt + tokens.completion : 0);
  }, 0);
}

/** Tokens of each sample: those that it wrote, and an even part of what its call read. */
export function sampleTokens(drawn: readonly Pick<Turn, 'callId' | 'completionTokens'>[], calls: CallTokens) {
  const rows = Map.groupBy(drawn, ({ callId }) => callId);
  return drawn.map(({ callId, completionTokens }) => {
    const read = callId === null ? 0 : (calls.get(callId)?.prompt ?? 0);
    return completionTokens + read / rows.get(callId)!.length;
  });
}

export type BesideStep =
  /** Samples up to this many. */
  { do: 'draw'; samples: number } | { do: 'close'; samples: number; tokens: number };

/**
 * How many samples there must be: as many as it takes to reach the debate's tokens, the one with which they are reached among them, so that
 * the vote never has less.
 *
 * @param tokens of the samples that there are, from the first on without a gap
 * @param usual tokens that a sample is expected to take
 */
export function nextBeside(
  tokens: readonly number[],
  wanted: number,
  { most, usual }: { most: number; usual: number },
): BesideStep {
  let used = 0;
  for (const [i, one] of tokens.entries()) {
    used += one;
    if (used >= wanted) return { do: 'close', samples: i + 1, tokens: used };
  }
  if (tokens.length >= most) return { do: 'close', samples: tokens.length, tokens: used };
  const each = Math.max(1, used > 0 ? used / tokens.length : usual);
  const more = Math.max(1, Math.ceil((wanted - used) / each));
  return { do: 'draw', samples: Math.min(most, tokens.length + more) };
}

/** The vote over the first of them; who is not sound abstains. */
function besideOf(
  { promptId }: Debate,
  drawn: readonly Turn[],
  tokens: number,
  { sameAnswer }: Pick<Task, 'sameAnswer'>,
): Beside {
  const result = vote(
    drawn.map((turn) => (isSound(turn) ? turn.answer! : undefined)),
    sameAnswer,
  );
  return {
    promptId,
    besideAnswer: result.answer ?? null,
    besideVotes: result.votes,
    besideRunnerUpVotes: result.runnerUpVotes,
    besideSamples: result.samples,
    besideTokens: Math.round(tokens),
  };
}

/** A problem with the forms in which it is put. */
export type Open = { prompt: StoredPrompt; forms: Rewrite[] };

/** Draws the samples of the votes beside, until each has its debate's tokens. */
export async function voteBeside(
  db: Db,
  context: IterationContext,
  ones: readonly (Open & { debate: Debate })[],
  page: string,
): Promise<void> {
  if (ones.length === 0) return;
  const { settings, task } = context;
  const ids = ones.map(({ prompt }) => prompt.id);
  const [drawn, argued] = [await turnsOf(db, ids, 'beside'), await turnsOf(db, ids, 'debate')];
  const made = [...drawn, ...argued].flatMap(({ callId }) => (callId === null ? [] : [callId]));
  const calls = await tokensOfCalls(db, [...new Set(made)]);
  const [byPrompt, turnsBy] = [drawn, argued].map((rows) => Map.groupBy(rows, ({ promptId }) => promptId));
  const strategies = strategiesOf(context);
  const sampler = {
    ...samplerOf(context),
    number: 0,
    temperature: settings.sampling.temperature,
    own: true,
  };
  const closed: Beside[] = [];
  const requests: TurnRequest[] = [];
  for (const { debate, prompt, forms } of ones) {
    const own = byPrompt!.get(prompt.id) ?? [];
    const opening = (turnsBy!.get(prompt.id) ?? []).filter(({ round }) => round === 1);
    const usual =
      tokensOf(
        opening.map(({ callId }) => callId),
        calls,
      ) / Math.max(1, opening.length);
    // Of a wave that was cut short: first what is missing of it.
    const gap = own.findIndex(({ agent }, i) => agent !== i);
    const wanted =
      gap === -1
        ? nextBeside(sampleTokens(own, calls), debate.tokens ?? 0, {
            most: settings.strategy.debate.votes,
            usual,
          })
        : { do: 'draw' as const, samples: own.at(-1)!.agent + 1 };
    if (wanted.do === 'close') {
      closed.push(besideOf(debate, own.slice(0, wanted.samples), wanted.tokens, task));
      continue;
    }
    const have = new Set(own.map(({ agent }) => agent));
    requests.push(
      ...spread(forms, strategies, wanted.samples)
        .map((draw) => ({ ...draw, indices: draw.indices.filter((index) => !have.has(index)) }))
        .filter(({ indices }) => indices.length > 0)
        .map((draw) => ({
          ...draw,
          prompt,
          round: BESIDE,
          agent: { ...sampler, strategy: draw.strategy },
        })),
    );
  }
  await closeDebates(db, closed);
  if (requests.length > 0) await askTurns(db, context, requests, page);
}
