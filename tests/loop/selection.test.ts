import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { integer, random, sample, shuffle } from '../../loop/random.ts';
import { chooseReplay } from '../../loop/replay.ts';
import { accepted } from '../../gates/index.ts';
import { clustersOf } from '../../loop/clusters.ts';
import type { Verdict } from '../../loop/words.ts';
import { templateOf } from '../../loop/rationale.ts';
import { capTemplates, nothingChosen, selectExamples } from '../../loop/select.ts';

const ascending = (a: number, b: number): number => a - b;
const settings = { perPrompt: 2, hardPerRewrite: 1 };
const of = (round: number, index: number, rewrite: string, rationale = `work ${round}.${index}`) => {
  return { round, index, rewrite, request: `text of ${rewrite}`, rationale };
};

describe('selecting examples', () => {
  test('takes a few of the first samples, in the order in which they were sampled', () => {
    const chosen = selectExamples([of(1, 6, 'c'), of(1, 0, 'a'), of(1, 3, 'b')], settings);
    expect(chosen.map(({ sample: { index }, kind }) => [index, kind])).toEqual([
      [0, 'vote'],
      [3, 'vote'],
    ]);
  });

  test('takes one of each rewrite that was sampled again, marked as hard', () => {
    const chosen = selectExamples([of(2, 0, 'a'), of(2, 1, 'a'), of(2, 4, 'b'), of(1, 0, 'c')], settings);
    expect(chosen.map(({ sample: { round, index }, kind }) => [round, index, kind])).toEqual([
      [1, 0, 'vote'],
      [2, 0, 'hard'],
      [2, 4, 'hard'],
    ]);
  });

  test('counts the same work for the same request once, and leaves room for different work', () => {
    const chosen = selectExamples(
      [of(1, 0, 'a', 'same'), of(1, 1, 'a', 'same'), of(1, 2, 'a', 'new'), of(2, 0, 'a', 'new')],
      settings,
    );
    expect(chosen.map(({ sample: { round, index } }) => [round, index])).toEqual([
      [1, 0],
      [1, 2],
    ]);
  });

  test('takes what people wrote where the model has too little, in the order in which it was written', () => {
    const chosen = selectExamples([of(0, -2, 'b'), of(0, -1, 'a'), of(0, -3, 'c'), of(1, 4, 'd')], {
      perPrompt: 3,
      hardPerRewrite: 0,
    });
    expect(chosen.map(({ sample: { round, index }, kind }) => [round, index, kind])).toEqual([
      [1, 4, 'vote'],
      [0, -1, 'vote'],
      [0, -2, 'vote'],
    ]);
  });

  test('does not confuse where a request ends and the work begins', () => {
    const one = { ...of(1, 0, 'a', 'bc'), request: 'a' };
    const two = { ...of(1, 1, 'a', 'c'), request: 'ab' };
    expect(selectExamples([one, two], settings)).toHaveLength(2);
  });

  test('gives nothing of nothing', () => {
    expect(selectExamples([], settings)).toEqual([]);
    expect(selectExamples([of(2, 0, 'a')], { perPrompt: 1, hardPerRewrite: 0 })).toEqual([]);
  });
});

describe('the diversity penalty', () => {
  const plain = 'First I add 3 and 4. That makes 7.';
  const rare = 'seven is what three plus four come to';
  const pick = (diversity: number, chosen = nothingChosen()) =>
    selectExamples(
      [of(1, 0, 'a', plain), of(1, 1, 'b', 'First I add 4 and 3. That makes 7.'), of(1, 2, 'c', rare)],
      { perPrompt: 2, hardPerRewrite: 1, diversity },
      chosen,
    ).map(({ sample: { index } }) => index);

  test('is none at 0: the first samples, in order', () => {
    expect(pick(0)).toEqual([0, 1]);
  });
  test('prefers what is unlike what was chosen for the same prompt', () => {
    expect(pick(1)).toEqual([0, 2]);
  });
  test('prefers templates that are rare in the iteration so far', () => {
    const chosen = nothingChosen();
    for (let i = 0; i < 10; i++)
      selectExamples([of(1, 0, 'a', plain)], { perPrompt: 1, hardPerRewrite: 0, diversity: 1 }, chosen);
    expect(chosen.total).toBe(10);
    expect(pick(1, chosen)).toEqual([2, 0]);
  });
  test('weighs against the order of sampling', () => {
    expect(pick(0.01)).toEqual([0, 1]);
  });
  test('takes as many as without it, each once, whatever its weight', () => {
    const samples = fc.array(
      fc.record({ round: fc.constantFrom(1, 2), rationale: fc.constantFrom(plain, rare, 'x 1', 'x 2') }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(samples, fc.float({ min: 0, max: 10, noNaN: true }), (list, diversity) => {
        const accepted = list.map(({ round, rationale }, i) => of(round, i, `r${i % 3}`, rationale));
        const chosen = selectExamples(accepted, { ...settings, diversity });
        expect(new Set(chosen.map(({ sample: { index } }) => index)).size).toBe(chosen.length);
        const kinds = (of: typeof chosen) => of.filter(({ kind }) => kind === 'vote').length;
        expect(kinds(chosen)).toBe(kinds(selectExamples(accepted, settings)));
      }),
    );
  });
});

describe('novelty', () => {
  const sum = (n: number) => `48 / 2 = 24, then 48 + 24 = 72 (try ${n})`;
  const product = 'Half again as much: 48 * 1.5 = 72';
  const difference = 'From 100 it is 28 less: 100 - 28 = 72';
  const samples = [
    of(1, 0, 'a', sum(1)),
    of(1, 1, 'b', sum(2)),
    of(1, 2, 'c', product),
    of(1, 3, 'd', difference),
  ];
  test('of 1 comes before diversity, however much of that', () => {
    // The third goes a way of its own, whose template has crowded out all others.
    const list = [
      of(1, 0, 'a', '1+1=2\n2+2=4'),
      of(1, 1, 'b', '1+1=2\n2+2=4\n3+3=6'),
      of(1, 2, 'c', product),
    ];
    const chosen = { total: 9, templates: new Map([[templateOf(product), 9]]) };
    const limits = { perPrompt: 2, hardPerRewrite: 0, diversity: 10 };
    const of2 = (novelty: number) =>
      selectExamples(list, { ...limits, novelty }, structuredClone(chosen)).map(
        ({ sample: { index } }) => index,
      );
    expect(of2(1)).toEqual([0, 2]);
    expect(of2(0.99)).toEqual([0, 1]);
  });

  const pick = (novelty: number, perPrompt: number, list = samples) =>
    selectExamples(list, { perPrompt, hardPerRewrite: 1, novelty }).map(({ sample: { index } }) => index);

  test('is none at 0: the first samples, in order', () => {
    expect(pick(0, 3)).toEqual([0, 1, 2]);
  });
  test('takes one of each cluster first, and then the others in order', () => {
    expect(pick(1, 2)).toEqual([0, 2]);
    expect(pick(1, 3)).toEqual([0, 2, 3]);
    expect(pick(1, 4)).toEqual([0, 2, 3, 1]);
  });
  test('weighs against the order of sampling: one that is as far behind as it weighs does not come first', () => {
    // The third of four stands a quarter of all behind the second.
    expect(pick(0.25, 2)).toEqual([0, 1]);
    expect(pick(0.251, 2)).toEqual([0, 2]);
  });
  test('looks over both rounds of a prompt', () => {
    const list = [of(1, 0, 'a', product), of(2, 0, 'b', product), of(2, 1, 'b', difference)];
    expect(pick(0, 1, list)).toEqual([0, 0]);
    expect(pick(1, 1, list)).toEqual([0, 1]);
  });

  const kinds = fc.constantFrom(sum(1), sum(2), product, difference, 'no numbers in here at all');
  const drawn = fc.array(
    fc.record({ round: fc.constantFrom(1, 2), rationale: kinds, passed: fc.boolean() }),
    {
      maxLength: 14,
    },
  );
  const weights = fc.float({ min: 0, max: 1, noNaN: true });
  const verdictOf = (passed: boolean): Verdict[] => [
    { gate: 'format', outcome: 'pass', reason: '' },
    { gate: 'critique', outcome: passed ? 'pass' : 'fail', reason: '' },
  ];
  const passing = (list: { round: number; rationale: string; passed: boolean }[]) =>
    list
      .map((one, i) => ({ ...of(one.round, i, `r${i % 3}`, one.rationale), verdicts: verdictOf(one.passed) }))
      .filter(({ verdicts }) => accepted(verdicts));

  test('never brings in what failed a required gate, and takes as many first samples as without it', () => {
    fc.assert(
      fc.property(drawn, weights, (list, novelty) => {
        const chosen = selectExamples(passing(list), { ...settings, novelty });
        expect(chosen.every(({ sample: { index } }) => list[index]!.passed)).toBe(true);
        expect(new Set(chosen.map(({ sample: { index } }) => index)).size).toBe(chosen.length);
        const votes = (of: typeof chosen) => of.filter(({ kind }) => kind === 'vote').length;
        expect(votes(chosen)).toBe(votes(selectExamples(passing(list), settings)));
      }),
    );
  });
  test('at 1 leaves no cluster out of the first samples that there was room for', () => {
    fc.assert(
      fc.property(drawn, fc.integer({ min: 1, max: 6 }), (list, perPrompt) => {
        const first = passing(list).filter(({ round }) => round === 1);
        const clustersIn = (texts: string[]) => new Set(clustersOf(texts)).size;
        const chosen = selectExamples(first, { perPrompt, hardPerRewrite: 0, novelty: 1 });
        const of = clustersIn(chosen.map(({ sample }) => sample.rationale));
        expect(of).toBe(Math.min(perPrompt, clustersIn(first.map(({ rationale }) => rationale))));
      }),
    );
  });
});

describe('the template cap', () => {
  const chosen = 'aaaaaabbbc'.split('').map((template, id) => ({ template, id }));
  const ids = (share: number) => capTemplates(chosen, share).kept.map(({ id }) => id);

  test('keeps the first of each template, up to its share of all that were chosen', () => {
    expect(ids(0.3)).toEqual([0, 1, 2, 6, 7, 8, 9]);
    expect(ids(0.2)).toEqual([0, 1, 6, 7, 9]);
    expect(capTemplates(chosen, 0.3)).toMatchObject({ dropped: 3, limit: 3 });
  });
  test('counts at its limit: one share less drops one more', () => {
    expect(capTemplates(chosen, 0.6).dropped).toBe(0);
    expect(capTemplates(chosen, 0.59).dropped).toBe(1);
  });
  test('is no cap at 1, and leaves one of each at the least', () => {
    expect(capTemplates(chosen, 1)).toMatchObject({ kept: chosen, dropped: 0 });
    expect(ids(0.01)).toEqual([0, 6, 9]);
    expect(capTemplates([], 0.1)).toEqual({ kept: [], dropped: 0, limit: 1 });
  });
  test('thins out a template that stands alone, and does not give it up', () => {
    const alone = Array.from({ length: 100 }, () => ({ template: 'a' }));
    expect(capTemplates(alone, 0.5).kept).toHaveLength(50);
  });
});

describe('replay', () => {
  const ids = Array.from({ length: 50 }, (_, i) => i * 3);
  test('is the same for the same seed, in whatever order the ids come', () => {
    expect(chooseReplay(ids.toReversed(), 10, 'seed')).toEqual(chooseReplay(ids, 10, 'seed'));
    expect(chooseReplay(ids, 10, 'other')).not.toEqual(chooseReplay(ids, 10, 'seed'));
  });
  test('repeats nothing and takes all where there are fewer', () => {
    expect(new Set(chooseReplay(ids, 20, 's')).size).toBe(20);
    expect(chooseReplay([1, 2, 2, 1], 5, 's').toSorted(ascending)).toEqual([1, 2]);
    expect(chooseReplay(ids, 0, 's')).toEqual([]);
  });
});

describe('seeded randomness', () => {
  test('is the same everywhere: a change of these numbers would change every run', () => {
    const next = random('ratchet');
    expect([next(), next(), next()]).toMatchInlineSnapshot(`
      [
        0.7117681011341929,
        0.6677723461599426,
        0.860321923690232,
      ]
    `);
  });
  test('differs between seeds that are nearly alike', () => {
    expect(random('run/1')()).not.toBe(random('run/2')());
    expect(random('')()).not.toBe(random(' ')());
  });
  test('is spread evenly', () => {
    const next = random('even');
    const counts = Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) counts[integer(next, 0, 9)]! += 1;
    expect(Math.min(...counts)).toBeGreaterThan(1850);
    expect(Math.max(...counts)).toBeLessThan(2150);
  });
  test('shuffles without loss and without touching the original', () => {
    fc.assert(
      fc.property(fc.array(fc.integer()), fc.string(), fc.nat(20), (items, seed, count) => {
        const before = [...items];
        expect(shuffle(random(seed), items).toSorted(ascending)).toEqual(items.toSorted(ascending));
        expect(sample(random(seed), items, count)).toHaveLength(Math.min(count, items.length));
        expect(items).toEqual(before);
      }),
    );
  });
  test('stays within whole-number limits', () => {
    const next = random('limits');
    const seen = new Set(Array.from({ length: 200 }, () => integer(next, -1, 2)));
    expect([...seen].toSorted((a, b) => a - b)).toEqual([-1, 0, 1, 2]);
  });
});
