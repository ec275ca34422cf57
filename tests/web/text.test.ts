import { expect, test } from 'vitest';
import { cutText, visible, visibleString } from '../../web/text.ts';

test('characters that act are shown by name, others as they are', () => {
  expect(visible('plain ñ 漢字 👩‍🚀\n\ttab')).toEqual([
    { text: 'plain ñ 漢字 👩' },
    { mark: 'ZWJ', title: 'U+200D: shown, not obeyed' },
    { text: '🚀\n\ttab' },
  ]);
  expect(visible('\u001b[31mred\u001b[0m').map((piece) => piece.text ?? `<${piece.mark}>`)).toEqual([
    '<ESC>',
    '[31mred',
    '<ESC>',
    '[0m',
  ]);
  expect(visibleString('a\u202etxt.exe\u2066b\u0000')).toBe('a[RLO]txt.exe[LRI]b[NUL]');
  expect(visibleString('\ud800 and \u{e0041}')).toBe('[U+D800] and [U+E0041]');
  expect(visible('one\r\ntwo\rthree').map((piece) => piece.text ?? piece.mark)).toEqual([
    'one',
    '\ntwo',
    'CR',
    'three',
  ]);
});

test('a text of nothing but marks does not become a page of them', () => {
  const pieces = visible('\u202e'.repeat(100_000));
  expect(pieces).toHaveLength(501);
  expect(pieces.at(-1)!.mark).toBe('+99500');
});

test('a cut tears no character in two', () => {
  expect(cutText('abc', 3)).toEqual({ text: 'abc', left: 0 });
  expect(cutText('ab👩cd', 3)).toEqual({ text: 'ab', left: 4 });
  expect(visibleString('x'.repeat(300), 10)).toBe('xxxxxxxxxx…');
});
