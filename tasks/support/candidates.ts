/**
 * Counterfactuals of a conversation: a request, what was answered, and what is right by what was said of it. Explicit feedback first; else
 * the user's next turn, as the classifier reads it.
 */
import { assertion } from './asserted.ts';
import { canonical } from './claims.ts';
import type { Conversation } from './conversations.ts';
import { classify, type FollowUp } from './followups.ts';

export type Candidate = {
  id: string;
  kind: 'feedback' | 'correction' | 'clarification' | 'thanks' | 'hostile';
  request: string;
  before: string;
  said: string;
  /** What is right; undefined where it is only said that the answer is wrong. */
  answer?: string;
  by: string;
  at: string;
  score?: number;
};

/** Follow-ups of which nothing is made: other questions, and what is of no clear kind. */
export type Passed = { question: number; unclear: number; clarification: number };

type Vocabulary = { names: ReadonlySet<string>; common: ReadonlySet<string> };

type Exchange = {
  request: string;
  answer: string;
  feedback: Conversation['turns'][number]['feedback'];
  next?: string;
  at: number;
};

/** Each answer with what was asked before it and what the user said next. */
function exchangesOf({ turns }: Conversation): Exchange[] {
  return turns.flatMap((turn, at) => {
    const before = turns[at - 1];
    if (turn.role !== 'assistant' || before?.role !== 'user') return [];
    const next = turns[at + 1];
    return [
      {
        request: before.text,
        answer: turn.text,
        feedback: turn.feedback,
        at,
        ...(next?.role === 'user' ? { next: next.text } : {}),
      },
    ];
  });
}

/** @param conversation without personal data */
export function candidatesOf(
  conversation: Conversation,
  { names, common }: Vocabulary,
): { found: Candidate[]; passed: Passed } {
  const passed: Passed = { question: 0, unclear: 0, clarification: 0 };
  const found: Candidate[] = [];
  const exchanges = exchangesOf(conversation);
  const { id, by = `the user of ${id}`, at } = conversation;
  // What a request is about, while follow-ups only clarify or correct it.
  let open: Exchange | undefined;
  for (const exchange of exchanges) {
    const { request, answer, feedback, next } = exchange;
    const base = { id: `${id}/${exchange.at}`, request: open?.request ?? request, before: answer, by, at };
    if (feedback) {
      const { rating, correction } = feedback;
      const own = {
        ...base,
        by: feedback.by ?? by,
        said: correction ?? (rating === 'up' ? 'rated up' : 'rated down'),
      };
      if (correction !== undefined)
        found.push({
          ...own,
          kind: 'feedback',
          answer: assertion(correction, answer, names) ?? canonical(correction, names, common),
        });
      else found.push({ ...own, kind: rating === 'up' ? 'thanks' : 'feedback' });
      open = undefined;
      continue;
    }
    if (next === undefined) continue;
    const follow = classify(next, answer);
    const said = { ...base, said: next, score: follow.score };
    open = carry(follow, open ?? exchange);
    switch (follow.kind) {
      case 'correction':
        found.push({ ...said, kind: 'correction', answer: assertion(next, answer, names) });
        break;
      case 'hostile':
        found.push({ ...said, kind: 'hostile' });
        break;
      case 'thanks':
        found.push({ ...said, ...thanked(base.request, exchange, exchanges, names, common) });
        break;
      default:
        passed[follow.kind] += 1;
    }
  }
  return { found, passed };
}

/** After a clarification the next answer is still to the request that was clarified. */
const carry = ({ kind }: FollowUp, exchange: Exchange): Exchange | undefined =>
  kind === 'clarification' ? exchange : undefined;

/** An answer that somebody was content with: to a request that had to be clarified it is the right one, else one that held. */
function thanked(
  request: string,
  exchange: Exchange,
  exchanges: readonly Exchange[],
  names: ReadonlySet<string>,
  common: ReadonlySet<string>,
): Pick<Candidate, 'kind' | 'before' | 'answer'> {
  const answer = canonical(exchange.answer, names, common);
  if (request === exchange.request) return { kind: 'thanks', before: exchange.answer, answer };
  const first = exchanges.find((one) => one.request === request)!;
  return { kind: 'clarification', before: first.answer, answer };
}
