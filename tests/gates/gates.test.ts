import type { Outcome, Verdict } from '../../loop/words.ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { accepted, GATES, gatesSchema, judge, ungated, type GateSettings } from '../../gates/index.ts';
import type { GateContext, JudgedSample } from '../../gates/gate.ts';

const good: JudgedSample = {
  text: 'work',
  answer: '13',
  agrees: true,
  completionTokens: 111,
  finishReason: 'stop',
  level: 4,
  format: { ok: true, reason: '10 steps and a sum' },
  coherence: { ok: true, reason: 'carries handed on' },
  critiques: [{ critic: 'critic', outcome: 'holds', score: 0.9, reason: 'no wrong step found' }],
  verification: { ok: true, score: 1, reason: '3 of 3 equations hold' },
  novelty: { similarity: 0.4, compared: 200 },
  reward: { score: 0.8, reason: 'clear steps' },
  human: { decision: 'accept', by: 'ann' },
};

const usual = [
  { feature: 'length (log characters)', median: Math.log(5), spread: 0.1 },
  { feature: 'share of digits', median: 0.1, spread: 0.05 },
];

const NAMES = GATES.map(({ name }) => name);

const bare: GateContext = {
  vote: { answer: '13', votes: 5, runnerUpVotes: 2, samples: 8 },
  length: { medianTokens: 111, madTokens: 0, samples: 2560, of: 'pool' },
  critics: [{ name: 'critic', betterThanChance: true, reason: 'balanced accuracy 0.97 at level 4' }],
  verifies: true,
  accepted: { examples: 300, features: usual },
  maxTokens: 120,
};

const demanding: GateSettings = gatesSchema.parse({
  policy: {
    novelty: 'required',
    distribution: 'required',
    repetition: 'required',
    reward: 'required',
    human: 'required',
  },
  critique: { mode: 'required' },
});

const context = { ...bare, settings: demanding };

type Change = {
  sample?: Partial<JudgedSample>;
  context?: Partial<GateContext>;
  settings?: object;
};

function verdictOf(gate: string, { sample, context: changed, settings }: Change = {}): Verdict | undefined {
  const all = { ...demanding, ...settings } as GateSettings;
  return judge({ ...good, ...sample }, { ...bare, ...changed, settings: all }).find(
    (verdict) => verdict.gate === gate,
  );
}

describe('the agreement gate', () => {
  const vote = (votes: number, runnerUpVotes: number, answer: string | undefined = '13') => ({
    context: { vote: { answer, votes, runnerUpVotes, samples: 8 } },
  });

  test('passes a sample that gives a clear vote, with what was measured', () => {
    expect(verdictOf('agreement')).toMatchObject({
      outcome: 'pass',
      score: 0.625,
      threshold: 0.6,
      reason: 'agreement 0.63 ≥ 0.60 (5 of 8 samples)',
      advisory: false,
    });
  });
  test.each([
    [
      'that gives another answer',
      { sample: { answer: '12', agrees: false } },
      'answer 12 is not the vote 13',
    ],
    [
      'without an answer',
      { sample: { answer: undefined, agrees: false } },
      'no answer could be read; the vote is 13',
    ],
    ['of a weak vote', vote(3, 1), 'agreement 0.38 < 0.60 (3 of 8 samples)'],
    ['of a vote with too small a lead', vote(5, 4), 'margin 0.13 < 0.25 (5 against 4 of 8 samples)'],
  ])('fails one %s', (_, change, reason) => {
    expect(verdictOf('agreement', change)).toMatchObject({ outcome: 'fail', reason });
  });
  test('fails all of a tie, and all when no sample gave an answer', () => {
    const tie = { vote: { answer: undefined, votes: 4, runnerUpVotes: 4, samples: 8 } };
    expect(verdictOf('agreement', { context: tie })).toMatchObject({
      outcome: 'fail',
      reason: 'first place tied at 4 of 8 samples',
    });
    const none = { vote: { answer: undefined, votes: 0, runnerUpVotes: 0, samples: 8 } };
    expect(verdictOf('agreement', { context: none })).toMatchObject({
      outcome: 'fail',
      reason: 'none of 8 samples gave an answer',
    });
  });
  test('fails all where no answer is among the largest votes, however clear ŷ is among the rest', () => {
    const vote = { answer: '13', votes: 3, runnerUpVotes: 0, samples: 8, unreadable: 4 };
    const settings = { agreement: { min: 0.375, max: 1, minMargin: 0.25 } };
    expect(verdictOf('agreement', { context: { vote }, settings })).toMatchObject({
      outcome: 'fail',
      reason: 'no answer wins: 4 of 8 samples gave none that could be read, 3 gave 13',
    });
    const asMany = { ...vote, unreadable: 3 };
    expect(verdictOf('agreement', { context: { vote: asMany }, settings })).toMatchObject({
      outcome: 'fail',
      reason: 'no answer ties for the first place: 3 of 8 samples gave none that could be read, 3 gave 13',
    });
    const fewer = { ...vote, unreadable: 2 };
    expect(verdictOf('agreement', { context: { vote: fewer }, settings })?.outcome).toBe('pass');
  });
  test('fails all of a shared mistake, with the agreement within rewrites and across them', () => {
    const sharedMistake = { within: 1, across: 0.25 };
    const vote = { answer: '13', votes: 5, runnerUpVotes: 1, samples: 8, sharedMistake };
    expect(verdictOf('agreement', { context: { vote } })).toMatchObject({
      outcome: 'fail',
      reason:
        'shared mistake: samples of one rewrite agree on 13 (1.00 within), those of others do not (0.25 across)',
    });
  });
  test('asks for the votes and the lead that the calibration found to be needed', () => {
    const reason =
      'a precision of 0.98 needs 6 votes and a lead of 4: estimated 0.990 (30 of 30 right, 99 of 100 at all)';
    const needing = (votes: number, runnerUpVotes: number, required: object) =>
      verdictOf('agreement', {
        context: {
          vote: { answer: '13', votes, runnerUpVotes, samples: 8, required: { reason, ...required } },
        },
      });
    expect(needing(5, 0, { votes: 6, lead: 4 })).toMatchObject({
      outcome: 'fail',
      threshold: 0.75,
      reason: `5 votes with a lead of 5: ${reason}`,
    });
    expect(needing(6, 3, { votes: 6, lead: 4 })?.outcome).toBe('fail');
    expect(needing(6, 2, { votes: 6, lead: 4 })?.outcome).toBe('pass');
    expect(needing(8, 0, { reason: 'no number of votes reaches a precision of 0.98' })).toMatchObject({
      outcome: 'fail',
      reason: 'no number of votes reaches a precision of 0.98',
    });
  });
  test('passes at the limits themselves', () => {
    expect(
      verdictOf('agreement', {
        ...vote(6, 4),
        settings: { agreement: { min: 0.75, max: 1, minMargin: 0.25 } },
      })?.outcome,
    ).toBe('pass');
    expect(
      verdictOf('agreement', {
        ...vote(6, 4),
        settings: { agreement: { min: 0.76, max: 1, minMargin: 0.25 } },
      })?.outcome,
    ).toBe('fail');
    expect(
      verdictOf('agreement', {
        ...vote(6, 4),
        settings: { agreement: { min: 0.75, max: 1, minMargin: 0.26 } },
      })?.outcome,
    ).toBe('fail');
  });
});

describe('the format and coherence gates', () => {
  test("decide by the task's own check and hand on its reason", () => {
    for (const gate of ['format', 'coherence'] as const) {
      expect(verdictOf(gate)).toMatchObject({ outcome: 'pass', reason: good[gate].reason });
      const bad = { [gate]: { ok: false, reason: 'line 3 has the wrong shape: "x"' } };
      expect(verdictOf(gate, { sample: bad })).toMatchObject({
        outcome: 'fail',
        reason: 'line 3 has the wrong shape: "x"',
      });
    }
  });
  test('coherence fails where there is no answer to lead to', () => {
    expect(verdictOf('coherence', { sample: { answer: undefined, agrees: false } })?.outcome).toBe('fail');
  });
});

describe('the length gate', () => {
  const prose = { length: { medianTokens: 200, madTokens: 20, samples: 500, of: 'pool' as const } };
  const maxTokens = 1024;
  const length = (completionTokens: number, change: Change = {}) =>
    verdictOf('length', {
      ...change,
      context: { ...prose, maxTokens, ...change.context },
      sample: { completionTokens, ...change.sample },
    });

  test('passes up to the median plus so many deviations, and not one token more', () => {
    expect(length(360)).toMatchObject({
      outcome: 'pass',
      score: 360,
      threshold: 360,
      reason: '360 tokens ≤ 360 (median 200, deviation 20, 500 samples)',
    });
    expect(length(361)).toMatchObject({
      outcome: 'fail',
      reason: '361 tokens > 360 (median 200, deviation 20, 500 samples)',
    });
  });
  test('takes a deviation as one token at least: all alike does not mean that one more is too many', () => {
    const alike = { length: { medianTokens: 111, madTokens: 0, samples: 500, of: 'pool' as const } };
    expect(length(119, { context: alike })?.outcome).toBe('pass');
    expect(length(120, { context: alike })?.outcome).toBe('fail');
  });
  test('fails what was cut off and what is over the limit, however long the others are', () => {
    expect(length(100, { sample: { finishReason: 'length' } })).toMatchObject({
      outcome: 'fail',
      reason: 'cut off after 100 tokens (limit 1024)',
    });
    const long = { length: { medianTokens: 2000, madTokens: 100, samples: 500, of: 'pool' as const } };
    expect(length(1025, { context: long })).toMatchObject({
      outcome: 'fail',
      reason: '1025 tokens > limit 1024',
    });
    expect(length(1024, { context: long })?.outcome).toBe('pass');
  });
  test('goes by the limit alone while there are too few samples, and says so', () => {
    const few = { length: { medianTokens: 10, madTokens: 1, samples: 19, of: 'pool' as const } };
    expect(length(1000, { context: few })).toMatchObject({
      outcome: 'pass',
      threshold: 1024,
      reason: '1000 tokens ≤ limit 1024 (19 samples are too few for a median)',
    });
    expect(length(1000, { context: { length: { ...few.length, samples: 20 } } })?.outcome).toBe('fail');
  });
  test('is unscored where the endpoint counts no tokens', () => {
    expect(length(NaN)?.outcome).toBe('unscored');
    expect(length(0)?.outcome).toBe('unscored');
    expect(length(0, { sample: { finishReason: 'length' } })?.outcome).toBe('fail');
  });
});

describe('the critique gate', () => {
  const critique = (outcome: 'holds' | 'fails' | 'unscored', score?: number) => ({
    critic: 'critic',
    outcome,
    score,
    reason: 'because',
  });

  test.each([
    [critique('holds', 0.9), 'pass', 'P(holds) 0.90 ≥ 0.50: because'],
    [critique('holds', 0.5), 'pass', 'P(holds) 0.50 ≥ 0.50: because'],
    [critique('holds', 0.49), 'fail', 'P(holds) 0.49 < 0.50: because'],
    [critique('holds', NaN), 'fail', 'P(holds) NaN < 0.50: because'],
    [critique('holds'), 'pass', 'the critic says that it holds: because'],
    [critique('fails', 0.9), 'fail', 'the critic says that it fails: because'],
    [critique('unscored'), 'unscored', 'the critic gave no verdict: because'],
    [undefined, 'unscored', 'not asked: the critic sees only samples that could become examples'],
  ] as const)('of %j is %s', (given, outcome, reason) => {
    expect(verdictOf('critique', { sample: { critiques: given ? [given] : [] } })).toMatchObject({
      outcome,
      reason,
      advisory: false,
      threshold: 0.5,
    });
  });

  test('only advises where the critic was not measured to be better than chance, and says so', () => {
    const chance = {
      critics: [{ name: 'critic', betterThanChance: false, reason: 'at chance at level 9 (0.51)' }],
    };
    const verdict = verdictOf('critique', {
      sample: { critiques: [critique('fails', 0.1)] },
      context: chance,
    });
    expect(verdict).toMatchObject({
      outcome: 'fail',
      advisory: true,
      reason: 'the critic says that it fails: because; advises only: at chance at level 9 (0.51)',
    });
    expect(verdictOf('critique', { context: { critics: [] } })).toMatchObject({
      outcome: 'unscored',
      advisory: true,
    });
  });

  test('only advises, or is silent, where the policy says so', () => {
    const mode = (value: 'advisory' | 'off') => ({
      settings: { critique: { min: 0.5, mode: value, decide: 'all' as const } },
    });
    expect(verdictOf('critique', mode('advisory'))).toMatchObject({ outcome: 'pass', advisory: true });
    expect(verdictOf('critique', mode('off'))).toBeUndefined();
  });
});

describe('the ensemble', () => {
  test('gives one verdict per gate, in a fixed order', () => {
    expect(judge(good, context).map(({ gate }) => gate)).toEqual(NAMES);
    expect(accepted(judge(good, context))).toBe(true);
  });

  test('accepts a sample only if every required gate passes: any one of them can stop it', () => {
    const bad: Partial<JudgedSample>[] = [
      { agrees: false },
      { format: { ok: false, reason: '' } },
      { coherence: { ok: false, reason: '' } },
      { finishReason: 'length' },
      { critiques: [{ critic: 'critic', outcome: 'fails', reason: '' }] },
      { critiques: [{ critic: 'critic', outcome: 'unscored', reason: '' }] },
      { critiques: [{ critic: 'another', outcome: 'holds', reason: '' }] },
      { critiques: [] },
      { verification: { ok: false, reason: '' } },
      { verification: { ok: undefined, reason: '' } },
      { verification: undefined },
      { novelty: { similarity: 0.91, compared: 1 } },
      { novelty: undefined },
      { text: 'x'.repeat(5000) },
      { reward: { score: 0.49, reason: '' } },
      { reward: { score: undefined, reason: '' } },
      { reward: undefined },
      { human: { decision: 'reject', by: 'ann' } },
      { human: { decision: 'correct', by: 'ann' } },
      { human: undefined },
    ];
    for (const change of bad) expect(accepted(judge({ ...good, ...change }, context))).toBe(false);
  });

  test('does not let advice decide, and nothing pass without a required verdict', () => {
    const unsure: JudgedSample = {
      ...good,
      critiques: [{ critic: 'critic', outcome: 'fails', reason: '' }],
    };
    expect(accepted(judge(unsure, context, { critique: 'advisory' }))).toBe(true);
    expect(accepted([])).toBe(false);
    expect(accepted([{ gate: 'critique', outcome: 'pass', reason: '', advisory: true }])).toBe(false);
  });

  test('ungated: every sample that gave the majority answer is accepted, and no other', () => {
    const { settings, policy } = ungated(context.settings);
    const slim = { ...context, settings, vote: { answer: '13', votes: 2, runnerUpVotes: 1, samples: 8 } };
    const poor: JudgedSample = {
      ...good,
      format: { ok: false, reason: '' },
      critiques: [],
      finishReason: 'length',
    };
    expect(accepted(judge(poor, slim, policy))).toBe(true);
    expect(judge(poor, slim, policy).find(({ gate }) => gate === 'format')).toMatchObject({
      outcome: 'fail',
      advisory: true,
    });
    expect(accepted(judge({ ...poor, answer: '12', agrees: false }, slim, policy))).toBe(false);
  });

  test('accepts exactly when all required verdicts are passes', () => {
    const verdict = fc.record({
      gate: fc.constantFrom(...NAMES),
      outcome: fc.constantFrom<Outcome>('pass', 'fail', 'unscored'),
      reason: fc.constant(''),
      advisory: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(verdict), (verdicts) => {
        const required = verdicts.filter(({ advisory }) => !advisory);
        expect(accepted(verdicts)).toBe(
          required.length > 0 && !required.some(({ outcome }) => outcome !== 'pass'),
        );
      }),
    );
  });
});
