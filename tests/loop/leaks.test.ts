import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createLeakIndex, normalised } from '../../loop/leaks.ts';

const CLIPS =
  'Natalia sold clips to 48 of her friends in April, and then she sold half as many clips in May. ' +
  'How many clips did Natalia sell altogether in April and May?';
const heldOut = [
  { key: 'clips', text: CLIPS, benchmark: 'target' },
  {
    key: 'robe',
    text: 'A robe takes 1,200 bolts of blue fiber and half that much white fiber. How many bolts in total does it take?',
    benchmark: 'final',
  },
  { key: '345+678', text: '0000345000+0000678000', benchmark: 'target' },
  { key: 'short', text: 'How much is a?', benchmark: 'target' },
];
const index = createLeakIndex(heldOut, 0.8);

describe('an exact hit', () => {
  test.each([
    ['the key, whatever the text', { key: '345+678', text: '678+345' }, '345+678'],
    ['the text itself', { key: 'x', text: CLIPS }, 'clips'],
    [
      'case, spacing and punctuation aside',
      { text: `  ${CLIPS.toUpperCase().replaceAll(',', ' ;\n')}` },
      'clips',
    ],
    ['characters of full width', { text: 'Ｈow much is ａ？' }, 'short'],
    [
      'numbers written otherwise',
      { text: heldOut[1]!.text.replace('1,200', '1200.0').replace('A robe', 'a “robe”') },
      'robe',
    ],
    ['leading zeros', { text: '345000 + 678000' }, '345+678'],
  ])('%s', (_, prompt, key) => {
    expect(index.find(prompt)).toMatchObject({ kind: 'exact', similarity: 1, heldOut: { key } });
  });
});

describe('a near hit', () => {
  test('is a light edit of a longer text, with its measured similarity', () => {
    const edited = CLIPS.replace('altogether', 'in total');
    const hit = index.find({ text: edited })!;
    expect(hit).toMatchObject({ kind: 'near', heldOut: { key: 'clips', benchmark: 'target' } });
    // Of 27 different pairs of neighbouring words the edit takes 2 away and adds 3.
    expect(hit.similarity).toBeCloseTo(25 / (27 + 3), 12);
  });

  test('is the most similar of several', () => {
    const twins = createLeakIndex(
      [
        { key: 'a', text: `${CLIPS} Please tell me.`, benchmark: 'target' },
        { key: 'b', text: CLIPS, benchmark: 'final' },
      ],
      0.6,
    );
    expect(twins.find({ text: CLIPS.replace('April', 'June') })?.heldOut.key).toBe('b');
  });

  test('depends on the threshold', () => {
    const edited = { text: CLIPS.replace('friends', 'neighbours').replace('half', 'twice') };
    expect(index.find(edited)).toBeUndefined();
    expect(createLeakIndex(heldOut, 0.6).find(edited)).toMatchObject({ kind: 'near' });
    expect(createLeakIndex(heldOut, 1).find({ text: `${CLIPS} Quickly!` })).toBeUndefined();
  });
});

describe('no hit', () => {
  test.each([
    ['another sum', '345+679'],
    ['the difference of the same numbers', '0000345000-0000678000'],
    ['another short question', 'How much is b?'],
    [
      'a longer text on other things',
      'A train leaves at nine and travels for three hours at sixty miles an hour. How far does it get?',
    ],
    ['nothing at all', ''],
  ])('%s', (_, text) => {
    expect(index.find({ key: text, text })).toBeUndefined();
  });

  test('short texts that share all but one word are different problems', () => {
    const short = createLeakIndex([{ key: 'k', text: 'What is 3 plus 4 times 5?', benchmark: 't' }], 0.5);
    expect(short.find({ text: 'What is 3 plus 4 times 6?' })).toBeUndefined();
  });
});

test('normalising is stable: what is normalised stays so', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme', maxLength: 200 }), (text) => {
      // A minus before a bracket is a sign, and the bracket itself is left out.
      fc.pre(!text.normalize('NFKC').includes('('));
      expect(normalised(normalised(text))).toBe(normalised(text));
    }),
  );
});

test('every text finds itself, however it is spaced or cased', () => {
  const word = fc.stringMatching(/^[a-z]{1,8}$|^[1-9][0-9]{0,4}$/);
  fc.assert(
    fc.property(fc.array(word, { minLength: 1, maxLength: 40 }), (words) => {
      const own = createLeakIndex([{ key: 'k', text: words.join(' '), benchmark: 't' }], 0.8);
      expect(own.find({ text: words.join('  ').toUpperCase() })).toMatchObject({ kind: 'exact' });
    }),
  );
});
