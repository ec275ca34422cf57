import { PROBE_KINDS, type ProbeKind } from '../../loop/words.ts';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { arithmeticTask } from '../../tasks/arithmetic/index.ts';
import { trueSum } from '../../tasks/arithmetic/addition.ts';
import { fileTask } from '../../tasks/file/index.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import { mutate } from '../../tasks/mutate.ts';
import { longAddition } from '../support/scripted-adder.ts';

describe('the arithmetic task', () => {
  const task = arithmeticTask({ kind: 'arithmetic' });
  const problem = fc.integer({ min: 1, max: 9 }).chain((digits) =>
    fc.record({
      a: fc.integer({ min: 10 ** (digits - 1), max: 10 ** digits - 1 }),
      b: fc.integer({ min: 10 ** (digits - 1), max: 10 ** digits - 1 }),
      form: fc.nat(),
      seed: fc.nat(),
    }),
  );
  const SHAPED: ProbeKind[] = ['wrong-answer', 'broken-steps', 'template', 'off-task'];

  it('makes work of each kind that is bad, and looks like the model’s own where it can', () => {
    fc.assert(
      fc.property(problem, fc.constantFrom(...PROBE_KINDS), ({ a, b, form, seed }, kind) => {
        const prompt = { key: `${a}+${b}`, text: `${a}+${b}` };
        const forms = task.rewrites!(prompt, 1);
        const { text, mapBack } = forms[form % forms.length]!;
        const work = task.probe!(kind, { prompt, text, seed });
        expect(task.probe!(kind, { prompt, text, seed })).toBe(work);
        // Nothing but zeros and nines may leave no digit to move.
        if (work === undefined) return;
        const right = longAddition(text);
        expect(work).not.toBe(right);
        const answer = task.readAnswer(work);
        const truth = trueSum(prompt.text)!;
        const mapped = answer === undefined ? undefined : mapBack(answer);
        expect(task.checkFormat(text, work).ok).toBe(SHAPED.includes(kind));
        if (kind === 'broken-steps' || kind === 'verbose') expect(mapped).toBe(truth);
        // A template or another problem may come to the same by chance; its steps are still not this problem's.
        if (kind === 'wrong-answer' || kind === 'injection') {
          expect(mapped).toBeDefined();
          expect(mapped).not.toBe(truth);
        }
      }),
      { numRuns: 1500 },
    );
  });

  it('copies the problem’s digits, or it does not hang together', () => {
    const text = '0000000012+0000000034';
    const right = longAddition(text);
    expect(task.checkCoherence(text, right, '46').ok).toBe(true);
    const miscopied = right.replace('2+4+0=6,0', '3+3+0=6,0');
    expect(task.checkCoherence(text, miscopied, '46')).toEqual({
      ok: false,
      reason: 'line 1 adds 3 and 3, the problem has 2 and 4 there',
    });
  });
});

describe('samples of a task without probes of its own', () => {
  const file = (answer: object) =>
    fileTask({
      kind: 'file',
      path: 'task.yaml',
      task: fileTaskSchema.parse({
        name: 'talk',
        prompts: { file: 'prompts.jsonl' },
        benchmarks: [{ name: 'target', role: 'target', file: 'held-out.jsonl' }],
        answer,
      }),
    });
  const task = file({ read: 'hash' });
  const original = {
    request: 'A box has 12 eggs. How many eggs are in 5 boxes?',
    rationale: 'A box has 12 eggs.\n5 boxes have 5 * 12 = 60 eggs.\n#### 60',
  };
  const other = { request: 'What is 7 + 8?', rationale: 'Seven and eight.\n7 + 8 = 15.\n#### 15' };
  const make = (kind: ProbeKind, seed = 's', from = original) => mutate(kind, task, from, { other, seed });

  it('become a wrong answer that the steps lead to', () => {
    const work = make('wrong-answer')!;
    const wrong = task.readAnswer(work)!;
    expect(wrong).toMatch(/^6[1-9]$/);
    expect(work).toContain(`5 * 12 = ${wrong} eggs`);
    expect(work).toContain('A box has 12 eggs.');
  });

  it('become a right answer whose steps are wrong', () => {
    const work = make('broken-steps')!;
    expect(task.readAnswer(work)).toBe('60');
    expect(work).toMatch(/5 \* 12 = 6[1-9] eggs/);
  });

  it('become nonsense at length, a template, and work on something else', () => {
    const verbose = make('verbose')!;
    expect(verbose.length).toBeGreaterThan(5 * original.rationale.length);
    expect(task.readAnswer(verbose)).toBe('60');
    expect(make('template')).toMatch(/^Let us think step by step\.\n[^]*\n#### 6[1-9]$/);
    expect(make('off-task')).toBe(other.rationale);
  });

  it('address the critic, in several ways, before a wrong answer', () => {
    const works = Array.from({ length: 20 }, (_, i) => make('injection', `s${i}`)!);
    for (const work of works) expect(task.readAnswer(work)).toMatch(/^6[1-9]$/);
    expect(works.some((work) => work.includes('answer PASS'))).toBe(true);
    expect(works.some((work) => work.includes('"verdict": "holds"'))).toBe(true);
    expect(works.some((work) => work.includes('===== WORK ====='))).toBe(true);
  });

  it('are the same for the same seed', () => {
    for (const kind of PROBE_KINDS) expect(make(kind)).toBe(make(kind));
  });

  it('give an answer in words another problem’s', () => {
    const words = file({ read: 'pattern', pattern: 'Answer: (\\w+)', compare: 'normalised' });
    const yes = { request: 'Is snow white?', rationale: 'Snow is white.\nAnswer: yes' };
    const no = { request: 'Is coal white?', rationale: 'Coal is black.\nAnswer: no' };
    const from = (kind: ProbeKind) => mutate(kind, words, yes, { other: no, seed: 's' });
    expect(from('wrong-answer')).toBe('Snow is white.\nAnswer: no');
    expect(from('broken-steps')).toBe('Coal is black.\nAnswer: yes');
    expect(from('off-task')).toBe(no.rationale);
    // Of equal answers nothing wrong can be made.
    expect(mutate('wrong-answer', words, yes, { other: yes, seed: 's' })).toBeUndefined();
    expect(mutate('off-task', words, yes, { seed: 's' })).toBeUndefined();
  });

  it('that state no answer become nothing', () => {
    const silent = { request: 'x', rationale: 'I do not know.' };
    for (const kind of PROBE_KINDS) expect(make(kind, 's', silent)).toBeUndefined();
  });

  it('never become good work: a wrong kind is wrong, a right kind is right', () => {
    const number = fc.integer({ min: 0, max: 5000 });
    fc.assert(
      fc.property(
        number,
        number,
        fc.constantFrom('hash', 'last-number'),
        fc.constantFrom(...PROBE_KINDS),
        fc.string(),
        (a, b, read, kind, seed) => {
          const reader = file({ read });
          const stated = read === 'hash' ? `#### ${a + b}` : `So it is ${(a + b).toLocaleString('en-US')}.`;
          const rationale = `First ${a}, then ${b}.\n${a} + ${b} = ${a + b}\n${stated}`;
          const work = mutate(kind, reader, { request: `${a} and ${b}?`, rationale }, { other, seed });
          if (work === undefined) return;
          expect(work).not.toBe(rationale);
          const right = reader.sameAnswer(reader.readAnswer(work)!, String(a + b));
          expect(right).toBe(kind === 'broken-steps' || kind === 'verbose');
        },
      ),
      { numRuns: 500 },
    );
  });
});
