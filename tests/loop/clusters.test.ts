import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { clustersOf } from '../../loop/clusters.ts';

const words = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => `w${'x'.repeat(from + i)}`);
const together = (...texts: string[]) => new Set(clustersOf(texts)).size === 1;

describe('clusters of rationales', () => {
  test('are of one way that is worded differently, whatever stands around its numbers', () => {
    expect(
      clustersOf([
        'She sold 48/2 = 24 clips in May.\nAltogether 48+24 = 72 clips.\n#### 72',
        'Step 1: May is half of April, **48** ÷ **2** = **24** clips.\nStep 2: 48 clips + 24 clips = 72.',
        '\\(48 / 2 = 24\\) and then $48 + $24 = $72',
        '\\[ \\frac{48}{2} = 24 \\text{ clips a month} \\]\n48 clips/month + 24 clips/month = 72',
        'One and a half times April: 48 * 1.5 = 72.',
        '48 \\times 1.5 = 72',
        '48 x 1.5 = 72 is the answer',
      ]),
    ).toEqual([0, 0, 0, 0, 1, 1, 1]);
  });

  test('let four words stand behind a number, and not five', () => {
    expect(together('25 * 14 = 350', '25 cases * 14 boxes in each case = 350')).toBe(true);
    expect(together('25 * 14 = 350', '25 cases * 14 boxes in each big case = 350')).toBe(false);
  });

  test('tell lines of the built-in task apart by what they add, not by where zeros stand', () => {
    const steps = ['0+0+0=0,0', '5+8+0=3,1', '4+7+1=2,1', '3+6+1=0,1', '0+0+1=1,0'];
    const plain = [...steps.slice(1), ...Array.from({ length: 6 }, () => steps[0]), '#0000001023'];
    const shifted = [
      steps[0],
      ...steps.slice(1),
      ...Array.from({ length: 5 }, () => steps[0]),
      '#0000010230',
    ];
    const swapped = plain.map((line) => line!.replace(/^(\d)\+(\d)/, '$2+$1'));
    expect(clustersOf([plain, shifted, swapped].map((lines) => lines.join('\n')))).toEqual([0, 0, 1]);
  });

  test('go by words where nothing is computed', () => {
    expect(together('The capital of France is Paris.', 'the capital of  France is PARIS')).toBe(true);
    expect(together('The capital of France is Paris.', 'Paris, since kings had their seat there')).toBe(
      false,
    );
    expect(together('In 1066 and in 1215', 'in 1066, and in 1215!')).toBe(true);
    expect(together('', '')).toBe(true);
  });

  test('go by words where a range, a score or a date is all that stands there', () => {
    const war = 'In 1990-1995 the war raged because kings fought bitterly';
    expect(together(war, 'In 1990-1995 peace reigned all over the land and the sea')).toBe(false);
    expect(together(war, `${war} 3-2`)).toBe(true);
  });

  test('know a number however it is written', () => {
    expect(together('$5.00 * 3 = $15', '5 * 3 = 15')).toBe(true);
    expect(together('1,000 + 2.50 = 1,002.5', '1000 + 2.5 = 1002.50')).toBe(true);
    expect(together('100 + 1 = 101', '10 + 1 = 11')).toBe(false);
  });

  test('take in what shares just half, and nothing with less', () => {
    // Two of four steps.
    expect(together('1+1=2\n2+2=4\n3+3=6', '1+1=2\n2+2=4\n4+4=8')).toBe(true);
    // Two of five.
    expect(together('1+1=2\n2+2=4\n3+3=6', '1+1=2\n2+2=4\n4+4=8\n5+5=10')).toBe(false);
    expect(clustersOf(['1+1=2\n2+2=4\n3+3=6', '1+1=2\n2+2=4\n4+4=8'], 0.51)).toEqual([0, 1]);
  });

  test('compare the first 500 steps, the first 400 words, and the first 50,000 characters', () => {
    const steps = (from: number, to: number) =>
      Array.from({ length: to - from }, (_, i) => `${from + i}+0=${from + i}`).join('\n');
    expect(clustersOf([steps(0, 500), `${steps(0, 500)}\n${steps(500, 5000)}`], 1)).toEqual([0, 0]);
    expect(clustersOf([steps(0, 499), steps(0, 500)], 1)).toEqual([0, 1]);
    const short = (to: number) => Array.from({ length: to }, (_, i) => `a${i}`).join(' ');
    expect(clustersOf([short(400), short(500)], 1)).toEqual([0, 0]);
    expect(clustersOf([short(399), short(400)], 1)).toEqual([0, 1]);
    const text = words(1, 400).join(' ').slice(0, 50_000);
    expect(text).toHaveLength(50_000);
    expect(clustersOf([text, `${text} and more of it`], 1)).toEqual([0, 0]);
    expect(clustersOf([text.slice(0, -400), `${text.slice(0, -400)} and more`], 1)).toEqual([0, 1]);
  });

  test('are numbered in the order of their first rationales, and those before do not depend on those behind', () => {
    const text = fc.oneof(fc.string(), fc.constantFrom('1+1=2', '1+1=2\n2+2=4', '2+2=4', '3*3=9', 'no sum'));
    fc.assert(
      fc.property(fc.array(text, { maxLength: 10 }), (texts) => {
        const clusters = clustersOf(texts);
        clusters.forEach((cluster, i) => {
          expect(cluster).toBeLessThanOrEqual(new Set(clusters.slice(0, i)).size);
        });
        expect(clustersOf(texts.slice(0, 5))).toEqual(clusters.slice(0, 5));
        expect(clustersOf([...texts, ...texts]).slice(texts.length)).toEqual(clusters);
      }),
    );
  });

  test('are found fast in what a model writes without end', () => {
    const endless = [
      '1'.repeat(60_000),
      '1 '.repeat(30_000),
      '1 + '.repeat(15_000),
      '+'.repeat(60_000),
      `1${' '.repeat(60_000)}`,
      '1,'.repeat(30_000),
      '\\text{'.repeat(10_000),
      '\\frac{1}{'.repeat(6_000),
      'a/'.repeat(30_000),
    ];
    const before = performance.now();
    expect(clustersOf(endless)).toHaveLength(endless.length);
    expect(performance.now() - before).toBeLessThan(5_000);
  });
});
