import { expect, test } from 'vitest';
import { chiSquareTail } from '../../../tasks/discovery/chi-square.ts';
import { farthest, opening } from '../../../tasks/discovery/choose.ts';
import { populationOf, weigh } from '../../../tasks/discovery/evidence.ts';
import { foretell } from '../../../tasks/discovery/foretell.ts';
import { claimsOf, followUpsOf } from '../../../tasks/discovery/conclude.ts';
import { hypothesesOf } from '../../../tasks/discovery/grammar.ts';
import { lawOf } from '../../../tasks/discovery/laws.ts';
import { gridOf, observeLaw, sigmaOf, valuesOf } from '../../../tasks/discovery/simulator.ts';
import { chooseNext, measuredIn, runStudy } from '../../../tasks/discovery/study.ts';

test('the tail of χ² is that of the tables', () => {
  // Abramowitz & Stegun, table 26.8.
  expect(chiSquareTail(3.841458821, 1)).toBeCloseTo(0.05, 9);
  expect(chiSquareTail(18.30703805, 10)).toBeCloseTo(0.05, 9);
  expect(chiSquareTail(2.70554345, 1)).toBeCloseTo(0.1, 8);
  expect(chiSquareTail(59.70306, 30)).toBeCloseTo(0.001, 6);
  // Two degrees of freedom: an exponential.
  expect(chiSquareTail(40, 2) / Math.exp(-20)).toBeCloseTo(1, 9);
  expect(chiSquareTail(0, 5)).toBe(1);
  expect(chiSquareTail(Infinity, 5)).toBe(0);
});

const x = [{ name: 'x', min: 1, max: 10 }];

/** Measurements of 3 x, each off by as much as it says. */
const line = (...off: number[]) => ({
  at: off.map((_, i) => [1 + i]),
  measured: off.map((by, i) => 3 * (1 + i) + 0.1 * by),
  sigma: off.map(() => 0.1),
});

test('what chance allows is alive, simple laws first; what it does not is refuted for good', async () => {
  const hypotheses = hypothesesOf(x);
  const { alive, refuted } = await weigh(
    hypotheses,
    line(1, -1, 0.5, 0, -0.5, 1, 0, -1),
    populationOf(hypotheses),
  );
  expect(alive[0]!.hypothesis.text).toBe('k1 * x');
  expect(alive.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1, 12);
  expect(refuted.map(({ hypothesis }) => hypothesis.text)).toContain('k1 * exp(-k2 / x)');
  for (const { p, freedom } of refuted) {
    expect(p).toBeLessThan(1e-6);
    expect(freedom).toBeGreaterThan(0);
  }
  expect(alive.length + refuted.length).toBe(hypotheses.length);
});

test('an experiment could refute a law only where another foretells something else', async () => {
  const hypotheses = hypothesesOf(x).filter(({ text }) =>
    ['k1 * x', 'k1 * x^k2', 'k1 * x * (1 + k2 * x^2)'].includes(text),
  );
  const data = line(0.3, -0.2, 0.1);
  const { alive } = await weigh(hypotheses, data, populationOf(hypotheses));
  const at = (setting: number) => foretell(alive, data, [setting], { relative: 0, absolute: 0.1 });
  expect(at(2).some(({ risked }) => risked)).toBe(false);
  const { predicted, spread } = at(2).find(({ hypothesis }) => hypothesis === 'k1 * x')!;
  expect(predicted).toBeCloseTo(6, 0);
  expect(spread).toBeGreaterThanOrEqual(0.1);
});

test('the opening is spread out, and the same for the same seed', () => {
  const options = gridOf([...x, { name: 'y', min: 0, max: 1 }], 9);
  const chosen: (readonly number[])[] = [];
  while (chosen.length < opening(2)) chosen.push(options[farthest(options, chosen, '1')]!);
  expect(new Set(chosen.map((one) => one.join())).size).toBe(5);
  expect(chosen[0]).toEqual(options[farthest(options, [], '1')]);
  const nearest = Math.min(
    ...chosen.flatMap((a, i) =>
      chosen.slice(0, i).map((b) => Math.hypot((a[0]! - b[0]!) / 9, a[1]! - b[1]!)),
    ),
  );
  expect(nearest).toBeGreaterThanOrEqual(0.5);
});

test('a setting that failed is not chosen again, nor one that can be measured but once', () => {
  const options = [[1], [2], [3]];
  const plan = {
    options,
    repeats: false,
    policy: 'random' as const,
    seed: 1,
    noise: { relative: 0, absolute: 1 },
  };
  const made = [0, 1].map((option) => ({
    number: option + 1,
    option,
    settings: options[option]!,
    observed: { measured: 1, sigma: 1 },
  }));
  expect(chooseNext(plan, made, undefined)).toMatchObject({ option: 2 });
  const failed = { number: 3, option: 2, settings: [3], observed: { failed: 'crashed' } };
  expect(chooseNext(plan, [...made, failed], undefined)).toBeUndefined();
  expect(chooseNext({ ...plan, repeats: true }, [failed], undefined)?.option).not.toBe(2);
  expect(measuredIn([...made, failed]).measured).toHaveLength(2);
});

test('a study finds its law, and comes to the same when it is done again', async () => {
  const law = lawOf('cooling-radiating', 2);
  const noise = { relative: 0, absolute: sigmaOf(law, 0.01) };
  const options = gridOf(law.quantities);
  const given = {
    hypotheses: hypothesesOf(law.quantities),
    options,
    repeats: true,
    policy: 'informative' as const,
    seed: 2,
    noise,
    budget: 14,
  };
  const observe = (settings: readonly number[], number: number) =>
    observeLaw(law, settings, 0.01, `2/${number}`);
  const { experiments, alive } = await runStudy(given, observe);
  expect(alive[0]!.hypothesis.text).toBe(law.truth.text);
  expect((await runStudy(given, observe)).experiments).toEqual(experiments);
  const data = measuredIn(experiments);
  const [claim] = claimsOf(alive, data, new Map([[law.truth.text, [6, 7]]]));
  expect(claim!.survived).toEqual([6, 7]);
  for (const [i, { value, error }] of claim!.parameters.entries())
    expect(Math.abs(value - law.parameters[i]!)).toBeLessThan(5 * error);
  const followUps = followUpsOf(alive, data, { options, quantities: law.quantities, noise, grid: true });
  expect(followUps.map(({ kind }) => kind)).toContain('sharpen');
  expect(followUps.map(({ information }) => information)).toEqual(
    followUps.map(({ information }) => information).toSorted((a, b) => b - a),
  );
});

test('noise is a share of the typical value, and none without noise but what an instrument resolves', () => {
  const law = lawOf('drag', 3);
  const values = valuesOf(law, gridOf(law.quantities));
  const typical = Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0) / values.length);
  expect(sigmaOf(law, 0.01)).toBeCloseTo(0.01 * typical, 6);
  expect(sigmaOf(law, 0)).toBeCloseTo(1e-6 * typical, 12);
  const at = law.quantities.map(({ min }) => min);
  const one = observeLaw(law, at, 0.01, 'a');
  expect(observeLaw(law, at, 0.01, 'a')).toEqual(one);
  expect(observeLaw(law, at, 0.01, 'b')).not.toEqual(one);
});
