import { describe, expect, it } from 'vitest';
import messages from '../../examples/messages/task.ts';
import staged from '../../examples/messages/stages.ts';
import type { BenchmarkItem } from '../../tasks/task.ts';
import { collect } from '../tasks/collect.ts';

const items = (name: string, task = messages): BenchmarkItem[] => [
  ...(task.benchmarks.find((one) => one.name === name)!.items() as Iterable<BenchmarkItem>),
];
const request = { seed: 1, count: 500, exclude: () => false };

describe('messages, in figures', () => {
  it('shows worked examples that its own gates pass', () => {
    expect(messages.examples).toHaveLength(4);
    for (const { prompt: text, answer } of messages.examples!) {
      expect(messages.checkFormat(text, answer)).toMatchObject({ ok: true });
      expect(messages.checkCoherence(text, answer, messages.readAnswer(answer)!)).toMatchObject({ ok: true });
    }
  });

  it('has no held-out problem among its prompts, and none in two benchmarks', async () => {
    const prompts = await collect(messages.prompts(request));
    const held = [...items('target'), ...items('final')].map(({ key }) => key);
    expect(new Set(held).size).toBe(600);
    expect(new Set([...held, ...prompts.map(({ key }) => key)]).size).toBe(1_100);
  });

  it('refuses what quotes other words, and what is no day or sum of money', () => {
    const text = 'Order 4711 came on 3 March 2021.\nWhich day is that?';
    const gates = (rationale: string) => [
      messages.checkFormat(text, rationale).ok,
      messages.checkCoherence(text, rationale, '').ok,
    ];
    expect(gates('"3 March 2021" is 2021-03-03')).toEqual([true, true]);
    expect(gates('"4 March 2021" is 2021-03-04')).toEqual([true, false]);
    expect(gates('"3 March 2021" is 3 March 2021')).toEqual([false, true]);
    expect(gates('"3 March 2021" is 2021-13-03')).toEqual([false, true]);
    expect(messages.checkFormat(text, '2021-03-03').ok).toBe(false);
  });

  it('knows the answers of its prompts, for reports', async () => {
    const [first] = await collect(messages.prompts({ ...request, count: 1 }));
    expect(messages.truth!(first!)).toMatch(/^\d{4}-\d\d-\d\d$|^\d+\.\d\d (EUR|USD|GBP)$/);
  });

  it('has no problem in two benchmarks of its stages', () => {
    const keys = ['days', 'amounts', 'final'].flatMap((name) => items(name, staged).map(({ key }) => key));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it('draws the prompts of the target that a stage is at', async () => {
    for (const [target, ending] of [
      ['days', 'Which day is that?'],
      ['amounts', 'How much is that?'],
    ] as const) {
      const prompts = await collect(staged.forTarget!(target).prompts!(request));
      expect(prompts).toHaveLength(500);
      expect(prompts.every(({ text }) => text.endsWith(ending))).toBe(true);
      expect(items(target, staged).every(({ text }) => text.endsWith(ending))).toBe(true);
    }
  });
});
