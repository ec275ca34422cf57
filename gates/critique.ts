import type { Gate, JudgedCritique, Outcome } from './gate.ts';

export type CriticStanding = { name: string; betterThanChance: boolean; reason: string };

export type Opinion = {
  outcome: Outcome;
  score?: number;
  reason: string;
  /** No critic has a say: none was measured to be better than chance. */
  advises: boolean;
};

type Voice = { critic: string; outcome: Outcome; score?: number; said: string };

const NOT_ASKED = 'not asked: the critic sees only samples that could become examples';

function voiceOf(critic: string, critique: JudgedCritique | undefined, min: number): Voice {
  if (!critique) return { critic, outcome: 'unscored', said: NOT_ASKED };
  const { outcome, score, reason } = critique;
  if (outcome === 'unscored')
    return { critic, outcome: 'unscored', said: `the critic gave no verdict: ${reason}` };
  if (outcome === 'fails')
    return { critic, outcome: 'fail', score, said: `the critic says that it fails: ${reason}` };
  if (score === undefined)
    return { critic, outcome: 'pass', said: `the critic says that it holds: ${reason}` };
  const holds = score >= min;
  const said = `P(holds) ${score.toFixed(2)} ${holds ? '≥' : '<'} ${min.toFixed(2)}: ${reason}`;
  return { critic, outcome: holds ? 'pass' : 'fail', score, said };
}

/** `all`: one that fails it is enough. `majority`: more than half pass it; who gives no verdict does not pass it. */
function outcomeOf(voices: readonly Voice[], decide: 'all' | 'majority'): Outcome {
  const count = (outcome: Outcome) => voices.filter((voice) => voice.outcome === outcome).length;
  const [passes, unscored] = [count('pass'), count('unscored')];
  if (decide === 'all') return count('fail') > 0 ? 'fail' : unscored > 0 ? 'unscored' : 'pass';
  if (2 * passes > voices.length) return 'pass';
  return 2 * (passes + unscored) > voices.length ? 'unscored' : 'fail';
}

/**
 * What the critics say of a sample together. Those that were measured to be no better than chance have no say
 * beside others; where there is no other, they only advise. Under `all` disagreement counts as a fail.
 */
export function opinionOf(
  critiques: readonly JudgedCritique[],
  critics: readonly CriticStanding[],
  { min, decide }: { min: number; decide: 'all' | 'majority' },
): Opinion {
  const able = critics.filter((critic) => critic.betterThanChance);
  const asked = able.length > 0 ? able : critics;
  const advises = able.length === 0;
  const voices = asked.map(({ name }) =>
    voiceOf(
      name,
      critiques.find((one) => one.critic === name),
      min,
    ),
  );
  const doubts = critics
    .filter((critic) => !critic.betterThanChance)
    .map(({ name, reason }) => (critics.length === 1 ? reason : `${name}: ${reason}`));
  const doubt = doubts.length === 0 ? '' : `; ${advises ? 'advises only' : 'without'}: ${doubts.join('; ')}`;
  const [only] = voices;
  if (!only) return { outcome: 'unscored', reason: 'no critic is configured', advises: true };
  if (voices.length === 1) {
    return { outcome: only.outcome, score: only.score, reason: only.said + doubt, advises };
  }
  const outcome = outcomeOf(voices, decide);
  const passes = voices.filter((voice) => voice.outcome === 'pass').length;
  const scores = voices
    .flatMap(({ score }) => (score === undefined ? [] : [score]))
    .toSorted((a, b) => a - b);
  const score = decide === 'all' ? scores[0] : scores[Math.ceil(scores.length / 2) - 1];
  const differ = new Set(voices.map((voice) => voice.outcome)).size > 1 ? ', they disagree' : '';
  const needed = decide === 'all' ? 'all' : 'more than half';
  const said = voices.map((voice) => `${voice.critic}: ${voice.said}`).join('; ');
  return {
    outcome,
    score,
    reason: `${passes} of ${voices.length} critics pass it, ${needed} must${differ}. ${said}${doubt}`,
    advises,
  };
}

/**
 * Do the critics say that the work holds? The score is P(the work holds), where they give one: of several the
 * lowest, or the middle one where the majority decides. The verdict only advises where the policy says so, and
 * where no critic was measured to be better than chance at this level. A sample that was never put to a critic is
 * unscored.
 */
export const critique: Gate = (sample, { critics, settings }) => {
  const { min, mode } = settings.critique;
  const { outcome, score, reason, advises } = opinionOf(sample.critiques, critics, settings.critique);
  return {
    gate: 'critique',
    outcome,
    score,
    threshold: min,
    reason,
    advisory: advises || (mode !== 'required' && mode !== 'auto'),
  };
};
