import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  carriedControl,
  createControl,
  givesUp,
  receive,
  refusal,
  type Control,
  type Message,
} from '../../loop/control.ts';
import { idOf } from '../../loop/message-fields.ts';
import { MESSAGE_NAMES, readArgs, type MessageName } from '../../loop/messages.ts';

let count = 0;
const message = (name: MessageName, input?: unknown, id = `m${++count}`): Message => ({
  id,
  name,
  args: readArgs(name, input),
  origin: 'signal',
});

const iterating = (changes: Partial<Control> = {}): Control =>
  createControl({ phase: 'iterating', iteration: 3, inIteration: true, ...changes });

describe('reading what was sent', () => {
  it('takes an object, a short form, or nothing', () => {
    expect(readArgs('pause', undefined)).toEqual({});
    expect(readArgs('pause', { by: 'ada', reason: 'lunch' })).toEqual({ by: 'ada', reason: 'lunch' });
    expect(readArgs('resetCheckpoint', 'best')).toEqual({ to: 'best' });
    expect(readArgs('resetCheckpoint', '12')).toEqual({ to: 12 });
    expect(readArgs('resetCheckpoint', { to: 12 })).toEqual({ to: 12 });
    expect(readArgs('stop', undefined)).toEqual({ when: 'now' });
    expect(readArgs('stagnation', 'collapse')).toEqual({ kind: 'collapse' });
    expect(readArgs('setBudget', { run: { tokens: 5 } })).toEqual({ run: { tokens: 5 } });
    expect(readArgs('pause', { reason: 'x'.repeat(500) }).reason).toHaveLength(500);
  });

  it.each([
    ['resetCheckpoint', {}, /"to" must be "base", "best" or the id/],
    ['resetCheckpoint', { to: -1 }, /"to" must be/],
    ['resetCheckpoint', { to: 0 }, /"to" must be/],
    ['stop', { when: 'later' }, /"when" must be one of now, iteration/],
    ['stagnation', { kind: 'boredom' }, /plateau, decline, collapse/],
    ['setBudget', {}, /give "run" or "iteration"/],
    ['setBudget', { run: { tokens: -1 } }, /run\.tokens/],
    ['setBudget', { run: { euros: 1 } }, /euros/],
    ['pause', [1], /must be a JSON object/],
    ['pause', { by: 7 }, /"by" must be a text of at most 500 characters/],
    ['pause', { reason: 'x'.repeat(501) }, /"reason" must be a text/],
    ['pause', { reason: 'a\0b' }, /"reason" must be a text/],
    ['pause', { by: '\ud800' }, /"by" must be a text/],
    ['stop', { When: 'iteration' }, /there is no field "When", only id, by, reason, when/],
    ['retryIteration', { iteration: 3 }, /there is no field "iteration", only id, by, reason$/],
  ] as [MessageName, unknown, RegExp][])('%s %j is refused by name', (name, input, expected) => {
    expect(() => readArgs(name, input)).toThrow(expected);
  });
});

describe('messages', () => {
  it('pauses and goes on, and refuses what changes nothing', () => {
    const control = iterating();
    expect(receive(control, message('resume'))).toEqual({ accepted: false, answer: 'the run is not paused' });
    expect(receive(control, message('pause')).accepted).toBe(true);
    expect(control.paused).toBe(true);
    expect(receive(control, message('pause')).answer).toMatch(/paused already/);
    expect(receive(control, message('resume')).accepted).toBe(true);
    expect(control.paused).toBe(false);
    expect(control.unsaved.map((one) => one.accepted)).toEqual([false, true, false, true]);
  });

  it('lets only a parked run try again', () => {
    const control = iterating();
    expect(receive(control, message('retryIteration')).answer).toMatch(/nothing has failed/);
    control.parked = { doing: 'iteration 3', error: 'no quota', advice: 'pay' };
    expect(receive(control, message('pause')).answer).toMatch(/parked and waits for retryIteration/);
    expect(receive(control, message('retryIteration')).accepted).toBe(true);
    expect(control.retry).toBe(true);
  });

  it('gives up the iteration that was under way, not a later one', () => {
    const control = iterating();
    receive(control, message('skipIteration'));
    expect(givesUp(control)).toBe(true);
    control.iteration = 4;
    expect(givesUp(control)).toBe(false);
    control.inIteration = false;
    expect(refusal(control, 'skipIteration', {})).toMatch(/no iteration is under way/);
  });

  it('takes no reset once the final benchmark is being read, but a stop', () => {
    const control = iterating({ phase: 'finishing', inIteration: false });
    expect(refusal(control, 'resetCheckpoint', { to: 'base' })).toMatch(/iterations are over/);
    expect(refusal(control, 'stop', { when: 'now' })).toBeUndefined();
  });

  it('sharpens a stop, never softens it', () => {
    const control = iterating();
    receive(control, message('stop', { when: 'iteration' }));
    expect(receive(control, message('stop')).accepted).toBe(true);
    expect(control.stop).toBe('now');
    expect(receive(control, message('stop', { when: 'iteration' })).accepted).toBe(false);
    expect(control.stop).toBe('now');
  });

  it('obeys a message that comes twice once, with the same answer', () => {
    const control = iterating();
    const first = receive(control, message('pause', {}, 'same'));
    receive(control, message('resume'));
    expect(receive(control, message('pause', {}, 'same'))).toEqual(first);
    expect(control.paused).toBe(false);
    expect(control.unsaved).toHaveLength(2);
  });

  it('carries everything that is asked for over to the next execution, whatever came before', () => {
    const names = fc.constantFrom(...MESSAGE_NAMES);
    fc.assert(
      fc.property(fc.array(names, { maxLength: 30 }), (sent) => {
        const control = iterating();
        for (const name of sent) {
          const inputs: Partial<Record<MessageName, unknown>> = {
            setBudget: { run: { tokens: 9 } },
            resetCheckpoint: 'base',
            rejectReview: { all: true },
          };
          receive(control, message(name, inputs[name] ?? {}));
        }
        expect(control.unsaved).toHaveLength(sent.length);
        const next = createControl(JSON.parse(JSON.stringify(carriedControl(control))) as Partial<Control>);
        for (const field of ['paused', 'stop', 'skip', 'reset', 'stagnations', 'seen', 'unsaved'] as const) {
          expect(next[field]).toEqual(control[field]);
        }
      }),
    );
  });
});

describe('a run that continues as new', () => {
  it('takes along what is not done yet, and of the ids that it saw the newest that fit', () => {
    const control = iterating({ paused: true });
    for (let i = 0; i < 90; i++)
      receive(control, message('retryIteration', undefined, `${i}`.padStart(36, '0')));
    receive(control, message('skipIteration', undefined, 'last'));
    const next = createControl(carriedControl(control));
    expect(next).toMatchObject({ phase: 'preparing', iteration: 3, inIteration: false, paused: true });
    expect(next.unsaved).toHaveLength(91);
    expect(next.seen.length).toBeGreaterThan(30);
    expect(next.seen.join('').length).toBeLessThanOrEqual(1_500);
    expect(next.seen.at(-1)).toBe('last');
    expect(next.seen.at(-2)).toBe('89'.padStart(36, '0'));
    // Sent again to the next execution, it changes nothing and gets the answer of the first time.
    expect(receive(next, message('skipIteration', undefined, 'last')).accepted).toBe(true);
    expect(next.unsaved).toHaveLength(91);
  });

  it('takes along as many ids as fit exactly', () => {
    const seenOf = (count: number) => {
      const seen = Array.from({ length: count }, (_, i) => `${i}`.padStart(30, '0'));
      return carriedControl(iterating({ seen })).seen!;
    };
    expect(seenOf(50)).toHaveLength(50);
    expect(seenOf(51)).toHaveLength(50);
    expect(seenOf(51)[0]).toBe('1'.padStart(30, '0'));
  });

  it('takes along all ids where they are few', () => {
    const control = iterating();
    receive(control, message('pause', undefined, 'a'));
    receive(control, message('resume', undefined, 'b'));
    expect(carriedControl(control).seen).toEqual(['a', 'b']);
  });
});

it('refuses whatever comes when the run is over', () => {
  const control = iterating({ phase: 'ended', inIteration: false });
  const wanted: Partial<Record<MessageName, unknown>> = {
    resetCheckpoint: 'base',
    setBudget: { run: { tokens: 1 } },
    rejectReview: { all: true },
  };
  for (const name of MESSAGE_NAMES) {
    expect(refusal(control, name, readArgs(name, wanted[name]))).toBe('the run is over');
  }
});

it('knows the id of a message that is wrong otherwise', () => {
  expect(idOf({ id: 'mine', by: 7 })).toBe('mine');
  expect(idOf({ id: 7 })).toBeUndefined();
  expect(idOf({ id: 'x'.repeat(501) })).toBeUndefined();
  expect(idOf('base')).toBeUndefined();
  expect(idOf(null)).toBeUndefined();
});
