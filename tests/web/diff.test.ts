import { expect, test } from 'vitest';
import { changedShare, differences } from '../../web/diff.ts';

const marked = (reference: string, text: string) =>
  differences(reference, text)!
    .map(({ text: part, changed }) => (changed ? `[${part}]` : part))
    .join('');

test('what differs is marked, within the line that it stands in', () => {
  expect(marked('a\nb\nc', 'a\nb\nc')).toBe('a\nb\nc');
  expect(marked('7+6=13\ncarry 1\n#93', '7+6=12\ncarry 1\n#83')).toBe('7+6=[12]\ncarry 1\n#[83]');
  expect(marked('a\nc', 'a\nb\nc')).toBe('a\n[b]\nc');
  expect(marked('a\nb\nc', 'a\nc')).toBe('a\nc');
  expect(marked('', 'new')).toBe('[new]');
  expect(marked('old words here', '')).toBe('');
  expect(marked('x\nold one\ny', 'x\nnew one\nnew two\ny')).toBe('x\n[new] one\n[new two]\ny');
});

test('marked or not, the text is the text', () => {
  const texts = ['', 'a', 'a\n', '\n\na', 'one two\nthree', 'three\none  two\n', 'Ä漢👩\n-'];
  for (const reference of texts)
    for (const text of texts)
      expect(
        differences(reference, text)!
          .map((part) => part.text)
          .join(''),
      ).toBe(text);
});

test('a text that would take long is not compared', () => {
  expect(differences('a\n'.repeat(1_000), 'b')).toBeUndefined();
  const words = 'word '.repeat(5_000);
  const before = performance.now();
  expect(changedShare(differences(words, `${words}!`)!)).toBe(1);
  expect(performance.now() - before).toBeLessThan(1_000);
});
