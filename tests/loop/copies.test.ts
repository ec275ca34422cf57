import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { copiesAmong, givesCopies, repeatsOf, type Drawn } from '../../loop/copies.ts';

const drawn = (request: string, rationale: string, strategy = 'plain'): Drawn => {
  return { request, strategy, rationale };
};
const copies = (request: string, count: number) =>
  Array.from({ length: count }, () => drawn(request, `about ${request}`));

describe('copies', () => {
  it('are found where no sample of any request differs, over more of them than chance allows', () => {
    const seven = Array.from({ length: 7 }, (_, i) => copies(`prompt ${i}`, 8)).flat();
    expect(repeatsOf(seven)).toEqual({ further: 49, repeats: 49 });
    expect(givesCopies(repeatsOf(seven))).toBe(true);
    const six = seven.slice(0, 48);
    expect(givesCopies(repeatsOf(six))).toBe(false);
  });

  it('are not found where one sample differs, as of a model that is sure and brief', () => {
    const sure = [...copies('2+2', 400), drawn('2+2', 'another way')];
    expect(repeatsOf(sure)).toEqual({ further: 400, repeats: 399 });
    expect(givesCopies(repeatsOf(sure))).toBe(false);
  });

  it('are not found where every rewrite is asked once, however alike the replies', () => {
    const once = Array.from({ length: 500 }, (_, i) => drawn(`prompt ${i}`, 'the same'));
    expect(givesCopies(repeatsOf(once))).toBe(false);
  });

  it('of one request, asked in two ways, are two', () => {
    const samples = [
      drawn('a', 'x'),
      drawn('a', 'x'),
      drawn('a', 'x', 'other'),
      drawn('b', 'x'),
      drawn('a', 'y'),
    ];
    expect(copiesAmong(samples)).toEqual([false, true, false, false, false]);
  });

  it('leave one vote for each different rationale of a request', () => {
    const samples = fc.array(
      fc.record({
        request: fc.constantFrom('a', 'b'),
        strategy: fc.constantFrom('s', 't'),
        rationale: fc.constantFrom('x', 'y', 'z'),
      }),
    );
    fc.assert(
      fc.property(samples, (all) => {
        const kept = all.filter((_, i) => !copiesAmong(all)[i]);
        expect(kept).toHaveLength(new Set(all.map((one) => JSON.stringify(one))).size);
        const { further, repeats } = repeatsOf(all);
        expect(repeats).toBeLessThanOrEqual(further);
      }),
    );
  });
});
