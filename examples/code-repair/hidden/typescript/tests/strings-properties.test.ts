import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { camelCase, commonPrefix, compareNatural, fillTemplate, initials } from '../src/strings.ts';
import { seeded } from './chance.ts';

const chance = seeded(1);

describe('camelCase', () => {
  test('character by character', () => {
    for (let round = 0; round < 500; round++) {
      const text = chance.text('abXY9 -_.é', 12);
      let expected = '';
      let boundary = false;
      for (const char of text) {
        if (!/[a-z0-9]/i.test(char)) boundary = true;
        else {
          expected += boundary && expected !== '' ? char.toUpperCase() : char.toLowerCase();
          boundary = false;
        }
      }
      assert.equal(camelCase(text), expected, text);
    }
  });
});

describe('fillTemplate', () => {
  const pieces: [written: string, filled: string][] = [
    ['{x}', 'one'],
    ['{long name}', '2'],
    ['{none}', ''],
    ['{{', '{'],
    ['}}', '}'],
    [' text ', ' text '],
    ['{x}', 'one'],
    ['é', 'é'],
  ];
  const values = { x: 'one', 'long name': 2, none: '', y: '{x}' };

  test('piece by piece', () => {
    for (let round = 0; round < 500; round++) {
      const chosen = Array.from({ length: chance.whole(0, 6) }, () => chance.one(pieces));
      const template = chosen.map(([written]) => written).join('');
      assert.equal(fillTemplate(template, values), chosen.map(([, filled]) => filled).join(''), template);
    }
  });
  test('values are taken as they are', () => {
    assert.equal(fillTemplate('{y}{{{x}}}', values), '{x}{one}');
    assert.equal(fillTemplate('} {y}', values), '} {x}');
    assert.equal(fillTemplate('a}', {}), 'a}');
  });
  test('refused', () => {
    for (const template of ['{', 'a{x', '{{{x', '{z}', '{}', '{constructor}', '{x}{y', '{ x}']) {
      assert.throws(() => fillTemplate(template, values), Error, template);
    }
  });
});

describe('initials', () => {
  test('word by word', () => {
    for (let round = 0; round < 500; round++) {
      const words = Array.from({ length: chance.whole(0, 6) }, () =>
        chance.one(['ann', 'Bo', 'c', 'Élan', 'o’d']),
      );
      const name =
        chance.text(' -', 2) + words.join(chance.one([' ', '-', ' - ', '\t'])) + chance.text(' -', 2);
      const most = chance.whole(1, 5);
      const letters = words.map((word) => word.toUpperCase().charAt(0));
      while (letters.length > most) letters.splice(-2, 1);
      assert.equal(initials(name, most), letters.join(''), `${name} ${most}`);
    }
  });
  test('three unless told', () => {
    assert.equal(initials('a b c'), 'ABC');
    assert.equal(initials('a b c d e'), 'ABE');
  });
});

describe('commonPrefix', () => {
  test('the longest beginning that all share', () => {
    for (let round = 0; round < 500; round++) {
      const stem = chance.text('ab', 4);
      const words = Array.from({ length: chance.whole(0, 4) }, () => stem + chance.text('ab', 3));
      const first = words[0] ?? '';
      const beginnings = Array.from({ length: first.length + 1 }, (_, length) => first.slice(0, length));
      const shared = beginnings.filter((one) => words.every((word) => word.startsWith(one)));
      assert.equal(commonPrefix(words), shared.at(-1), words.join());
    }
  });
});

describe('compareNatural', () => {
  /** Numbers padded to one length compare as texts do; a digit comes before every letter that is used here. */
  const padded = (text: string) => text.replaceAll(/\d+/g, (digits) => digits.padStart(9, '0'));

  test('as padded texts compare', () => {
    for (let round = 0; round < 1000; round++) {
      const [a, b] = [chance.text('ab019', 6), chance.text('ab019', 6)];
      const [x, y] = [padded(a), padded(b)];
      assert.equal(Math.sign(compareNatural(a, b)), x < y ? -1 : x > y ? 1 : 0, `${a} ${b}`);
    }
  });
});
