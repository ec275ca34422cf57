/** The debate about a sample's prompt, turn by turn, as terminal and page show it. */
import { inArray } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import { pointsOf, turnsOf, type Debate, type Turn } from '../../db/queries/debates.ts';
import { debates, modelCalls } from '../../db/schema.ts';

export type DebateTurnWhy = Pick<
  Turn,
  | 'round'
  | 'agent'
  | 'action'
  | 'rewrite'
  | 'strategy'
  | 'keptLines'
  | 'answer'
  | 'rationale'
  | 'seed'
  | 'cached'
> & {
  /** What answered; null where nobody was asked. */
  model: string | null;
  checkpoint: number | null;
  /** What is wrong with its form or its steps; null: nothing. */
  problem: string | null;
  /** What a critic said of it; null: it was not shown to one. */
  critic: { name: string; outcome: string; line: number | null; reason: string } | null;
};

export type DebateWhy = Pick<
  Debate,
  'status' | 'answer' | 'votes' | 'agents' | 'rounds' | 'tokens' | 'reason'
> & {
  /** The vote with as many tokens, which decided nothing. */
  beside: { answer: string | null; votes: number; samples: number; tokens: number } | null;
  turns: DebateTurnWhy[];
};

/** The debates about these prompts; prompts without one are left out. */
export async function debatesOf(db: Db, promptIds: number[]): Promise<Map<number, DebateWhy>> {
  const ids = [...new Set(promptIds)];
  if (ids.length === 0) return new Map();
  const held = await db.select().from(debates).where(inArray(debates.promptId, ids));
  if (held.length === 0) return new Map();
  const turns = await turnsOf(db, ids, 'debate');
  const points = await pointsOf(
    db,
    turns.map(({ id }) => id),
  );
  const callIds = [...new Set(turns.flatMap(({ callId }) => (callId === null ? [] : [callId])))];
  const calls =
    callIds.length === 0
      ? []
      : await db
          .select({ id: modelCalls.id, model: modelCalls.model })
          .from(modelCalls)
          .where(inArray(modelCalls.id, callIds));
  const modelOf = new Map(calls.map(({ id, model }) => [id, model]));
  const turnWhy = (turn: Turn): DebateTurnWhy => {
    const { round, agent, action, rewrite, strategy, keptLines, answer, rationale, seed, cached } = turn;
    const point = points.find(({ turnId }) => turnId === turn.id);
    return {
      round,
      agent,
      action,
      rewrite,
      strategy,
      keptLines,
      answer,
      rationale,
      seed,
      cached,
      model: turn.callId === null ? null : modelOf.get(turn.callId)!,
      checkpoint: turn.checkpointId,
      problem: turn.formatOk ? (turn.coherenceOk ? null : turn.coherenceReason) : turn.formatReason,
      critic: point
        ? { name: point.critic, outcome: point.outcome, line: point.line, reason: point.reason }
        : null,
    };
  };
  return new Map(
    held.map(({ promptId, status, answer, votes, agents, rounds, tokens, reason, ...one }) => [
      promptId,
      {
        status,
        answer,
        votes,
        agents,
        rounds,
        tokens,
        reason,
        beside:
          status === 'closed'
            ? {
                answer: one.besideAnswer,
                votes: one.besideVotes ?? 0,
                samples: one.besideSamples ?? 0,
                tokens: one.besideTokens ?? 0,
              }
            : null,
        turns: turns.filter((turn) => turn.promptId === promptId).map(turnWhy),
      },
    ]),
  );
}

/** How a debate ended, in a line. */
export function debateText({
  status,
  answer,
  votes,
  agents,
  rounds,
  tokens,
  reason,
  beside,
}: DebateWhy): string {
  if (status === 'open') return 'agents still argue';
  const said = answer === null ? 'no answer won' : `${answer}, ${votes} of ${agents} agents`;
  const other = beside
    ? `; a vote beside it said ${beside.answer ?? 'nothing'}, ${beside.votes} of ${beside.samples} samples, ${beside.tokens} tokens`
    : '';
  return `${said} after ${rounds} ${rounds === 1 ? 'round' : 'rounds'}, ${tokens} tokens: ${reason}${other}`;
}

/** Whose turn it was and what came of it, in a line: `2.1 revises from line 5: 807, checkpoint 1; critic: line 3`. */
export function turnText(turn: DebateTurnWhy): string {
  const { round, agent, action, keptLines, answer, model, checkpoint, problem, critic } = turn;
  const did =
    action === 'answer'
      ? 'answers'
      : action === 'keep'
        ? `stands by its work${model === null ? ', unasked' : ''}`
        : keptLines > 0
          ? `goes on from line ${keptLines + 1}`
          : 'revises';
  const by = checkpoint === null ? (model ?? 'another model') : `checkpoint ${checkpoint}`;
  const unsound = problem === null ? '' : ` (${problem})`;
  const said =
    critic === null
      ? ''
      : critic.outcome === 'fails'
        ? `; ${critic.name} rejects it${critic.line === null ? '' : ` from line ${critic.line}`}: ${critic.reason}`
        : `; ${critic.name}: ${critic.outcome}`;
  return `round ${round}, agent ${agent + 1} ${did}: ${answer ?? 'no answer'}${unsound}, ${by}${said}`;
}
