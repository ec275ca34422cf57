/** Limits of the loop's rules at equality and just beyond, where the tests of the rules themselves stay clear of them. */
import { describe, expect, it } from 'vitest';
import { betterForm } from '../../loop/best-form.ts';
import { calibrate, LEAST_EVIDENCE, PRIOR, type CalibrationVote } from '../../loop/calibration.ts';
import { givesCopies } from '../../loop/copies.ts';
import { criticDoubt } from '../../loop/critic-standing.ts';
import { ENOUGH_TEXTS, findDrift } from '../../loop/drift-alarms.ts';
import type { DriftMeasures } from '../../loop/drift.ts';
import { measureIndependence } from '../../loop/independence.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { levelOfLook } from '../../loop/alpha-spending.ts';
import { shuffle } from '../../loop/random.ts';
import { findStagnation, type Turn } from '../../loop/stagnation.ts';
import { stands, trusted, vote } from '../../loop/vote.ts';

const settings = improveInputSchema.parse({});

describe('a vote', () => {
  const five = vote(['1', '1', '1', '1', '1', '2', '2', undefined]);
  const none = { min: 0, minMargin: 0 };

  it('stands against fewer samples without an answer than voted for it, and not against as many', () => {
    expect(stands(five, { unreadable: 4 })).toBe(true);
    expect(stands(five, { unreadable: 5 })).toBe(false);
    expect(trusted(five, none, { unreadable: 5 })).toBe(false);
    expect(stands(five, { sharedMistake: true })).toBe(false);
  });

  it('is trusted with as many votes and as large a lead as are required, and with no fewer', () => {
    const given = (votes?: number, lead?: number) => trusted(five, none, { required: { votes, lead } });
    expect(given(5, 3)).toBe(true);
    expect(given(6, 3)).toBe(false);
    expect(given(5, 4)).toBe(false);
    expect(given(4, 2)).toBe(true);
    expect(given(5)).toBe(true);
  });

  it('is written as most write it, of equally common spellings as the first in code point order', () => {
    const same = (a: string, b: string) => Number(a) === Number(b);
    expect(vote(['0.5', '.5', '2'], same).answer).toBe('.5');
    expect(vote(['.5', '0.5', '2'], same).answer).toBe('.5');
    expect(vote(['.5', '0.5', '0.5'], same).answer).toBe('0.5');
  });

  it('is never trusted where no number of votes is enough', () => {
    expect(trusted(five, none, { required: {} })).toBe(false);
    expect(trusted(five, none, { required: { lead: 0 } })).toBe(false);
    expect(trusted(five, none)).toBe(true);
  });
});

describe('a shared mistake', () => {
  // Within: each of the two votes sees 1 of 2 others agree. Across: none of 4.
  const groups = [
    { rewrite: 'a', kind: 'a', samples: 3, votes: 2 },
    { rewrite: 'b', kind: 'b', samples: 4, votes: 0 },
  ];
  const found = (within: number, across: number) => measureIndependence(groups, { within, across });

  it('is seen at the limit within and not below it, below the limit across and not at it', () => {
    expect(found(0.5, 0.1)).toMatchObject({ within: 0.5, across: 0, sharedMistake: true });
    expect(found(0.5001, 0.1).sharedMistake).toBe(false);
    expect(found(0.5, 0).sharedMistake).toBe(false);
  });
});

describe('stagnation', () => {
  const turn = (index: number, changes: Partial<Turn>): Turn => {
    return { index, decision: 'discard', prompts: 100, accepted: 50, agreement: 0.5, ...changes };
  };
  const policy = { ...settings.stagnation, window: 2, agreementRise: 0.25, minGain: 0.125, maxDrift: 0.5 };
  const kind = (turns: Turn[], changes: Partial<typeof policy> = {}) =>
    findStagnation(turns, { ...policy, ...changes })?.kind;

  it('is a collapse at the least rise of agreement, not below it, and only where candidates fall', () => {
    const rising = (to: number, after: number) => [
      turn(1, { agreement: 0.25, before: 0.5, after: 0.5 }),
      turn(2, { agreement: to, before: 0.5, after }),
    ];
    expect(kind(rising(0.5, 0.25))).toBe('collapse');
    expect(kind(rising(0.49, 0.25))).toBe('plateau');
    expect(kind(rising(0.5, 0.5))).toBe('plateau');
  });

  it('is a plateau below the least gain, and none at it', () => {
    const gained = (after: number) => [
      turn(1, { before: 0.5, after: 0.5 }),
      turn(2, { decision: 'promote', before: 0.5, after }),
    ];
    expect(kind(gained(0.625))).toBeUndefined();
    expect(kind(gained(0.624))).toBe('plateau');
  });

  it('counts what was promoted alone as gain', () => {
    const discarded = [turn(1, { before: 0.5, after: 0.9 }), turn(2, { before: 0.5, after: 0.9 })];
    expect(kind(discarded)).toBe('plateau');
  });

  it('is no decline where one candidate was as good, or none was measured', () => {
    const both = (after?: number) => [
      turn(1, { before: 0.5, after: 0.25 }),
      turn(2, { before: after === undefined ? undefined : 0.5, after }),
    ];
    expect(kind(both(0.49))).toBe('decline');
    expect(kind(both(0.5))).toBe('plateau');
    expect(kind(both())).toBe('plateau');
  });

  it('is a collapse beyond the most that length may drift, and not at it', () => {
    const drifting = [
      turn(1, { agreement: 0.4, rationaleTokens: 100 }),
      turn(2, { agreement: 0.5, rationaleTokens: 50 }),
    ];
    expect(kind(drifting, { maxDrift: Math.log(2) })).toBe('plateau');
    expect(kind(drifting, { maxDrift: Math.log(2) - 1e-6 })).toBe('collapse');
    expect(kind(drifting.map((one) => ({ ...one, agreement: 0.4 })))).toBe('plateau');
  });

  it('says how much of the last iteration was accepted, 0 where it had no prompts', () => {
    const share = (prompts: number, accepted: number) =>
      findStagnation([turn(1, {}), turn(2, { prompts, accepted })], policy)?.numbers.acceptedShare;
    expect(share(8, 2)).toBe(0.25);
    expect(share(1, 1)).toBe(1);
    expect(share(0, 0)).toBe(0);
  });
});

describe('a drift alarm', () => {
  const usual: DriftMeasures = {
    texts: 100,
    tokens: 64,
    distinct1: 0.5,
    distinct2: 0.5,
    templateEntropy: 4,
    compression: 2,
    unreadable: 0,
    topAnswer: 0.125,
    answerEntropy: 6,
    distance: 0,
  };
  const policy = {
    ...settings.drift,
    maxLengthChange: 0.5,
    maxEntropyFall: 0.5,
    maxDistinctFall: 0.5,
    maxCompressionRise: 0.5,
    maxDistance: 0.5,
    maxAnswerRise: 0.5,
    maxUnreadableRise: 0.5,
  };
  const alarms = (now: Partial<DriftMeasures>, before: Partial<DriftMeasures> = {}) =>
    findDrift('fixed', { ...usual, ...now }, { ...usual, ...before }, policy).map(({ measure }) => measure);

  it.each([
    ['tokens', 96, 97],
    ['templateEntropy', 2, 1.9],
    ['distinct2', 0.25, 0.24],
    ['compression', 3, 3.1],
    ['distance', 0.5, 0.51],
    ['topAnswer', 0.625, 0.63],
    ['unreadable', 0.5, 0.51],
  ] as const)('of %s is none at its threshold (%d), and one at %d', (measure, at, beyond) => {
    expect(alarms({ [measure]: at })).toEqual([]);
    expect(alarms({ [measure]: beyond })).toEqual([measure]);
  });

  it('is told from eight texts on, on each side', () => {
    expect(ENOUGH_TEXTS).toBe(8);
    expect(alarms({ distance: 1, texts: 8 })).toEqual(['distance']);
    expect(alarms({ distance: 1, texts: 7 })).toEqual([]);
    expect(alarms({ distance: 1 }, { texts: 8 })).toEqual(['distance']);
    expect(alarms({ distance: 1 }, { texts: 7 })).toEqual([]);
    expect(alarms({ tokens: 200 }, { texts: 7 })).toEqual([]);
    expect(alarms({ tokens: 200, texts: 7 })).toEqual([]);
  });

  it('of form is told from eight texts on that can be read, on each side', () => {
    const half = { texts: 16, unreadable: 0.5 };
    expect(alarms({ distance: 1, ...half })).toEqual(['distance']);
    expect(alarms({ distance: 1, texts: 14, unreadable: 0.5 })).toEqual([]);
    expect(alarms({ distance: 1 }, half)).toEqual(['distance']);
    expect(alarms({ distance: 1 }, { texts: 14, unreadable: 0.5 })).toEqual([]);
  });

  it('names lengths from ten on as whole numbers', () => {
    const reason = (tokens: number) => findDrift('fixed', { ...usual, tokens }, usual, policy)[0]!.reason;
    expect(reason(10)).toContain('64 → 10,');
    expect(reason(9.99)).toContain('64 → 9.99,');
  });

  it('needs something to compare with: nothing in the reference is no drift by itself', () => {
    const nothing = { tokens: 0, templateEntropy: 0, distinct2: 0, compression: 0 };
    expect(alarms({}, nothing)).toEqual([]);
    expect(alarms({ tokens: 0 })).toEqual([]);
    expect(alarms({ distance: undefined })).toEqual([]);
  });
});

describe('calibration', () => {
  const of = (count: number, right: boolean, level = 4): CalibrationVote[] =>
    Array.from({ length: count }, () => ({ level, votes: 3, lead: 2, right }));
  const needs = (evidence: CalibrationVote[], precision: number, level = 4) =>
    calibrate(evidence, { samples: 3, min: 1, minMargin: 0.5, precision, levels: [level] })[0]!;

  it('speaks from twenty votes on, at the least votes and the least lead themselves', () => {
    expect(LEAST_EVIDENCE).toBe(20);
    expect(needs(of(20, true), 0.9)).toMatchObject({ votes: 3, lead: 2, precision: 1 });
    expect(needs(of(19, true), 0.9).precision).toBeUndefined();
  });

  it('is enough at the precision that is asked for, and not below it', () => {
    const half = [...of(10, true), ...of(10, false)];
    expect(needs(half, 0.5).votes).toBe(3);
    expect(needs(half, 0.501).votes).toBeUndefined();
  });

  it('weighs the estimate over all as ten votes at a level', () => {
    expect(PRIOR).toBe(10);
    const all = [...of(20, true), ...of(20, false, 5)];
    expect(needs(all, 0.1, 4).precision).toBeCloseTo((20 + 10 * 0.5) / (20 + 10), 12);
  });
});

describe('copies', () => {
  it('are told from chance after 44 repeats, not after 43', () => {
    expect(givesCopies({ further: 44, repeats: 44 })).toBe(true);
    expect(givesCopies({ further: 43, repeats: 43 })).toBe(false);
    expect(givesCopies({ further: 44, repeats: 43 })).toBe(false);
  });
});

describe('a leak', () => {
  const words = (count: number) =>
    Array.from({ length: count }, (_, i) => String.fromCharCode(97 + i).repeat(3)).join(' ');
  const near = (held: string, text: string, similarity: number) =>
    createLeakIndex([{ key: 'k', text: held, benchmark: 'target' }], similarity).find({ text })?.kind;

  it('may be near from ten tokens on, on each side', () => {
    // All but one of the longer text's pairs of neighbours are shared.
    expect(near(words(10), words(11), 0.8)).toBe('near');
    expect(near(words(11), words(10), 0.8)).toBe('near');
    expect(near(words(9), words(10), 0.8)).toBeUndefined();
    expect(near(words(10), words(9), 0.8)).toBeUndefined();
  });

  it('is not a text of other signs alone because another such text is held out', () => {
    expect(near('!!!', '???', 0.8)).toBeUndefined();
    expect(near('???', ' ??? ', 0.8)).toBe('exact');
  });

  it('is near at the least similarity, and not below it', () => {
    expect(near(words(10), words(11), 0.9)).toBe('near');
    expect(near(words(10), words(11), 0.901)).toBeUndefined();
  });
});

describe('a shuffle', () => {
  it('draws once for each item but one, so that what is drawn next is the same in every replay', () => {
    let drawn = 0;
    const next = () => (drawn++, 0.5);
    shuffle(next, ['a', 'b', 'c']);
    expect(drawn).toBe(2);
  });
});

describe('the level of a look', () => {
  it('is what is left, in even parts, and never negative', () => {
    expect(levelOfLook(0.5, [{ level: 0.25, promoted: false }], 2)).toBe(0.125);
    expect(levelOfLook(0.5, [{ level: 0.25, promoted: true }], 2)).toBe(0.25);
    expect(levelOfLook(0.5, [{ level: 0.75, promoted: false }], 2)).toBe(0);
    expect(levelOfLook(0.5, [], 1)).toBe(0.5);
    expect(levelOfLook(0.5, [], 0)).toBe(0.5);
  });
});

describe('a critic that nobody asked for is doubted', () => {
  const doubt = (planted: [number, number], real: [number, number], unscored = 0) =>
    criticDoubt({
      asked: 10,
      unscored,
      planted: { failed: planted[0], judged: planted[1] },
      real: { failed: real[0], judged: real[1] },
    });

  it('when more than half of its replies are no verdict, not at half', () => {
    expect(doubt([0, 0], [0, 0], 5)).toBeUndefined();
    expect(doubt([0, 0], [0, 0], 6)).toContain('6 of 10');
  });

  it('from four verdicts of each kind on', () => {
    expect(doubt([0, 4], [0, 4])).toContain('no better than chance');
    expect(doubt([0, 3], [0, 4])).toBeUndefined();
    expect(doubt([0, 4], [0, 3])).toBeUndefined();
  });

  it('when it rejects all of eight real ones, not of seven', () => {
    expect(doubt([4, 4], [8, 8])).toContain('8 of 8 others');
    expect(doubt([4, 4], [7, 7])).toBeUndefined();
  });

  it('below nine of ten planted ones, not at that', () => {
    expect(doubt([9, 10], [9, 10])).toBeUndefined();
    expect(doubt([8, 10], [9, 10])).toContain('8 of 10');
  });
});

it('the base stands in the form with examples only where that is better', () => {
  expect([betterForm(5, 4), betterForm(5, 5), betterForm(5, 6)]).toEqual(['plain', 'plain', 'examples']);
});
