import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nextStep, partsOf, pathOf, weakest } from '../../engine/ladder/tree.ts';
import { tokensOf } from '../../engine/ladder/work.ts';
import type { Part, SolvedPart, Task } from '../../tasks/task.ts';

type Node = Parameters<typeof nextStep>[0];

const CAPS = { depth: 8, fanOut: 8 };

/** Splits a word in two until it is one letter; answers are the letters. */
const task = {
  name: 'letters',
  decompose: ({ text }: Part) => {
    const half = Math.floor(text.length / 2);
    return half === 0 ? [] : [text.slice(0, half), text.slice(half)].map((one) => ({ key: one, text: one }));
  },
  recombine: (_: Part, __: string, parts: readonly SolvedPart[]) => {
    return { rationale: parts.map(({ answer }) => answer).join('') };
  },
} as unknown as Task;

const open = (path: string, depth: number, text: string): Node => {
  return {
    path,
    depth,
    kind: null,
    key: text,
    text,
    level: null,
    status: 'open',
    answer: null,
    reason: null,
  };
};

/** Takes steps until the root is closed; `pick` says which open node comes next. Answers how often each leaf was asked. */
function run(word: string, pick: (open: number) => number): { nodes: Node[]; asked: string[] } {
  const nodes = [open('', 0, word)];
  const asked: string[] = [];
  for (let guard = 0; nodes[0]!.status === 'open'; guard++) {
    if (guard > 10_000) throw new Error('no end');
    const waiting = nodes.filter(({ status }) => status === 'open');
    const node = waiting[pick(waiting.length)]!;
    const parts = partsOf(node, nodes);
    const step = nextStep(node, parts, () => [], { task, ...CAPS });
    if (step.do === 'fail') throw new Error(step.reason);
    if (step.do === 'split') {
      step.parts.forEach(({ text }, i) =>
        nodes.push(open(pathOf(node.path, parts.length + i), node.depth + 1, text)),
      );
    }
    if (step.do === 'ask') {
      asked.push(node.path);
      Object.assign(node, { status: 'solved', answer: node.text });
    }
    if (step.do === 'recombine') {
      Object.assign(node, { status: 'solved', answer: step.parts.map(({ answer }) => answer).join('') });
    }
  }
  return { nodes, asked };
}

describe('a tree', () => {
  test('is solved whatever the order of its steps, and asks for no part twice', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{1,24}$/), fc.infiniteStream(fc.nat()), (word, picks) => {
        const { nodes, asked } = run(word, (count) => picks.next().value! % count);
        expect(nodes[0]!.answer).toBe(word);
        expect(asked).toHaveLength(word.length);
        expect(new Set(asked).size).toBe(asked.length);
      }),
    );
  });

  test('at its greatest depth is asked as it stands', () => {
    const ask = nextStep(open('1', 3, 'word'), [], () => [], { task, depth: 3, fanOut: 8 });
    const split = nextStep(open('1', 2, 'word'), [], () => [], { task, depth: 3, fanOut: 8 });
    expect([ask.do, split.do]).toEqual(['ask', 'split']);
  });

  test('with as many parts as may be is split, with one more it fails', () => {
    expect(nextStep(open('', 0, 'word'), [], () => [], { task, depth: 3, fanOut: 2 }).do).toBe('split');
    expect(nextStep(open('', 0, 'word'), [], () => [], { task, depth: 3, fanOut: 1 })).toEqual({
      do: 'fail',
      reason: '2 parts, at most 1 are allowed (strategy.ladder.fanOut)',
    });
  });

  test('of which a part failed fails, though another is open', () => {
    const failed: Node = { ...open('1', 1, 'wo'), status: 'failed', reason: 'no answer wins' };
    expect(nextStep(open('', 0, 'word'), [failed, open('2', 1, 'rd')], () => [], { task, ...CAPS })).toEqual({
      do: 'fail',
      reason: 'part 1 (wo) failed: no answer wins',
    });
  });

  test('that its task splits otherwise than before is an error', () => {
    const other: Node = { ...open('1', 1, 'xx'), status: 'solved', answer: 'xx' };
    expect(() => nextStep(open('', 0, 'word'), [other], () => [], { task, ...CAPS })).toThrow(
      /otherwise before/,
    );
  });

  test('of more than nine parts keeps their order', () => {
    const paths = Array.from({ length: 12 }, (_, i) => pathOf('2', i));
    const nodes = paths.toReversed().map((path) => ({ path }));
    expect(partsOf({ path: '2' }, nodes).map(({ path }) => path)).toEqual(paths);
  });
});

test('a whole is as sure as the part with the least lead', () => {
  const sure = { votes: 3, runnerUpVotes: 0, samples: 3 };
  const split = { votes: 2, runnerUpVotes: 1, samples: 3 };
  expect(weakest([sure, split, sure])).toEqual(split);
  expect(() => weakest([])).toThrow(RangeError);
});

test('the tokens of a whole are counted by its parts, whose ends it has not', () => {
  // Ten replies of two characters, a token each, and the token that ends them.
  const parts = Array.from({ length: 10 }, () => ({ rationale: '76', completionTokens: 3 }));
  expect(tokensOf('x'.repeat(100), parts)).toBe(101);
  expect(tokensOf('76', parts)).toBe(3);
  expect(tokensOf('x', [])).toBe(1);
});
