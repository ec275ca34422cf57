import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import numbers from '../../examples/numbers/task.ts';
import { groupsOf, inWords, readWords } from '../../examples/numbers/words.ts';
import type { SolvedPart } from '../../tasks/task.ts';
import { collect } from '../tasks/collect.ts';

const anyNumber = fc
  .integer({ min: 1, max: 9 })
  .chain((digits) => fc.integer({ min: 10 ** (digits - 1), max: 10 ** digits - 1 }));
/** Each part solved as `answers` says, or rightly. */
const solved = (text: string, answers: Record<string, string> = {}): SolvedPart[] =>
  numbers.decompose({ key: '', text }).map((prompt) => {
    const answer = answers[prompt.text] ?? prompt.key;
    return {
      prompt,
      answer,
      works: [{ request: prompt.text, rationale: `${prompt.text} = ${answer}\n#### ${answer}` }],
    };
  });

describe('numbers in words', () => {
  it('reads every number that it writes, and nothing else', () => {
    fc.assert(fc.property(anyNumber, (n) => readWords(inWords(n)) === n));
    for (const text of [
      '',
      'two two',
      'a thousand',
      'thousand',
      'two million million',
      'one thousand and two hundred',
      'Two',
    ])
      expect(readWords(text)).toBeUndefined();
    expect(inWords(306_000_009)).toBe('three hundred and six million and nine');
    expect(groupsOf('four thousand and ten')).toEqual([
      { words: 'four', place: 1 },
      { words: 'ten', place: 0 },
    ]);
  });

  it('puts right parts together to the right whole, which its gates pass', () => {
    fc.assert(
      fc.property(anyNumber, (n) => {
        const text = inWords(n);
        if (numbers.decompose({ key: '', text }).length === 0) return;
        const whole = numbers.recombine({ key: '', text }, text, solved(text)) as { rationale: string };
        expect(numbers.readAnswer(whole.rationale)).toBe(String(n));
        expect(numbers.checkFormat(text, whole.rationale).ok).toBe(true);
        expect(numbers.checkCoherence(text, whole.rationale, String(n)).ok).toBe(true);
      }),
    );
  });

  it('splits hundreds too, and what is left is small enough to be asked', () => {
    const texts = (text: string, kind: Pick<typeof numbers.partKinds.short, 'decompose'> = numbers) =>
      kind.decompose!({ key: '', text }, []).map((part) => part.text);
    const { short } = numbers.partKinds;
    expect(texts('three hundred and two thousand and ten')).toEqual(['three hundred and two', 'ten']);
    expect(texts('three hundred and two', short)).toEqual(['three', 'two']);
    expect(texts('three hundred', short)).toEqual(['three']);
    expect(texts('ninety-nine', short)).toEqual([]);
    const whole = (...answers: string[]) =>
      short.recombine!(
        { key: '', text: '' },
        '',
        answers.map((answer) => ({ prompt: { key: '', text: '' }, answer, works: [] })),
      );
    expect([whole('3', '2'), whole('3'), whole('3', '42')]).toEqual(
      ['302', '300', '342'].map((rationale) => ({ rationale })),
    );
    expect(whole('30', '2')).toHaveProperty('impossible');
    expect(whole('3', '102')).toHaveProperty('impossible');
  });

  it('refuses answers that are no groups', () => {
    const text = 'four thousand and ten';
    expect(numbers.recombine({ key: '', text }, text, solved(text, { ten: '1000' }))).toHaveProperty(
      'impossible',
    );
  });

  it('refuses a whole that its lines do not make, and lines of other groups', () => {
    const text = 'four thousand and ten';
    const holds = (rationale: string) =>
      numbers.checkCoherence(text, rationale, numbers.readAnswer(rationale) ?? '').ok;
    expect(holds('four = 4\nten = 10\n#### 4010')).toBe(true);
    expect(holds('four = 4\nten = 10\n#### 410')).toBe(false);
    expect(holds('four thousand = 4\nten = 10\n#### 4010')).toBe(false);
    expect(holds('four = 4\n#### 4010')).toBe(false);
  });

  it('shows worked examples that its own gates pass', () => {
    expect(numbers.examples).toHaveLength(5);
    for (const { prompt, answer } of numbers.examples)
      expect(numbers.checkCoherence(prompt, answer, numbers.readAnswer(answer)!).ok).toBe(true);
  });

  it('draws prompts of every level asked for, none held out and none twice', async () => {
    const held = new Set(numbers.benchmarks.flatMap(({ items }) => items().map(({ key }) => key)));
    expect(held.size).toBe(670);
    const prompts = await collect(
      numbers.prompts({ seed: 3, count: 240, levels: [4, 9], exclude: () => false }),
    );
    expect(prompts.filter(({ level }) => level === 9)).toHaveLength(120);
    const practice = await collect(numbers.rehearsal({ seed: 3, count: 60, exclude: () => false }));
    const keys = [...prompts, ...practice].map(({ key }) => key);
    expect(new Set(keys).size).toBe(keys.length);
    expect(keys.filter((key) => held.has(key))).toEqual([]);
  });
});
