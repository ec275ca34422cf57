import { describe, expect, it } from 'vitest';
import { NOTHING, overBudget, priceOf, roiOf, spendOf } from '../../loop/budget.ts';
import {
  adjusted,
  isResetDue,
  lighterStrategies,
  nextStep,
  settingsOf,
  type Adjustment,
  type Situation,
} from '../../loop/course.ts';
import { improveInputSchema, type ImproveInput } from '../../loop/input.ts';
import { findStagnation, type Turn } from '../../loop/stagnation.ts';

const settings = (input: ImproveInput = {}) => improveInputSchema.parse(input);

const turn = (index: number, changes: Partial<Turn> = {}): Turn => ({
  index,
  decision: 'promote',
  prompts: 100,
  accepted: 50,
  agreement: 0.5,
  before: 0.1 * index,
  after: 0.1 * index + 0.1,
  ...changes,
});

describe('stagnation', () => {
  const policy = settings().stagnation;

  it('is not seen in a run that gets better, nor before the window is full', () => {
    expect(findStagnation([turn(1), turn(2), turn(3)], policy)).toBeUndefined();
    expect(findStagnation([turn(1, { decision: 'discard' })], policy)).toBeUndefined();
  });

  it('finds a plateau, with the numbers', () => {
    const flat = [1, 2, 3].map((i) => turn(i, { decision: 'discard', before: 0.5, after: 0.5 }));
    expect(findStagnation(flat, policy)).toMatchObject({
      kind: 'plateau',
      reason: 'target gained 0.0 % over iterations 1–3, less than 0.5 %',
    });
  });

  it('counts a promotion that gained enough as headway, wherever it is in the window', () => {
    const turns = [
      turn(1, { before: 0.5, after: 0.52 }),
      turn(2, { decision: 'discard', before: 0.52, after: 0.52 }),
    ];
    expect(
      findStagnation(
        [...turns, turn(3, { decision: 'nothing-to-train', before: undefined, after: undefined })],
        policy,
      ),
    ).toBeUndefined();
  });

  it('finds a decline: every candidate is worse than what it should replace', () => {
    const falling = [1, 2, 3].map((i) => turn(i, { decision: 'discard', before: 0.5, after: 0.48 }));
    expect(findStagnation(falling, policy)?.kind).toBe('decline');
  });

  it('finds a collapse: agreement rises while candidates fall', () => {
    const collapsing = [
      turn(1, { decision: 'discard', agreement: 0.4, before: 0.5, after: 0.51 }),
      turn(2, { decision: 'discard', agreement: 0.6, before: 0.5, after: 0.45 }),
      turn(3, { decision: 'discard', agreement: 0.8, before: 0.5, after: 0.3 }),
    ];
    expect(findStagnation(collapsing, policy)).toMatchObject({ kind: 'collapse' });
    const steady = collapsing.map((one) => ({ ...one, agreement: 0.5 }));
    expect(findStagnation(steady, policy)?.kind).toBe('plateau');
  });

  it('finds a collapse in rationales that shrink to a template while agreement rises', () => {
    const shrinking = [80, 60, 30].map((rationaleTokens, i) =>
      turn(i + 1, { agreement: 0.4 + 0.1 * i, rationaleTokens }),
    );
    expect(findStagnation(shrinking, policy)).toMatchObject({
      kind: 'collapse',
      reason: expect.stringMatching(/from 80 to 30 tokens while agreement rose 0\.40 → 0\.60/),
    });
    const steady = shrinking.map((one) => ({ ...one, agreement: 0.5 }));
    expect(findStagnation(steady, policy)).toBeUndefined();
  });

  it('leaves skipped iterations out of account', () => {
    const turns = [
      turn(1, { decision: 'discard', before: 0.5, after: 0.5 }),
      turn(2, { decision: 'skip' }),
      turn(3, { decision: 'skip' }),
    ];
    expect(findStagnation(turns, policy)).toBeUndefined();
  });
});

describe('a lighter strategy', () => {
  const evaluate = (input: ImproveInput) =>
    lighterStrategies(settings(input)).find(({ stage }) => stage === 'evaluate')!;
  const critics = [{ name: 'sums', speciality: 'arithmetic' as const }, { name: 'steps' }];

  it('asks the first critic alone, and no one who only advises', () => {
    const one = evaluate({ gates: { critique: { critics } } });
    expect(one.name).toBe('no second round of samples, no second and no advisory critic');
    const lighter = settingsOf(
      settings({ gates: { critique: { critics }, policy: { reward: 'advisory' } } }),
      [
        {
          kind: 'lighter',
          fromIteration: 1,
          untilIteration: null,
          overrides: evaluate({ gates: { critique: { critics }, policy: { reward: 'advisory' } } }).overrides,
        },
      ],
      1,
    );
    expect(lighter.gates.critique.critics.map(({ name }) => name)).toEqual(['sums']);
    expect(lighter.gates.critique.mode).toBe('auto');
    expect(lighter.gates.policy.reward).toBe('off');
    expect(lighter.sampling.resamples).toBe(0);
  });

  it('leaves a required critic and a required reward model', () => {
    const { overrides, name } = evaluate({ gates: { policy: { reward: 'required' } } });
    expect(name).toBe('no second round of samples, no advisory critic');
    expect(overrides).toEqual({ sampling: { resamples: 0 }, gates: { critique: {} } });
    const one = evaluate({ gates: { critique: { critics: [critics[0]!] } } });
    expect(one).toMatchObject({ name, overrides });
    expect(one.overrides).toEqual(overrides);
  });

  it('with fewer samples leaves the agreement band open', () => {
    const band = settings({
      sampling: { samples: 5 },
      gates: { agreement: { min: 0.75, max: 0.8, minMargin: 0 } },
    });
    const [fewer] = lighterStrategies(band);
    const { agreement } = settingsOf(
      band,
      [{ kind: 'lighter', fromIteration: 1, untilIteration: null, overrides: fewer!.overrides }],
      1,
    ).gates;
    expect(agreement.min).toBeLessThanOrEqual(agreement.max);
  });
});

describe('the stagnation policy', () => {
  const situation = (changes: Partial<Situation> = {}): Situation => ({
    kind: 'plateau',
    settings: settings(),
    taken: [],
    hasAlternatives: true,
    hasLevels: true,
    acceptedShare: 0.6,
    betterCheckpoint: true,
    hasExamples: true,
    ...changes,
  });

  it('goes step by step, and ends', () => {
    const taken: Situation['taken'][number][] = [];
    for (;;) {
      const next = nextStep(situation({ taken }));
      if (!next) break;
      taken.push(next.step);
    }
    expect(taken).toEqual(['diversity', 'pool', 'reset-best', 'reset-base', 'halt']);
  });

  it('makes samples more diverse within the limit', () => {
    expect(nextStep(situation())?.overrides).toEqual({ sampling: { temperature: 0.95, strategies: 'all' } });
    const hot = settings({ sampling: { temperature: 1.2, strategies: 'all' } });
    expect(nextStep(situation({ settings: hot }))?.step).toBe('pool');
  });

  it('asks for an easier pool where little is accepted or candidates get worse, else for a harder one', () => {
    const shift = (changes: Partial<Situation>) =>
      nextStep(situation({ taken: ['diversity'], ...changes }))?.overrides;
    expect(shift({})).toEqual({ curriculum: { shift: 1 } });
    expect(shift({ acceptedShare: 0.29 })).toEqual({ curriculum: { shift: -1 } });
    expect(shift({ acceptedShare: 0.3 })).toEqual({ curriculum: { shift: 1 } });
    expect(shift({ kind: 'collapse' })).toEqual({ curriculum: { shift: -1 } });
  });

  it('passes over what would change nothing', () => {
    const bare = situation({
      taken: ['diversity'],
      hasLevels: false,
      betterCheckpoint: false,
      hasExamples: false,
    });
    expect(nextStep(bare)?.step).toBe('halt');
    expect(nextStep(situation({ settings: settings({ stagnation: { steps: [] } }) }))).toBeUndefined();
  });
});

describe('settings in force', () => {
  const adjustment = (changes: Partial<Adjustment>): Adjustment => ({
    kind: 'diversity',
    fromIteration: 1,
    untilIteration: null,
    overrides: {},
    ...changes,
  });

  it('lays later adjustments over earlier ones, from their iteration to their last', () => {
    const list = [
      adjustment({ fromIteration: 2, overrides: { sampling: { temperature: 0.9 } } }),
      adjustment({
        kind: 'retrain',
        fromIteration: 3,
        untilIteration: 3,
        overrides: { training: { from: 'base' } },
      }),
    ];
    const at = (index: number) => settingsOf(settings(), list, index);
    expect([at(1), at(2), at(3)].map((s) => s.sampling.temperature)).toEqual([0.8, 0.9, 0.9]);
    expect([at(2), at(3), at(4)].map((s) => s.training.from)).toEqual(['best', 'base', 'best']);
    expect(at(2).sampling.samples).toBe(8);
  });

  it('forgets diversity and pool at a reset, but not the budget', () => {
    const list = [
      adjustment({ overrides: { sampling: { temperature: 1.1 } } }),
      adjustment({ kind: 'lighter', overrides: { sampling: { samples: 4 } } }),
      adjustment({ kind: 'reset', fromIteration: 4 }),
    ];
    expect(settingsOf(settings(), list, 3).sampling).toMatchObject({ temperature: 1.1, samples: 4 });
    expect(settingsOf(settings(), list, 4).sampling).toMatchObject({ temperature: 0.8, samples: 4 });
  });
});

describe('a temperature schedule', () => {
  const scheduled = settings({
    sampling: { temperature: 0.8, temperatureSchedule: { add: 0.3, from: 3, over: 3 } },
  });
  const at = (index: number) => settingsOf(scheduled, [], index).sampling.temperature;

  it('rises in its first iteration and falls back to nothing in even steps', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map(at)).toEqual([0.8, 0.8, 1.1, 1, 0.9, 0.8, 0.8]);
  });
  it('goes no higher than an endpoint takes, and stays out of what is adjusted further', () => {
    const hot = settings({ sampling: { temperature: 1.9, temperatureSchedule: { add: 1 } } });
    expect(settingsOf(hot, [], 1).sampling.temperature).toBe(2);
    expect(adjusted(hot, [], 1).sampling.temperature).toBe(1.9);
  });
  it('may come from an adjustment', () => {
    const rise: Adjustment = {
      kind: 'temperature',
      fromIteration: 2,
      untilIteration: null,
      overrides: { sampling: { temperatureSchedule: { add: 0.2, from: 2, over: 2 } } },
    };
    const temperature = (index: number) => settingsOf(settings(), [rise], index).sampling.temperature;
    expect([1, 2, 3, 4].map(temperature)).toEqual([0.8, 1, 0.9, 0.8]);
    // What drift called for guards the way: a reset does not take it back.
    const reset: Adjustment = { kind: 'reset', fromIteration: 3, untilIteration: null, overrides: {} };
    expect(settingsOf(settings(), [rise, reset], 3).sampling.temperature).toBe(0.9);
  });
});

describe('a periodic reset of training', () => {
  it('is due every so many iterations, where it is on', () => {
    const every = settings({ training: { resetEvery: 3 } });
    expect([1, 2, 3, 4, 5, 6].filter((index) => isResetDue(every, index))).toEqual([3, 6]);
    expect([1, 2, 3].filter((index) => isResetDue(settings(), index))).toEqual([]);
  });
});

describe('lighter strategies', () => {
  it('halve the samples and still want as many votes to agree', () => {
    const [first] = lighterStrategies(settings({ gates: { agreement: { min: 0.375, minMargin: 0.25 } } }));
    expect(first!.overrides).toEqual({
      sampling: { samples: 4 },
      gates: { agreement: { min: 0.75, minMargin: 0.5 } },
    });
  });

  it('leave out debates, where there are any, before the second round', () => {
    const debating = settings({ strategy: { debate: { mode: 'on' } } });
    const lighter = lighterStrategies(debating);
    expect(lighter.map((one) => one.stage)).toEqual([
      'generate',
      'evaluate',
      'evaluate',
      'adapt',
      'generate',
    ]);
    expect(lighter[1]!.overrides).toEqual({ strategy: { debate: { mode: 'off' } } });
  });

  it('come in the order samples, second round, adapter, prompts, and leave out what can be no lighter', () => {
    expect(lighterStrategies(settings()).map((one) => one.stage)).toEqual([
      'generate',
      'evaluate',
      'adapt',
      'generate',
    ]);
    const least = settings({
      sampling: { samples: 3 },
      pool: { prompts: 10 },
      training: { loraRank: 1, epochs: 1 },
    });
    expect(lighterStrategies(least).map((one) => one.stage)).toEqual(['evaluate']);
  });
});

describe('budget', () => {
  const prices = settings({
    prices: {
      small: { promptPerMillion: 1, completionPerMillion: 2, trainingPerHour: 3600 },
      '*': { promptPerMillion: 10 },
    },
  }).prices;

  it('prices an adapter as the model that it was trained from, and others by the wildcard', () => {
    expect(priceOf(prices, 'ft:small:x:1')).toBe(prices.small);
    expect(priceOf(prices, 'other')).toBe(prices['*']);
    expect(priceOf({}, 'other')).toBeUndefined();
  });

  it('adds up tokens, money and training', () => {
    const spend = spendOf(
      prices,
      [{ model: 'small', promptTokens: 1e6, completionTokens: 5e5 }],
      [{ model: 'small', tokens: 7, seconds: 2 }],
    );
    expect(spend).toEqual({ tokens: 1.5e6, cost: 4, minutes: 0, trainingSeconds: 2 });
  });

  it('names the limit that would be passed', () => {
    const { budget } = settings({ budget: { run: { tokens: 100 }, iteration: { cost: 1 } } });
    const spend = (tokens: number, cost = 0) => ({ tokens, cost, minutes: 0, trainingSeconds: 0 });
    const over = (spent: number, ahead: number, cost = 0) =>
      overBudget(
        budget,
        { run: spend(spent), iteration: spend(0, cost), stage: NOTHING },
        { run: spend(ahead), iteration: spend(0), stage: NOTHING },
        true,
      )?.problem;
    expect(over(50, 50)).toBeUndefined();
    expect(over(50, 51)).toBe('the run would reach 101 of 100 tokens (50 spent, 51 ahead)');
    expect(over(0, 0, 1.5)).toMatch(/the iteration would reach 1\.5000 of 1 in money/);
  });

  it('lets spent seconds of training stand in the way of training alone', () => {
    const { budget } = settings({ budget: { run: { trainingSeconds: 10 } } });
    const ahead = { run: NOTHING, iteration: NOTHING, stage: NOTHING };
    const spent = { ...ahead, run: { ...NOTHING, trainingSeconds: 11 } };
    expect(overBudget(budget, spent, ahead, true)?.problem).toMatch(
      /would reach 11 of 10 seconds of training/,
    );
    expect(overBudget(budget, spent, ahead, false)).toBeUndefined();
  });

  it('computes the return on investment: points gained over cost and waiting', () => {
    const roi = (input: ImproveInput) =>
      roiOf({
        gain: 0.1,
        hours: 2,
        spend: { tokens: 2e6, cost: 5, minutes: 0, trainingSeconds: 0 },
        settings: settings(input),
      });
    expect(roi({})).toMatchObject({ roi: 5, unit: 'million tokens' });
    expect(roi({ roi: { latencyPerHour: 4 } }).roi).toBe(1);
    expect(roi({ prices: { '*': {} } })).toMatchObject({ roi: 2, unit: 'money' });
  });
});
