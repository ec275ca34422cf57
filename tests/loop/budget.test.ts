import { describe, expect, it } from 'vitest';
import { addSpend, isLimited, NOTHING, overBudget, priceOf, roiOf, spendOf } from '../../loop/budget.ts';
import { improveInputSchema } from '../../loop/input.ts';

const settings = improveInputSchema.parse({});
const spend = (part: Partial<typeof NOTHING>) => ({ ...NOTHING, ...part });
const both = (one: typeof NOTHING) => ({ run: one, iteration: one, stage: one });

describe('spend', () => {
  it('is added field by field', () => {
    expect(
      addSpend(
        { tokens: 1, cost: 2, minutes: 3, trainingSeconds: 4 },
        { tokens: 10, cost: 20, minutes: 30, trainingSeconds: 40 },
      ),
    ).toEqual({ tokens: 11, cost: 22, minutes: 33, trainingSeconds: 44 });
  });

  it('has the price of the model, else of what it was fine-tuned from, else the price of all', () => {
    const at = (promptPerMillion: number) => {
      return { promptPerMillion, completionPerMillion: 0, trainingPerMillion: 0, trainingPerHour: 0 };
    };
    const prices = { 'ft:m:mine': at(1), m: at(2) };
    expect(priceOf(prices, 'ft:m:mine')).toEqual(at(1));
    expect(priceOf(prices, 'ft:m:other')).toEqual(at(2));
    expect(priceOf(prices, 'mm')).toBeUndefined();
    expect(priceOf({ ...prices, '*': at(3) }, 'mm')).toEqual(at(3));
  });

  it('counts prompts and completions per million, training per million tokens and per hour', () => {
    const m = { promptPerMillion: 2, completionPerMillion: 8, trainingPerMillion: 5, trainingPerHour: 36 };
    const usage = [{ model: 'm', promptTokens: 1_000_000, completionTokens: 500_000 }];
    const training = [{ model: 'm', tokens: 2_000_000, seconds: 100 }];
    expect(spendOf({ m }, usage)).toEqual(spend({ tokens: 1_500_000, cost: 2 + 4 }));
    expect(spendOf({ m }, usage, training)).toEqual(
      spend({ tokens: 1_500_000, cost: 2 + 4 + 10 + 1, trainingSeconds: 100 }),
    );
    expect(spendOf({}, usage, training)).toEqual(spend({ tokens: 1_500_000, trainingSeconds: 100 }));
  });
});

describe('a budget', () => {
  const limits = { run: { tokens: 100 }, iteration: { minutes: 2.5 }, stage: { tokens: 80 } };
  const ahead = both(spend({ tokens: 60, minutes: 1 }));

  it('holds when it is met exactly, and is passed by what is beyond, in a sentence', () => {
    const spent = (tokens: number) => ({ ...both(NOTHING), run: spend({ tokens }) });
    expect(overBudget(limits, spent(40), ahead, false)).toBeUndefined();
    expect(overBudget(limits, spent(41), ahead, false)).toEqual({
      scope: 'run',
      problem: 'the run would reach 101 of 100 tokens (41 spent, 60 ahead)',
    });
  });

  it('holds for an iteration on its own', () => {
    const spent = (minutes: number) => ({
      run: spend({ minutes: 1000 }),
      iteration: spend({ minutes }),
      stage: NOTHING,
    });
    expect(overBudget(limits, spent(1.5), ahead, false)).toBeUndefined();
    expect(overBudget(limits, spent(1.75), ahead, false)?.problem).toBe(
      'the iteration would reach 2.7500 of 2.5000 minutes (1.7500 spent, 1 ahead)',
    );
    const many = { run: {}, iteration: { minutes: 20.5 }, stage: {} };
    expect(overBudget(many, both(spend({ minutes: 20 })), ahead, false)?.problem).toContain(
      'reach 21 of 20.5 minutes',
    );
  });

  it('holds for a stage of a curriculum, after what would end the whole run', () => {
    const spent = (tokens: number, run = 0) => ({
      ...both(NOTHING),
      run: spend({ tokens: run }),
      stage: spend({ tokens }),
    });
    expect(overBudget(limits, spent(20), ahead, false)).toBeUndefined();
    expect(overBudget(limits, spent(21), ahead, false)).toEqual({
      scope: 'stage',
      problem: 'the stage would reach 81 of 80 tokens (21 spent, 60 ahead)',
    });
    expect(overBudget(limits, spent(21, 41), ahead, false)?.scope).toBe('run');
  });

  it('of seconds of training stands in the way of training alone', () => {
    const training = { run: { trainingSeconds: 10 }, iteration: {}, stage: {} };
    const spent = both(spend({ trainingSeconds: 11 }));
    expect(overBudget(training, spent, both(NOTHING), false)).toBeUndefined();
    expect(overBudget(training, spent, both(NOTHING), true)?.problem).toContain(
      '11 of 10 seconds of training',
    );
  });

  it('is one where any limit is set', () => {
    const none = { run: {}, iteration: {}, stage: {} };
    expect(isLimited(none)).toBe(false);
    expect(isLimited({ ...none, run: { tokens: undefined } })).toBe(false);
    expect(isLimited({ ...none, iteration: { cost: 1 } })).toBe(true);
    expect(isLimited({ ...none, run: { tokens: 1 } })).toBe(true);
    expect(isLimited({ ...none, stage: { minutes: 1 } })).toBe(true);
  });
});

describe('return on investment', () => {
  it('is points of target accuracy per unit of money, time added at its rate', () => {
    const priced = improveInputSchema.parse({
      prices: { '*': { promptPerMillion: 1 } },
      roi: { latencyPerHour: 2 },
    });
    expect(roiOf({ gain: 0.1, spend: spend({ cost: 4, tokens: 9 }), hours: 3, settings: priced })).toEqual({
      roi: 1,
      cost: 4,
      unit: 'money',
      hours: 3,
    });
  });

  it('counts million tokens where nothing has a price, and is undefined where nothing was spent', () => {
    const free = { ...settings, prices: {}, roi: { ...settings.roi, latencyPerHour: 0 } };
    expect(roiOf({ gain: 0.1, spend: spend({ tokens: 2e6 }), hours: 1, settings: free })).toMatchObject({
      roi: 5,
      unit: 'million tokens',
    });
    expect(roiOf({ gain: 0.1, spend: NOTHING, hours: 1, settings: free }).roi).toBeUndefined();
  });
});
