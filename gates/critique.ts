import { z } from 'zod';
import { endpointSchema } from '../process/endpoint-input.ts';
import { gate, PROBE_KINDS, share, WEIGHTS, type JudgedCritique, type Outcome } from './gate.ts';

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

/** `task`: the task's own critic, where it has one, else the general one. */
const SPECIALITIES = ['task', 'general', 'arithmetic', 'logic', 'relevance'] as const;

const critic = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be lower-case letters, digits and "-"')
    .refine((name) => name !== 'reward', '"reward" is the name of the reward model')
    .describe('under which its critiques are stored'),
  speciality: z.enum(SPECIALITIES).default('general').describe('what it looks for'),
  endpoint: endpointSchema.prefault({}).describe('default: models.critic'),
});

/**
 * Do the critics say that the work holds? The score is P(the work holds), where they give one: of several the lowest, or the middle
 * one where the majority decides. The verdict only advises where no critic was measured to be better than chance at this level. A
 * sample that was never put to a critic is unscored.
 */
export const critique = gate({
  name: 'critique',
  asks: 'do the critics say that the work holds?',
  threshold: ({ min }) => `\`gates.critique.min\` (${min})`,
  unscoredWhen: () => 'a critic gives no verdict, or was not asked',
  weight: 'auto',
  // Whoever judges says where the critics only advise.
  auto: {
    says: 'required where the critic proves able ([below](#critics))',
    weight: () => 'required',
  },
  hasMode: true,
  costs: true,
  catches: PROBE_KINDS,
  remedy: 'a critic that can judge (a larger model as models.critic)',
  settings: {
    mode: z
      .enum(['auto', ...WEIGHTS])
      .default('auto')
      .describe(
        '`auto`: required, but the general critic, which nobody asked for, only advises in an iteration where it proves unable: no ' +
          'readable verdicts, or no better than chance on what was planted. `required`: whatever it is worth',
      ),
    votes: z
      .enum(['all', 'approved'])
      .default('all')
      .describe(
        '`approved`: samples that the critics do not pass do not vote; they are asked about every sample',
      ),
    min: share.default(0.5).describe('least P(the work holds) where a critic gives one'),
    critics: z
      .array(critic)
      .max(8)
      .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'names must differ')
      .refine(
        (list) =>
          new Set(list.map(({ speciality, endpoint }) => JSON.stringify([speciality, endpoint]))).size ===
          list.length,
        'two critics of one speciality at one endpoint are one critic',
      )
      .default([])
      .describe("who is asked; default: the task's own critic or the general one"),
    decide: z
      .enum(['all', 'majority'])
      .default('all')
      .describe('of several critics: `all` must pass a sample, or more than half of them'),
  },
  judge(sample, { critics }, { min, decide }) {
    const { advises, ...opinion } = opinionOf(sample.critiques, critics, { min, decide });
    return { ...opinion, threshold: min, advisory: advises };
  },
});
