/**
 * Does a policy say what an answer says? Read off the passage that the request is about, without a model: values of the same kind must be
 * the same, yes and no as the passage has them, names must stand in it.
 *
 * Covers: durations, amounts, shares, times, weekdays, counts, names, yes and no; answers that claim nothing, and requests that no
 * passage is about. Does not cover: what follows from several passages, exceptions and conditions that only a reader understands.
 */
import { claimsOf, told, type Claim } from './claims.ts';
import { isNegated, NEGATION } from './negation.ts';
import type { Passage } from './policies.ts';
import type { Retrieve } from './retrieve.ts';

export type Accuracy = {
  outcome: 'supported' | 'contradicted' | 'unsupported';
  /** With the passage's id, where there is one. */
  reason: string;
  passage?: string;
};

/** A question that asks for yes or no, without a negation in it that would turn both round. */
const ASKS_YES_NO =
  /(?:^|[.!?;,:]\s*)(?:and |so |but |then )?(?:can|could|do|does|did|is|are|was|were|will|would|may|must|should|has|have)\b/i;

/** @param before what was answered, where that is known: it helps to find the passage */
export type AccuracyCheck = (request: string, answer: string, before?: string) => Accuracy;

type Words = { names: ReadonlySet<string>; common: ReadonlySet<string> };

export const createAccuracyCheck =
  (words: Words, retrieve: Retrieve): AccuracyCheck =>
  (request, answer, before) => {
    const found = retrieve(request, before);
    return found
      ? accuracyOf(words, found.passage, request, answer)
      : { outcome: 'unsupported', reason: 'no policy passage is about the request' };
  };

const OPENING = /^\W*(?:yes|yeah|no|nope|sorry|unfortunately)\b[\s,.:;!–-]*/i;

/** An answer against one passage. */
export function accuracyOf(
  { names, common }: Words,
  { id, text }: Passage,
  request: string,
  answer: string,
): Accuracy {
  const about = (outcome: Accuracy['outcome'], reason: string): Accuracy => ({
    outcome,
    reason: `${reason} (${id})`,
    passage: id,
  });
  const { polarity, claims: all } = told(claimsOf(answer, names));
  const claims = all.filter(
    ({ kind, value, negated }) => !negated && !(kind === 'name' && common.has(value.toLowerCase())),
  );
  if (polarity === undefined && claims.length === 0)
    return about('unsupported', 'the answer claims nothing that could be checked');
  const policy = claimsOf(text, names).claims.filter(({ negated }) => !negated);
  for (const claim of claims) {
    const problem = problemOf(claim, policy, text, common);
    if (problem) return about(problem.outcome, problem.reason);
  }
  if (polarity === undefined) return about('supported', 'the policy says so');
  if (!ASKS_YES_NO.test(request))
    return claims.length > 0
      ? about('supported', 'the policy says so')
      : about('unsupported', `the answer is ${polarity}, which the request does not ask for`);
  if (NEGATION.test(request))
    return about('unsupported', 'the request has a negation, so yes and no may mean either');
  const right = isNegated(text) ? 'no' : 'yes';
  if (right !== polarity) return about('contradicted', `the policy says ${right}, the answer ${polarity}`);
  const stated = answer.replace(OPENING, '').trim();
  if (stated.split(/\s+/).length > 2 && isNegated(stated) !== isNegated(text))
    return about('contradicted', `the answer begins with ${polarity} and goes on to say the opposite`);
  return about('supported', 'the policy says so');
}

function problemOf(
  claim: Claim,
  policy: readonly Claim[],
  text: string,
  common: ReadonlySet<string>,
): { outcome: 'contradicted' | 'unsupported'; reason: string } | undefined {
  const ofKind = policy.filter(
    ({ kind, value }) => kind === claim.kind && !(kind === 'name' && common.has(value.toLowerCase())),
  );
  if (ofKind.some(({ value }) => value.toLowerCase() === claim.value.toLowerCase())) return undefined;
  if (
    claim.kind === 'name' &&
    new RegExp(`(?<!\\p{L})${claim.value.replaceAll(/[^\p{L}\p{N}]/gu, '.')}(?!\\p{L})`, 'iu').test(text)
  )
    return undefined;
  const values = ofKind.map(({ value }) => value).join(', ');
  return ofKind.length > 0
    ? { outcome: 'contradicted', reason: `the policy says ${values}, the answer ${claim.value}` }
    : { outcome: 'unsupported', reason: `the policy says nothing of ${claim.value}` };
}
