/** What the gates' constants decide: the scale of the usual spread, its least, the part that is read, and no samples at all. */
import { describe, expect, test } from 'vitest';
import { agreement } from '../../gates/agreement.ts';
import { distribution, featuresOf, spreadOf } from '../../gates/distribution.ts';
import type { GateContext, JudgedSample } from '../../gates/gate.ts';
import { improveInputSchema } from '../../loop/input.ts';

const { gates } = improveInputSchema.parse({});
const sample: JudgedSample = {
  text: 'work',
  answer: '1',
  agrees: true,
  completionTokens: 1,
  finishReason: 'stop',
  level: undefined,
  format: { ok: true, reason: '' },
  coherence: { ok: true, reason: '' },
  critiques: [],
};
const context: GateContext = {
  vote: { answer: '1', votes: 5, runnerUpVotes: 0, samples: 5 },
  length: { medianTokens: 1, madTokens: 1, samples: 0, of: 'pool' },
  critics: [],
  verifies: false,
  accepted: { examples: 0, features: [] },
  maxTokens: 500,
};

describe('what is usual', () => {
  const of = (texts: string[], feature: string) => spreadOf(texts).find((one) => one.feature === feature)!;
  const word = (length: number) => 'a'.repeat(length);

  test('is spread by 1.4826 times the median absolute deviation, about the median', () => {
    // Deviations of the lengths 2, 4, 8, 16, 32 from 8: 6, 4, 0, 8, 24.
    const odd = of([2, 4, 8, 16, 32].map(word), 'mean word length');
    expect(odd.median).toBe(8);
    expect(odd.spread).toBeCloseTo(1.4826 * 6, 12);
    // Of an even number the two in the middle count alike: median 6; deviations 4, 2, 2, 10.
    const even = of([2, 4, 8, 16].map(word), 'mean word length');
    expect(even.median).toBe(6);
    expect(even.spread).toBeCloseTo(1.4826 * 3, 12);
  });

  test('has the least spread of each feature where all are alike', () => {
    const spreads = spreadOf(['same', 'same']).map(({ feature, spread }) => [feature, spread]);
    expect(Object.fromEntries(spreads)).toEqual({
      'length (log characters)': 0.1,
      'lines (log)': 0.1,
      'share of digits': 0.02,
      'share of letters': 0.02,
      'share of distinct words': 0.05,
      'mean word length': 0.3,
    });
  });

  test('is read off the first 50,000 characters, but for the length', () => {
    const features = featuresOf(`${'a'.repeat(50_000)}1`);
    expect(features).toMatchObject({
      'length (log characters)': Math.log(50_002),
      'share of digits': 0,
      'share of letters': 1,
      'mean word length': 50_000,
    });
    expect(featuresOf(`${'a'.repeat(49_999)}1`)['share of digits']).toBe(1 / 50_000);
  });

  test('is defined for a text of nothing, and of one character', () => {
    expect(Object.values(featuresOf(''))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(featuresOf('1')).toMatchObject({
      'share of digits': 1,
      'share of distinct words': 1,
      'mean word length': 1,
    });
  });

  test('is held against the feature that is farthest off', () => {
    const features = [
      { feature: 'share of letters', median: 1, spread: 0.5 },
      { feature: 'mean word length', median: 2, spread: 1 },
      { feature: 'lines (log)', median: 1, spread: 1 },
      { feature: 'a feature of another version', median: 1.5, spread: 1 },
    ];
    const verdict = distribution.judge(
      sample,
      { ...context, accepted: { examples: 60, features } },
      gates.distribution,
    );
    expect(verdict).toMatchObject({ score: 2, reason: expect.stringContaining('in mean word length') });
    // What the text does not have is 0 there.
    const unknown = distribution.judge(
      sample,
      { ...context, accepted: { examples: 60, features: [features[3]!] } },
      gates.distribution,
    );
    expect(unknown.score).toBe(1.5);
  });
});

describe('the agreement gate', () => {
  test('takes no samples for no agreement and no lead, and one for all of it', () => {
    const at = (votes: number, samples: number) =>
      agreement.judge(
        sample,
        { ...context, vote: { answer: '1', votes, runnerUpVotes: 0, samples } },
        gates.agreement,
      );
    expect(at(0, 0)).toMatchObject({ outcome: 'fail', score: 0 });
    expect(at(1, 1)).toMatchObject({ outcome: 'pass', score: 1 });
  });

  test('asks for a lead only where one is required', () => {
    const required = { votes: 5, reason: 'needs 5' };
    const verdict = agreement.judge(
      sample,
      { ...context, vote: { ...context.vote, required } },
      gates.agreement,
    );
    expect(verdict.outcome).toBe('pass');
  });
});
