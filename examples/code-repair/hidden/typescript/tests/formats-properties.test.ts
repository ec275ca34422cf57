import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  compareVersions,
  formatBytes,
  matchesMask,
  parseColor,
  parsePages,
  parseQuery,
} from '../src/formats.ts';
import { seeded } from './chance.ts';

const chance = seeded(6);

describe('parseQuery', () => {
  test('as URLSearchParams has it', () => {
    for (let round = 0; round < 500; round++) {
      const parts = Array.from({ length: chance.whole(0, 5) }, () =>
        chance.one(['a=1', 'b', 'a=x+y', 'b=', 'c=%26%3d', 'long+name=é', 'a=2=3', '', 'c=?', '%2B=+', '=x']),
      );
      const query = chance.one(['', '?']) + parts.join('&');
      const expected: Record<string, string[]> = {};
      for (const [name, value] of new URLSearchParams(query)) (expected[name] ??= []).push(value);
      assert.deepEqual(parseQuery(query), expected, query);
    }
  });
});

describe('compareVersions', () => {
  test('places in a list that is in order', () => {
    const ordered = [
      ['0', '0.0.0'],
      ['0.0.1-a'],
      ['0.0.1'],
      ['0.9'],
      ['0.10-beta', '0.10.0-beta'],
      ['0.10-beta-2'],
      ['0.10-rc'],
      ['0.10'],
      ['1', '1.0', '1.0.0'],
      ['1.0.0.1'],
      ['1.2-x'],
      ['1.2'],
      ['2-alpha'],
      ['2-alpha-1'],
      ['2.0'],
      ['10.0-dev'],
      ['10'],
    ];
    for (const [i, left] of ordered.entries()) {
      for (const [j, right] of ordered.entries()) {
        for (const a of left) {
          for (const b of right) assert.equal(compareVersions(a, b), Math.sign(i - j), `${a} ${b}`);
        }
      }
    }
  });
});

describe('parseColor', () => {
  test('there and back again', () => {
    for (let round = 0; round < 300; round++) {
      const channels = [chance.whole(0, 255), chance.whole(0, 255), chance.whole(0, 255)];
      const written = channels.map((channel) => channel.toString(16).padStart(2, '0')).join('');
      assert.deepEqual(parseColor(`#${written}`), channels);
      assert.deepEqual(parseColor(`#${written.toUpperCase()}`), channels);
      const short = channels.map((channel) => channel % 16);
      const digits = short.map((channel) => channel.toString(16)).join('');
      assert.deepEqual(
        parseColor(`#${digits}`),
        short.map((channel) => channel * 17),
      );
    }
  });
  test('refused', () => {
    for (const text of [
      '',
      '#',
      '123',
      '#1',
      '#12345',
      '#1234567',
      '##123',
      '#12g',
      ' #123',
      '#123 ',
      '#-12',
      'red',
    ]) {
      assert.equal(parseColor(text), undefined, text);
    }
  });
});

describe('formatBytes', () => {
  test('by the number of digits', () => {
    for (let digits = 1; digits <= 15; digits++) {
      for (let round = 0; round < 30; round++) {
        const low = digits === 1 ? 0 : 10 ** (digits - 1);
        const bytes = chance.one([low, 10 ** digits - 1, chance.whole(low, 10 ** digits - 1)]);
        const text = String(bytes);
        const unit = Math.min(Math.floor((text.length - 1) / 3), 4);
        const cut = text.length - unit * 3;
        const number = unit === 0 ? text : `${text.slice(0, cut)}.${text.charAt(cut)}`;
        assert.equal(formatBytes(bytes), `${number} ${['B', 'kB', 'MB', 'GB', 'TB'][unit]}`);
      }
    }
  });
});

describe('parsePages', () => {
  test('page by page', () => {
    for (let round = 0; round < 400; round++) {
      const last = chance.whole(1, 12);
      const wanted = new Set<number>();
      const parts = Array.from({ length: chance.whole(1, 4) }, () => {
        const from = chance.whole(1, last);
        const to = chance.whole(from, last);
        const [kind, low, high] = chance.one([
          [`${from}`, from, from],
          [`${from}-${to}`, from, to],
          [`${from}-`, from, last],
          [`-${to}`, 1, to],
        ] as [string, number, number][]);
        for (let page = 1; page <= last; page++) if (page >= low && page <= high) wanted.add(page);
        return kind;
      });
      const text = parts.join(chance.one([',', ', ', ' ,']));
      const expected = Array.from({ length: last }, (_, at) => at + 1).filter((page) => wanted.has(page));
      assert.deepEqual(parsePages(text, last), expected, `${text} of ${last}`);
    }
  });
  test('refused', () => {
    for (const text of [
      '',
      ' ',
      ',',
      '1,',
      '-',
      '0',
      '0-2',
      '-0',
      '6',
      '4-6',
      '6-',
      '4-3',
      '1-2-3',
      '1 2',
      'x',
      '1.5',
    ]) {
      assert.throws(() => parsePages(text, 5), RangeError, text);
    }
  });
});

describe('matchesMask', () => {
  /** By the definition: a star takes each number of characters in turn. */
  const matches = (name: string, pattern: string): boolean => {
    if (pattern === '') return name === '';
    const rest = pattern.slice(1);
    if (pattern.startsWith('*')) {
      return Array.from({ length: name.length + 1 }, (_, taken) => name.slice(taken)).some((left) =>
        matches(left, rest),
      );
    }
    return name !== '' && (pattern.startsWith('?') || pattern[0] === name[0]) && matches(name.slice(1), rest);
  };

  test('by the definition', () => {
    for (let round = 0; round < 1500; round++) {
      const [name, pattern] = [chance.text('ab.', 7), chance.text('ab.*?', 6)];
      assert.equal(matchesMask(name, pattern), matches(name, pattern), `${name} ${pattern}`);
    }
  });
});
