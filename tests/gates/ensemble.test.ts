/** The gates beyond the first five, the policy, and what `unscored` means. */
import type { GateName, Verdict } from '../../loop/words.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { featuresOf, spreadOf } from '../../gates/distribution.ts';
import type { GateContext, JudgedCritique, JudgedSample } from '../../gates/gate.ts';
import {
  accepted,
  gateNamed,
  GATES,
  gatesSchema,
  judge,
  policyOf,
  settingsFor,
  ungated,
  type JudgingContext,
} from '../../gates/index.ts';

const NAMES = GATES.map(({ name }) => name);
const settings = (gates: object = {}) => gatesSchema.parse(gates);

const work = (n: number) =>
  `Tom has ${n} apples and buys ${n + 1} more.\nSo he has ${2 * n + 1}.\n#### ${2 * n + 1}`;
const usual = spreadOf(Array.from({ length: 60 }, (_, i) => work(i + 10)));

const good: JudgedSample = {
  text: work(20),
  answer: '41',
  agrees: true,
  completionTokens: 30,
  finishReason: 'stop',
  level: undefined,
  format: { ok: true, reason: '3 lines' },
  coherence: { ok: true, reason: '2 steps' },
  critiques: [{ critic: 'structured', outcome: 'holds', score: 0.9, reason: 'no wrong step found' }],
};

const context = (gates: object = {}, changes: Partial<GateContext> = {}): JudgingContext => ({
  vote: { answer: '41', votes: 6, runnerUpVotes: 1, samples: 8 },
  length: { medianTokens: 30, madTokens: 2, samples: 300, of: 'accepted' },
  critics: [{ name: 'structured', betterThanChance: true, reason: 'not measured on this task' }],
  verifies: false,
  accepted: { examples: 60, features: usual },
  maxTokens: 500,
  settings: settings(gates),
  ...changes,
});

function verdictOf(gate: GateName, sample: Partial<JudgedSample>, where = context()): Verdict {
  const one = gateNamed(gate)!;
  return { gate, ...one.judge({ ...good, ...sample }, where, settingsFor(one, where.settings)) };
}

describe('the agreement band', () => {
  const at = (votes: number) =>
    verdictOf(
      'agreement',
      {},
      {
        ...context({ agreement: { min: 0.3, max: 0.7, minMargin: 0 } }),
        vote: { answer: '41', votes, runnerUpVotes: 0, samples: 10 },
      },
    );
  test.each([
    [2, 'fail', 'agreement 0.20 < 0.30 (2 of 10 samples)'],
    [3, 'pass', 'agreement 0.30 ≥ 0.30 and ≤ 0.70 (3 of 10 samples)'],
    [7, 'pass', 'agreement 0.70 ≥ 0.30 and ≤ 0.70 (7 of 10 samples)'],
    [8, 'fail', 'agreement 0.80 > 0.70 (8 of 10 samples): too easy'],
  ])('with %i of 10 is a %s', (votes, outcome, reason) => {
    expect(at(votes)).toMatchObject({ outcome, reason, score: votes / 10 });
  });
  test('is not met by no samples at all', () => {
    const vote = { answer: undefined, votes: 0, runnerUpVotes: 0, samples: 0 };
    expect(verdictOf('agreement', {}, context({}, { vote }))).toMatchObject({ outcome: 'fail', score: 0 });
  });
  test('names the limit that was broken as its threshold', () => {
    expect(at(2).threshold).toBe(0.3);
    expect(at(8).threshold).toBe(0.7);
  });
});

describe('the length gate', () => {
  test('says whether it measured against what was accepted before or against the pool', () => {
    expect(verdictOf('length', {}).reason).toBe(
      '30 tokens ≤ 46 (median 30, deviation 2, 300 accepted before)',
    );
    const pool = context({}, { length: { medianTokens: 30, madTokens: 2, samples: 300, of: 'pool' } });
    expect(verdictOf('length', { completionTokens: 47 }, pool)).toMatchObject({
      outcome: 'fail',
      reason: '47 tokens > 46 (median 30, deviation 2, 300 samples)',
    });
  });
});

describe('several critics', () => {
  const critics = ['arithmetic', 'logic', 'relevance'].map((name) => {
    return { name, betterThanChance: true, reason: 'not measured on this task' };
  });
  const say = (...scores: (number | undefined | 'unscored')[]): JudgedCritique[] =>
    scores.flatMap((score, i): JudgedCritique[] => {
      if (score === undefined) return [];
      const one = { critic: critics[i]!.name, reason: `reason ${i}` };
      if (score === 'unscored') return [{ ...one, outcome: 'unscored' }];
      return [{ ...one, outcome: score < 0.5 ? 'fails' : 'holds', score }];
    });
  const by = (decide: 'all' | 'majority', critiques: JudgedCritique[], who = critics, min = 0.5) =>
    verdictOf('critique', { critiques }, context({ critique: { decide, min } }, { critics: who }));

  test.each([
    ['all', say(0.9, 0.8, 0.7), 'pass', 0.7],
    ['all', say(0.9, 0.2, 0.7), 'fail', 0.2],
    ['all', say(0.9, 'unscored', 0.7), 'unscored', 0.7],
    ['all', say(0.9, 'unscored', 0.2), 'fail', 0.2],
    ['all', say(0.9, 0.8, undefined), 'unscored', 0.8],
    ['majority', say(0.9, 0.2, 0.7), 'pass', 0.7],
    ['majority', say(0.9, 0.2, 0.3), 'fail', 0.3],
    ['majority', say(0.9, 'unscored', 0.7), 'pass', 0.7],
    ['majority', say(0.9, 'unscored', 0.2), 'unscored', 0.2],
    ['majority', say(0.1, 'unscored', 0.2), 'fail', 0.1],
    ['majority', say(undefined, undefined, undefined), 'unscored', undefined],
  ] as const)('under `%s` with %j: %s', (decide, critiques, outcome, score) => {
    expect(by(decide, [...critiques])).toMatchObject({ outcome, score, threshold: 0.5 });
  });

  test('say who said what, and that they disagree', () => {
    expect(by('all', say(0.9, 0.2, 0.7)).reason).toBe(
      '2 of 3 critics pass it, all must, they disagree. arithmetic: P(holds) 0.90 ≥ 0.50: reason 0; ' +
        'logic: the critic says that it fails: reason 1; relevance: P(holds) 0.70 ≥ 0.50: reason 2',
    );
    expect(by('majority', say(0.9, 0.8, 0.7)).reason).toMatch(
      /^3 of 3 critics pass it, more than half must\. /,
    );
  });

  test('half is no majority', () => {
    const two = critics.slice(0, 2);
    expect(by('majority', say(0.9, 0.2), two).outcome).toBe('fail');
    expect(by('majority', say(0.9, 0.6), two).outcome).toBe('pass');
  });

  test('are held to the least P(holds), each of them', () => {
    expect(by('all', say(0.9, 0.8, 0.7), critics, 0.7).outcome).toBe('pass');
    expect(by('all', say(0.9, 0.8, 0.7), critics, 0.71).outcome).toBe('fail');
  });

  test('that are at chance have no say beside others, and alone they advise', () => {
    const one = critics.map((critic, i) =>
      i === 1 ? { ...critic, betterThanChance: false, reason: 'at chance' } : critic,
    );
    expect(by('all', say(0.9, 0.2, 0.7), one)).toMatchObject({
      outcome: 'pass',
      advisory: false,
      reason: expect.stringMatching(/^2 of 2 critics .*; without: logic: at chance$/),
    });
    const none = critics.map((critic) => ({ ...critic, betterThanChance: false, reason: 'at chance' }));
    expect(by('all', say(0.9, 0.2, 0.7), none)).toMatchObject({ outcome: 'fail', advisory: true });
  });

  test('under `all`, one more critic never turns a rejection into a pass', () => {
    const score = fc.constantFrom(undefined, 'unscored' as const, 0.1, 0.4, 0.6, 0.9);
    fc.assert(
      fc.property(score, score, score, (a, b, c) => {
        const two = by('all', say(a, b), critics.slice(0, 2)).outcome;
        const three = by('all', say(a, b, c)).outcome;
        if (two !== 'pass') expect(three).not.toBe('pass');
      }),
    );
  });
});

describe('the verification gate', () => {
  test.each([
    [{ ok: true, reason: '3 of 3 equations hold' }, 'pass', 1, '3 of 3 equations hold'],
    [{ ok: true, score: 0.9, reason: '9 of 10 tests' }, 'pass', 0.9, '9 of 10 tests'],
    [{ ok: false, score: 0.5, reason: '1 of 2 equations hold' }, 'fail', 0.5, '1 of 2 equations hold'],
    [{ ok: false, reason: 'no' }, 'fail', 0, 'no'],
    [{ ok: undefined, reason: 'no equation of numbers' }, 'unscored', undefined, 'no equation of numbers'],
    [undefined, 'unscored', undefined, 'not verified: it could not become an example'],
  ])('of %j is %s', (verification, outcome, score, reason) => {
    const verdict = verdictOf('verification', { verification });
    expect(verdict).toMatchObject({ outcome, reason, threshold: 1 });
    expect(verdict.score).toBe(score);
  });
});

describe('the novelty gate', () => {
  const at = (similarity: number, compared = 10) =>
    verdictOf('novelty', { novelty: { similarity, compared } });
  test('passes up to its threshold, and no further', () => {
    expect(at(0.9)).toMatchObject({
      outcome: 'pass',
      score: 0.9,
      threshold: 0.9,
      reason: 'similarity 0.90 ≤ 0.90 (nearest of 10 accepted)',
    });
    expect(at(0.91)).toMatchObject({
      outcome: 'fail',
      reason: 'similarity 0.91 > 0.90 (nearest of 10 accepted)',
    });
    const stricter = context({ novelty: { maxSimilarity: 0.5 } });
    expect(verdictOf('novelty', { novelty: { similarity: 0.6, compared: 1 } }, stricter).outcome).toBe(
      'fail',
    );
  });
  test('passes the first of all, and leaves unscored what was not compared', () => {
    expect(at(0, 0)).toMatchObject({
      outcome: 'pass',
      reason: 'similarity 0.00 ≤ 0.90 (nothing was accepted before)',
    });
    expect(verdictOf('novelty', {})).toMatchObject({ outcome: 'unscored', threshold: 0.9 });
  });
});

describe('the distribution gate', () => {
  test('passes work of the usual kind, on a new problem too', () => {
    expect(verdictOf('distribution', {}).outcome).toBe('pass');
    expect(verdictOf('distribution', { text: work(77).replace('apples', 'oranges') }).outcome).toBe('pass');
  });
  test.each([
    ['verbose nonsense', work(20).repeat(30), /in (?:length|lines)/],
    ['one word over and over', 'So he has '.repeat(8), /in share of/],
    ['digits alone', '1234567890 '.repeat(6), /in (?:share of|lines)/],
    ['nothing', '', /in /],
  ])('fails %s, and says in what it is odd', (_, text, where) => {
    const verdict = verdictOf('distribution', { text });
    expect(verdict).toMatchObject({ outcome: 'fail', threshold: 8 });
    expect(verdict.score).toBeGreaterThan(8);
    expect(verdict.reason).toMatch(where);
    expect(verdict.reason).toMatch(/^distance \d+\.\d > 8 in .* \(.*, usual .* ± .*, 60 accepted before\)$/);
  });
  test('passes at its threshold, and not beyond it', () => {
    const features = [{ feature: 'share of digits', median: 0, spread: 0.1 }];
    const half = { text: 'ab12' };
    const least = (maxDeviations: number) =>
      verdictOf('distribution', half, {
        ...context({ distribution: { maxDeviations } }),
        accepted: { examples: 60, features },
      });
    expect(least(5)).toMatchObject({ outcome: 'pass', score: 5 });
    expect(least(4.99)).toMatchObject({ outcome: 'fail', score: 5 });
  });
  test('is unscored until enough was accepted to know what is usual', () => {
    const after = (examples: number) =>
      verdictOf('distribution', {}, context({}, { accepted: { examples, features: usual } }));
    expect(after(49)).toMatchObject({
      outcome: 'unscored',
      reason: '49 accepted before < 50: too few to know what is usual',
    });
    expect(after(50).outcome).toBe('pass');
  });
  test('knows no spread smaller than its least: all alike does not make a small difference odd', () => {
    const alike = spreadOf(Array.from({ length: 60 }, () => work(20)));
    expect(alike.every(({ spread }) => spread > 0)).toBe(true);
    const where = context({}, { accepted: { examples: 60, features: alike } });
    expect(verdictOf('distribution', { text: work(21) }, where).outcome).toBe('pass');
    expect(spreadOf([])).toEqual([]);
  });
  test('measures what it says', () => {
    expect(featuresOf('ab ab 12\nabcd')).toEqual({
      'length (log characters)': Math.log(14),
      'lines (log)': Math.log(2),
      'share of digits': 2 / 13,
      'share of letters': 8 / 13,
      'share of distinct words': 3 / 4,
      'mean word length': 10 / 4,
    });
  });
  test('measures any text, in numbers', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        for (const value of Object.values(featuresOf(text))) expect(Number.isFinite(value)).toBe(true);
      }),
    );
  });
});

describe('the reward gate', () => {
  test.each([
    [{ score: 0.5, reason: 'fine' }, 'pass', 'reward 0.50 ≥ 0.50: fine'],
    [{ score: 0.49, reason: 'poor' }, 'fail', 'reward 0.49 < 0.50: poor'],
    [{ score: NaN, reason: 'odd' }, 'unscored', 'the reward model gave no score: odd'],
    [{ score: undefined, reason: 'no JSON' }, 'unscored', 'the reward model gave no score: no JSON'],
    [undefined, 'unscored', 'not asked: the reward model sees only samples that could become examples'],
  ])('of %j is %s', (reward, outcome, reason) => {
    expect(verdictOf('reward', { reward })).toMatchObject({ outcome, reason, threshold: 0.5 });
  });
  test('goes by its threshold', () => {
    const where = context({ reward: { min: 0.8 } });
    expect(verdictOf('reward', { reward: { score: 0.79, reason: '' } }, where).outcome).toBe('fail');
    expect(verdictOf('reward', { reward: { score: 0.8, reason: '' } }, where).outcome).toBe('pass');
  });
});

describe('the human gate', () => {
  test.each([
    [{ decision: 'accept', by: 'ann' }, 'pass', 'accepted by ann'],
    [{ decision: 'reject', by: 'ann', reason: 'wrong unit' }, 'fail', 'rejected by ann: wrong unit'],
    [{ decision: 'correct', by: 'ann' }, 'fail', 'corrected by ann'],
    [undefined, 'unscored', 'nobody has decided'],
  ] as const)('of %j is %s', (human, outcome, reason) => {
    expect(verdictOf('human', { human })).toMatchObject({ outcome, reason });
  });
});

describe('the policy', () => {
  test('asks by default for what was always asked for, and lets the cheap new gates advise', () => {
    expect(policyOf(settings(), false)).toEqual({
      agreement: 'required',
      format: 'required',
      coherence: 'required',
      length: 'required',
      critique: 'required',
      verification: 'off',
      novelty: 'advisory',
      distribution: 'advisory',
      repetition: 'advisory',
      reward: 'off',
      human: 'off',
    });
    expect(policyOf(settings(), true).verification).toBe('required');
    expect(policyOf(settings({ policy: { verification: 'advisory' } }), true).verification).toBe('advisory');
    expect(policyOf(settings({ policy: { verification: 'required' } }), false).verification).toBe('required');
  });

  /** A sample that this gate alone stops. */
  const stoppedBy: Record<GateName, Partial<JudgedSample>> = {
    agreement: { agrees: false },
    format: { format: { ok: false, reason: 'no' } },
    coherence: { coherence: { ok: false, reason: 'no' } },
    length: { finishReason: 'length' },
    critique: { critiques: [] },
    verification: { verification: { ok: undefined, reason: 'nothing' } },
    novelty: { novelty: { similarity: 1, compared: 1 } },
    distribution: { text: Array.from({ length: 600 }, (_, i) => i).join(' ') },
    repetition: { text: `${work(20)} ${work(20).split('\n')[0]}` },
    reward: { reward: { score: 0, reason: 'bad' } },
    human: { human: { decision: 'reject', by: 'ann' } },
  };
  const everything: Partial<JudgedSample> = {
    verification: { ok: true, reason: 'yes' },
    novelty: { similarity: 0, compared: 9 },
    reward: { score: 1, reason: 'good' },
    human: { decision: 'accept', by: 'ann' },
  };
  const weighted = (gate: GateName, weight: 'required' | 'advisory' | 'off') => {
    const all = Object.fromEntries(
      NAMES.filter((name) => name !== 'critique').map((name) => [name, 'required']),
    );
    return gate === 'critique'
      ? { policy: all, critique: { mode: weight }, repetition: { max: 0.2 } }
      : { policy: { ...all, [gate]: weight }, repetition: { max: 0.2 } };
  };

  test.each(NAMES)('decides whether %s stops a sample, advises or is silent', (gate) => {
    const sample = { ...good, ...everything, ...stoppedBy[gate] };
    const under = (weight: 'required' | 'advisory' | 'off') => judge(sample, context(weighted(gate, weight)));
    expect(accepted(judge({ ...good, ...everything }, context(weighted(gate, 'required'))))).toBe(true);
    expect(accepted(under('required'))).toBe(false);
    expect(accepted(under('advisory'))).toBe(true);
    expect(under('advisory').find((verdict) => verdict.gate === gate)).toMatchObject({ advisory: true });
    expect(accepted(under('off'))).toBe(true);
    expect(under('off').some((verdict) => verdict.gate === gate)).toBe(false);
  });

  test('fails closed: `unscored` at a required gate is not accepted, unless it is to be ignored there', () => {
    const required = { policy: { reward: 'required' } };
    expect(accepted(judge(good, context(required)))).toBe(false);
    const ignoring = judge(good, context({ ...required, unscored: { reward: 'ignore' } }));
    expect(accepted(ignoring)).toBe(true);
    expect(ignoring.find(({ gate }) => gate === 'reward')).toMatchObject({
      outcome: 'unscored',
      advisory: true,
      reason: expect.stringMatching(/; ignored, as gates\.unscored\.reward says$/),
    });
    const elsewhere = context({ ...required, unscored: { critique: 'ignore' } });
    expect(accepted(judge(good, elsewhere))).toBe(false);
  });

  test('does not take a fail for unscored', () => {
    const where = context({ policy: { reward: 'required' }, unscored: { reward: 'ignore' } });
    expect(accepted(judge({ ...good, reward: { score: 0.1, reason: 'bad' } }, where))).toBe(false);
  });

  test('leaves nothing to accept where every required gate was ignored', () => {
    const off = Object.fromEntries(NAMES.filter((name) => name !== 'critique').map((name) => [name, 'off']));
    const where = context({
      policy: { ...off, human: 'required' },
      critique: { mode: 'off' },
      unscored: { human: 'ignore' },
    });
    expect(accepted(judge(good, where))).toBe(false);
  });

  test('of the ungated arm requires agreement alone, whatever the run asks for', () => {
    const strict = settings({ policy: { agreement: 'off', reward: 'required', human: 'required' } });
    const { policy, settings: open } = ungated(strict);
    const verdicts = judge(good, { ...context(), settings: open }, policy);
    expect(verdicts.filter(({ advisory }) => !advisory).map(({ gate }) => gate)).toEqual(['agreement']);
  });
});

describe('every gate', () => {
  const whatever = fc.record<JudgedSample>({
    text: fc.string({ unit: 'binary', maxLength: 100 }),
    answer: fc.option(fc.string(), { nil: undefined }),
    agrees: fc.boolean(),
    completionTokens: fc.constantFrom(NaN, 0, 1, 30, 1e6),
    finishReason: fc.constantFrom('stop', 'length', 'refused'),
    level: fc.constant(undefined),
    format: fc.constantFrom({ ok: true, reason: 'a' }, { ok: false, reason: 'b' }),
    coherence: fc.constantFrom({ ok: true, reason: 'a' }, { ok: false, reason: 'b' }),
    critiques: fc.constantFrom([], good.critiques),
    verification: fc.constantFrom(undefined, { ok: undefined, reason: 'a' }, { ok: false, reason: 'b' }),
    novelty: fc.constantFrom(undefined, { similarity: 0.95, compared: 3 }),
    reward: fc.constantFrom(undefined, { score: undefined, reason: 'a' }, { score: 0.2, reason: 'b' }),
    human: fc.constantFrom(undefined, { decision: 'accept' as const, by: 'ann' }),
  });
  test('says something of every sample, the same each time, with a reason', () => {
    fc.assert(
      fc.property(whatever, (sample) => {
        for (const name of NAMES) {
          const verdict = verdictOf(name, sample);
          expect(verdict.reason.length).toBeGreaterThan(0);
          expect(verdictOf(name, sample)).toEqual(verdict);
        }
      }),
    );
  });
  test.each(['agreement', 'length', 'novelty', 'distribution', 'repetition', 'reward', 'critique'] as const)(
    '%s gives the measured value and the threshold, as numbers and in its reason',
    (name) => {
      const sample = { novelty: { similarity: 0.4, compared: 9 }, reward: { score: 0.8, reason: 'ok' } };
      const verdict = verdictOf(name, sample);
      expect(verdict.score).toEqual(expect.any(Number));
      expect(verdict.threshold).toEqual(expect.any(Number));
      expect(verdict.reason).toMatch(/\d.*[≤≥<>] ?\d/);
    },
  );
});
