import { describe, expect, it } from 'vitest';
import { improveInputSchema } from '../../loop/input.ts';
import { asksForReview, chooseReviews, tooManyRejected, type Reviewable } from '../../loop/review.ts';
import type { ReviewSettings } from '../../loop/review-input.ts';
import { createControl, receive } from '../../loop/control.ts';
import { readArgs } from '../../loop/messages.ts';

const settings = (changes: Partial<ReviewSettings> = {}): ReviewSettings => ({
  ...improveInputSchema.parse({}).review,
  ...changes,
});

/** `prompts` prompts with two accepted samples each. */
const accepted = (prompts: number): Reviewable[] =>
  Array.from({ length: 2 * prompts }, (_, i) => ({ sampleId: 100 + i, promptId: Math.floor(i / 2) }));

describe('what is put to reviewers', () => {
  it('is nothing unless the settings ask for it', () => {
    expect(asksForReview(settings())).toBe(false);
    expect(asksForReview(undefined)).toBe(false);
    expect(asksForReview(settings({ auditShare: 0.01 }))).toBe(true);
    expect(chooseReviews(accepted(20), accepted(5), settings(), 1, 's')).toEqual([]);
  });

  it('is everything accepted in the first iterations, and not after them', () => {
    const first = chooseReviews(accepted(20), [], settings({ iterations: 2 }), 2, 's');
    expect(first.map((one) => one.sampleId).toSorted((a, b) => a - b)).toEqual(
      accepted(20).map((one) => one.sampleId),
    );
    expect(new Set(first.map((one) => one.reason))).toEqual(new Set(['first-iterations']));
    expect(chooseReviews(accepted(20), [], settings({ iterations: 2 }), 3, 's')).toEqual([]);
  });

  it('audits a share of the pseudo-labels, one sample of each', () => {
    const chosen = chooseReviews(accepted(40), [], settings({ auditShare: 0.1 }), 5, 's');
    expect(chosen).toHaveLength(4);
    expect(chosen.every((one) => one.audit && one.reason === 'audit')).toBe(true);
    expect(new Set(chosen.map((one) => Math.floor((one.sampleId - 100) / 2))).size).toBe(4);
    // 0.1 × 30 is 3.0000000000000004 in binary.
    expect(chooseReviews(accepted(30), [], settings({ auditShare: 0.1 }), 5, 's')).toHaveLength(3);
  });

  it('audits every pseudo-label equally often', () => {
    const times = new Map<number, number>();
    for (let seed = 0; seed < 2000; seed++) {
      for (const one of chooseReviews(accepted(10), [], settings({ auditShare: 0.3 }), 1, `s${seed}`))
        times.set(one.sampleId, (times.get(one.sampleId) ?? 0) + 1);
    }
    // 0.3 × ½ of 2000 draws: 300, with a standard deviation of 16.
    expect(times.size).toBe(20);
    for (const count of times.values()) expect(Math.abs(count - 300)).toBeLessThan(80);
  });

  it('is the same for the same seed, whatever the order in which samples are found', () => {
    const all = settings({ iterations: 1, auditShare: 0.2, disagreements: true, maxPerIteration: 17 });
    const doubtful = [{ sampleId: 5, promptId: 77 }];
    const once = chooseReviews(accepted(20), doubtful, all, 1, 'seed');
    expect(chooseReviews(accepted(20).toReversed(), doubtful, all, 1, 'seed')).toEqual(once);
    expect(chooseReviews(accepted(20), doubtful, all, 1, 'other')).not.toEqual(once);
  });

  it('keeps the audit and one sample of every prompt where the limit cuts', () => {
    const limited = settings({ iterations: 1, auditShare: 0.25, disagreements: true, maxPerIteration: 20 });
    const chosen = chooseReviews(accepted(20), [{ sampleId: 5, promptId: 77 }], limited, 1, 's');
    expect(chosen).toHaveLength(20);
    expect(chosen.filter((one) => one.audit)).toHaveLength(5);
    expect(chosen.some((one) => one.sampleId === 5)).toBe(false);
    const prompts = new Set(chosen.map((one) => Math.floor((one.sampleId - 100) / 2)));
    expect(prompts.size).toBe(20);
  });

  it('takes one doubtful sample of each prompt, and none twice', () => {
    const doubtful = [
      { sampleId: 6, promptId: 77 },
      { sampleId: 5, promptId: 77 },
      { sampleId: 100, promptId: 0 },
    ];
    const chosen = chooseReviews(
      accepted(2),
      doubtful,
      settings({ iterations: 1, disagreements: true }),
      1,
      's',
    );
    expect(chosen.map((one) => one.sampleId).toSorted((a, b) => a - b)).toEqual([5, 100, 101, 102, 103]);
    expect(chosen.find((one) => one.sampleId === 5)!.reason).toBe('disagreement');
  });
});

describe('too many rejections', () => {
  it('need ten decisions and more than the share', () => {
    expect(tooManyRejected({ accepted: 0, rejected: 9 }, settings())).toBeUndefined();
    expect(tooManyRejected({ accepted: 0, rejected: 10 }, settings())).toMatch(/10 of 10/);
    expect(tooManyRejected({ accepted: 7, rejected: 3 }, settings())).toBeUndefined();
    expect(tooManyRejected({ accepted: 13, rejected: 7 }, settings())).toBe(
      'reviewers rejected 7 of 20 (35 %), more than 30 %',
    );
    // 0.29 × 100 is a little under 29 in binary.
    expect(
      tooManyRejected({ accepted: 71, rejected: 29 }, settings({ maxRejectedShare: 0.29 })),
    ).toBeUndefined();
    expect(tooManyRejected({ accepted: 70, rejected: 30 }, settings({ maxRejectedShare: 0.29 }))).toMatch(
      /30 of 100/,
    );
  });
});

describe('messages of reviewers', () => {
  it('name items, or all that are left', () => {
    expect(readArgs('approveReview', 12)).toEqual({ items: [12] });
    expect(readArgs('approveReview', '12')).toEqual({ items: [12] });
    expect(readArgs('approveReview', {}).items).toBeUndefined();
    expect(readArgs('rejectReview', { items: [3, '4'] }).items).toEqual([3, 4]);
    expect(readArgs('rejectReview', { all: true }).items).toBeUndefined();
    const most = Array.from({ length: 200 }, (_, i) => i + 1);
    expect(readArgs('rejectReview', { items: most }).items).toEqual(most);
  });

  it.each([
    ['rejectReview', {}],
    ['rejectReview', { all: false }],
    ['approveReview', { all: false }],
    ['approveReview', { item: 1, all: true }],
    ['approveReview', { items: [] }],
    ['approveReview', { items: [1.5] }],
    ['approveReview', { items: [0] }],
    ['rejectReview', { item: 'all' }],
    ['rejectReview', { items: Array.from({ length: 201 }, (_, i) => i + 1) }],
  ] as const)('are refused when they are unclear: %s %j', (name, input) => {
    expect(() => readArgs(name, input)).toThrow(RangeError);
  });

  it('make the iteration look again, once per message', () => {
    const control = createControl({ phase: 'iterating' });
    const message = {
      id: 'm',
      name: 'approveReview',
      args: { items: [1], done: 'accepted 1 item; 0 wait' },
      origin: 'signal',
    } as const;
    expect(receive(control, { ...message, args: { items: [1], done: 'accepted 1 item; 0 wait' } })).toEqual({
      accepted: true,
      answer: 'accepted 1 item; 0 wait',
    });
    receive(control, { ...message, args: { items: [1] } });
    expect(control.reviews).toBe(1);
  });
});
