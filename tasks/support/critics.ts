/**
 * Critics of replies: accuracy, tone and empathy, three questions that are asked and stored one by one. A score over all of them would let
 * a friendly reply be wrong. Each counts as far as it was measured on its own labelled replies.
 */
import { rubricCritic } from '../critic.ts';
import type { Critic } from '../task.ts';
import type { Library } from './library.ts';
import type { SupportTask } from './schema.ts';
import { CRITICS, type CriticName, type Standing } from './standings.ts';

const RUBRICS: Record<CriticName, string> = {
  accuracy: `The PROBLEM is a customer's request with the POLICY that it falls under; the WORK is the reply. Check only whether the reply says what the \
policy says: values, names, yes or no.
- "holds": all that it says of the request is in the policy.
- "fails": it says something else than the policy, leaves out what was asked for, or promises what the policy does not have.
Friendliness counts for nothing here.`,
  tone: `The PROBLEM is a customer's request; the WORK is the reply. Check only how it is said, not whether it is right.
- "holds": it is polite and plain, as one would write to a customer.
- "fails": it is rude, sarcastic, threatening, talks down to the customer, blames them, or shouts in capitals.`,
  empathy: `The PROBLEM is a customer's request; the WORK is the reply. Check only whether it takes the customer's situation seriously, not whether it is right.
- "holds": where something went wrong for the customer, it says so or offers help; where nothing did, it simply answers.
- "fails": it passes over a trouble that the customer told of, makes light of it, or sends them away.`,
};

/** A critic before anybody has measured it. The accuracy critic reads the policy passage that the request is about. */
export function criticFor(name: CriticName, { retrieve }: Pick<Library, 'retrieve'>): Critic {
  const critic = rubricCritic(name, RUBRICS[name]);
  if (name !== 'accuracy') return critic;
  const withPolicy = (request: string) => `${request}\n\nPOLICY: ${retrieve(request)?.passage.text ?? ''}`;
  return {
    ...critic,
    cannotJudge: (request, work) =>
      retrieve(request) === undefined
        ? 'no policy passage is about the request'
        : critic.cannotJudge!(withPolicy(request), work),
    request: (request, work) => critic.request(withPolicy(request), work),
  };
}

export function standingText({ model, bad, caught, good, refused, unscored, p }: Standing): string {
  const silent = unscored > 0 ? `, no verdict on ${unscored}` : '';
  return `measured with ${model}: failed ${caught} of ${bad} bad replies and ${refused} of ${good} good ones${silent} (p = ${p.toPrecision(2)})`;
}

export const supportCritics = (
  named: NonNullable<SupportTask['critics']>,
  library: Library,
  standings: readonly Standing[],
): Critic[] =>
  CRITICS.filter((name) => named[name] !== undefined).map((name) => {
    const standing = standings.find(({ critic }) => critic === name);
    return {
      ...criticFor(name, library),
      betterThanChance: () =>
        standing
          ? { ok: standing.able, reason: standingText(standing) }
          : { ok: false, reason: `${name} was not measured: \`ratchet critics\` does` },
    };
  });
