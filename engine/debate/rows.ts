/** What agents held, as rows. */
import type { NewTurn, Turn } from '../../db/queries/debates.ts';
import type { samples } from '../../db/schema.ts';
import { DEBATE_ROUND } from '../../loop/words.ts';
import { heldIn } from './ask.ts';

/** The strategy under which work of a debate stands among an iteration's samples. */
export const DEBATE = 'debate';

/** An agent that stands by its work without being asked. */
export const keptRow = (turn: Turn, round: number): NewTurn => ({
  promptId: turn.promptId,
  round,
  agent: turn.agent,
  action: 'keep',
  checkpointId: turn.checkpointId,
  rewrite: turn.rewrite,
  strategy: turn.strategy,
  request: turn.request,
  reply: '',
  ...heldIn(turn),
  finishReason: turn.finishReason,
  completionTokens: 0,
  seed: turn.seed,
});

/** What an agent of the run held at the end, as a sample of its prompt: from there on it goes the way of all. */
export function heldRow(turn: Turn, turns: readonly Turn[]): (typeof samples.$inferInsert)[] {
  const { promptId, agent, checkpointId, rewrite, request, seed, finishReason, fingerprint } = turn;
  const { workTokens, rationale, answer, formatOk, formatReason, coherenceOk, coherenceReason } = turn;
  // Who stood by its work unasked has the call that it was made by.
  const made = turns.findLast((one) => one.agent === agent && one.callId !== null && one.round <= turn.round);
  if (checkpointId === null || !made) return [];
  return [
    {
      promptId,
      round: DEBATE_ROUND,
      index: agent,
      checkpointId,
      callId: made.callId!,
      rewrite,
      strategy: DEBATE,
      request,
      rationale,
      answer,
      formatOk,
      formatReason,
      coherenceOk,
      coherenceReason,
      finishReason,
      completionTokens: workTokens,
      fingerprint: fingerprint ?? made.fingerprint,
      seed,
      // Nothing was drawn for it: what a sample costs is counted without it.
      cached: true,
    },
  ];
}
