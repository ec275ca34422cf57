/**
 * What comes next in a debate. Decided from its turns and from what critics said of them alone, so that whoever finds a debate half
 * done goes on as if nothing had happened.
 */
import type { Point, Turn } from '../../db/queries/debates.ts';

export type Held = Pick<
  Turn,
  'id' | 'round' | 'agent' | 'action' | 'callId' | 'rationale' | 'answer' | 'formatOk' | 'coherenceOk'
>;
export type Said = Pick<Point, 'turnId' | 'outcome' | 'line' | 'reason'>;

export type Step<T extends Held> =
  /** Agents that are asked for this round, and those that stand by their work of the round before without being asked. */
  | { do: 'ask'; round: number; ask: number[]; keep: T[] }
  /** Work of this round that the critics have not seen. */
  | { do: 'point'; turns: T[] }
  | { do: 'end'; round: number; reason: string };

export type Rules = {
  agents: number;
  rounds: number;
  /** Most calls of all agents and critics. */
  calls: number;
  /** Critics point to bad lines. */
  pointed: boolean;
  /** Agents do not see each other's work: only a critic, or work that is unsound, makes one of them think again. */
  alone: boolean;
  sameAnswer(a: string, b: string): boolean;
};

export const isSound = ({
  answer,
  formatOk,
  coherenceOk,
}: Pick<Held, 'answer' | 'formatOk' | 'coherenceOk'>) => answer !== null && formatOk && coherenceOk;

/** The turn in which an agent came to the work that it holds. */
export function originOf<T extends Held>(turn: T, turns: readonly T[]): T {
  if (turn.action !== 'keep') return turn;
  const before = turns.find(({ round, agent }) => round === turn.round - 1 && agent === turn.agent);
  return before ? originOf(before, turns) : turn;
}

/** What a critic has against the work that an agent holds; undefined: nothing, or it was not asked. */
export function faultOf<T extends Held, P extends Said>(
  turn: T,
  turns: readonly T[],
  points: readonly P[],
): P | undefined {
  const { id } = originOf(turn, turns);
  return points.find(({ turnId, outcome }) => turnId === id && outcome === 'fails');
}

/** Rows that were asked of a model in rounds up to this one: the calls of a debate. */
const callsUpTo = (turns: readonly Held[], points: readonly Said[], round: number): number => {
  const own = turns.filter((turn) => turn.round <= round);
  const ids = new Set(own.map(({ id }) => id));
  return (
    own.filter(({ callId }) => callId !== null).length + points.filter(({ turnId }) => ids.has(turnId)).length
  );
};

export function nextStep<T extends Held>(
  turns: readonly T[],
  points: readonly Said[],
  rules: Rules,
): Step<T> {
  for (let round = 1; ; round++) {
    const before = turns.filter((turn) => turn.round === round - 1);
    const own = turns.filter((turn) => turn.round === round);
    if (own.length < rules.agents) {
      const there = new Set(own.map(({ agent }) => agent));
      const { ask, keep } = planRound(round, before, turns, points, rules);
      if (ask.length === 0) return { do: 'end', round: round - 1, reason: 'nobody had a reason to revise' };
      const planned = callsUpTo(turns, points, round - 1) + ask.length;
      if (planned > rules.calls && round > 1) return { do: 'end', round: round - 1, reason: capped(planned) };
      return {
        do: 'ask',
        round,
        ask: ask.filter((agent) => !there.has(agent)),
        keep: keep.filter(({ agent }) => !there.has(agent)),
      };
    }
    if (round === rules.rounds) return { do: 'end', round, reason: 'it was the last round' };
    if (rules.pointed) {
      const shown = own.filter(
        (turn) => turn.action !== 'keep' && turn.rationale.trim() !== '' && turn.answer !== null,
      );
      const seen = new Set(points.map(({ turnId }) => turnId));
      const left = shown.filter(({ id }) => !seen.has(id));
      if (left.length > 0) {
        const ids = new Set(shown.map(({ id }) => id));
        const earlier = points.filter(({ turnId }) => !ids.has(turnId));
        const planned = callsUpTo(turns, earlier, round) + shown.length;
        if (planned > rules.calls) return { do: 'end', round, reason: capped(planned) };
        return { do: 'point', turns: left };
      }
    }
    if (isSettled(own, turns, points, rules))
      return { do: 'end', round, reason: 'all agree and no critic objects' };
  }

  function capped(planned: number): string {
    return `it would take ${planned} calls, at most ${rules.calls} are allowed (strategy.debate.calls)`;
  }
}

function planRound<T extends Held>(
  round: number,
  before: readonly T[],
  turns: readonly T[],
  points: readonly Said[],
  { agents, alone }: Rules,
): { ask: number[]; keep: T[] } {
  if (round === 1) return { ask: Array.from({ length: agents }, (_, agent) => agent), keep: [] };
  const stays = (turn: T) => alone && isSound(turn) && faultOf(turn, turns, points) === undefined;
  return {
    ask: before.filter((turn) => !stays(turn)).map(({ agent }) => agent),
    keep: before.filter(stays),
  };
}

function isSettled<T extends Held>(
  own: readonly T[],
  turns: readonly T[],
  points: readonly Said[],
  { sameAnswer }: Rules,
): boolean {
  const [first] = own;
  return own.every(
    (turn) =>
      isSound(turn) && sameAnswer(turn.answer!, first!.answer!) && faultOf(turn, turns, points) === undefined,
  );
}
