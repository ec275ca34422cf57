import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { chunk, greatestSum, mergeSorted, mostFrequent, uniqueBy } from '../src/lists.ts';
import { seeded } from './chance.ts';

const chance = seeded(4);
const someNumbers = (longest: number, low = -9, high = 9) =>
  Array.from({ length: chance.whole(0, longest) }, () => chance.whole(low, high));

describe('chunk', () => {
  test('item by item', () => {
    for (let round = 0; round < 300; round++) {
      const [list, size] = [someNumbers(14), chance.whole(1, 6)];
      const before = [...list];
      const chunks = chunk(list, size);
      assert.equal(chunks.length, Math.ceil(before.length / size));
      for (const [at, item] of before.entries()) {
        assert.equal(chunks[Math.floor(at / size)]?.[at % size], item, `${before.join()} ${size}`);
      }
      assert.equal(chunks.flat().length, before.length);
      assert.deepEqual(list, before);
    }
  });
  test('no size', () => {
    for (const size of [0, -1]) assert.throws(() => chunk([1, 2], size), RangeError);
  });
});

describe('mergeSorted', () => {
  test('as both sorted together', () => {
    for (let round = 0; round < 500; round++) {
      const [a, b] = [someNumbers(7), someNumbers(7)].map((list) => list.toSorted((x, y) => x - y));
      const before = [...a!, '|', ...b!].join();
      assert.deepEqual(
        mergeSorted(a!, b!),
        [...a!, ...b!].toSorted((x, y) => x - y),
        before,
      );
      assert.equal([...a!, '|', ...b!].join(), before);
    }
  });
});

describe('uniqueBy', () => {
  test('items with no equal key before them', () => {
    for (let round = 0; round < 300; round++) {
      const list = someNumbers(10).map((number, at) => ({ number, at }));
      const keys = list.map(({ number }) => number);
      const expected = list.filter(({ number, at }) => keys.indexOf(number) === at);
      assert.deepEqual(
        uniqueBy(list, ({ number }) => number),
        expected,
        keys.join(),
      );
    }
  });
});

describe('mostFrequent', () => {
  test('taken one by one', () => {
    for (let round = 0; round < 400; round++) {
      const words = Array.from({ length: chance.whole(0, 12) }, () => chance.one(['a', 'b', 'B', 'cc', 'd']));
      const left = new Set(words);
      const times = (word: string) => words.filter((other) => other === word).length;
      const [expected, count]: [string[], number] = [[], chance.whole(0, 6)];
      while (expected.length < count && left.size > 0) {
        let best: string | undefined;
        for (const word of [...left].toSorted()) {
          if (best === undefined || times(word) > times(best)) best = word;
        }
        expected.push(best!);
        left.delete(best!);
      }
      assert.deepEqual(mostFrequent(words, count), expected, `${words.join()} ${count}`);
    }
  });
});

describe('greatestSum', () => {
  test('against all neighbours', () => {
    for (let round = 0; round < 500; round++) {
      const list = someNumbers(8);
      const sums = list.flatMap((_, from) =>
        list
          .slice(from)
          .map((__, more) => list.slice(from, from + more + 1).reduce((sum, one) => sum + one, 0)),
      );
      assert.equal(greatestSum(list), list.length === 0 ? 0 : Math.max(...sums), list.join());
    }
  });
});
