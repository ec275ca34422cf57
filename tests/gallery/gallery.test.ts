/** `npm run gallery` within `npm test`: every rogue, with and without its defence. */
import { beforeAll, describe, expect, it } from 'vitest';
import type { Rogue } from './harness/rogue.ts';
import { runSuite, type SuiteResult } from './harness/suite.ts';
import { ROGUES } from './rogues/index.ts';
import { forgets } from './rogues/trainers.ts';

let suite: SuiteResult;

/** One that nothing stops: what the gallery claims of the others must not hold of it. */
const loose: Rogue = {
  ...forgets,
  name: 'a rogue that got through',
  arm: () => ({ ...forgets.arm(), input: { promotion: { guardMargin: 1 } } }),
  tells: [{ where: 'report', what: /guard guard fell/ }],
  without: { what: 'nothing', count: () => 0 },
};

beforeAll(async () => {
  suite = await runSuite({ rogues: [...ROGUES, loose], lanes: 3 });
}, 900_000);

const resultOf = (name: string) => suite.results.find(({ rogue }) => rogue.name === name)!;

describe.each(ROGUES)('$name', ({ name, reaches, without }) => {
  it('is stopped, nothing wrong is promoted, and the user is told why', () => {
    const { broken, told } = resultOf(name);
    expect(broken).toEqual([]);
    expect(told).not.toEqual([]);
  });

  it(`gets further without its defence: ${without.what}`, () => {
    const { defended, further } = resultOf(name);
    expect(reaches.count(defended!)).toBe(0);
    expect(further).toBeGreaterThan(0);
  });
});

it('notices a rogue that gets through, tells nobody why, and needs no defence to be stopped', () => {
  expect(resultOf(loose.name).broken).toEqual([
    '1 promotions',
    'a checkpoint was promoted that fell on the guard',
    'the report does not say /guard guard fell/',
    'without its defence (nothing) it gets no further: no promotions',
  ]);
});
