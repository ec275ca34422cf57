import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  calibrate,
  LEAST_EVIDENCE,
  precisionByVotes,
  stepsOf,
  type CalibrationVote,
} from '../../loop/calibration.ts';

const some = (count: number, votes: number, right: boolean, level: number | null = 4): CalibrationVote[] =>
  Array.from({ length: count }, () => ({ level, votes, lead: votes, right }));

const settings = { samples: 8, min: 0.375, minMargin: 0.25, precision: 0.98, levels: [4] };

const evidence = fc.array(
  fc.record({
    level: fc.constantFrom(4, 5, 6),
    votes: fc.integer({ min: 1, max: 8 }),
    lead: fc.integer({ min: 1, max: 8 }),
    right: fc.boolean(),
  }),
  { maxLength: 200 },
);

describe('the steps', () => {
  it('raise votes and lead together from the configured least to K', () => {
    expect(stepsOf(8, settings)).toEqual([
      { votes: 3, lead: 2 },
      { votes: 4, lead: 3 },
      { votes: 5, lead: 4 },
      { votes: 6, lead: 5 },
      { votes: 7, lead: 6 },
      { votes: 8, lead: 7 },
    ]);
  });

  it('never ask for more than K', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 64 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (samples, min, minMargin) => {
          for (const step of stepsOf(samples, { min, minMargin })) {
            expect(step.votes).toBeLessThanOrEqual(samples);
            expect(step.lead).toBeLessThanOrEqual(samples);
            expect(step.votes).toBeGreaterThanOrEqual(1);
          }
        },
      ),
    );
  });
});

describe('calibration', () => {
  it('leaves the configured least where votes are as precise as asked for', () => {
    const [needs] = calibrate(some(60, 3, true), settings);
    expect(needs).toMatchObject({ votes: 3, lead: 2, precision: 1, here: { right: 60, total: 60 } });
  });

  it('raises the votes past those that are often wrong, and says what was measured', () => {
    const [needs] = calibrate(
      [
        ...some(15, 3, true),
        ...some(5, 3, false),
        ...some(30, 4, true),
        ...some(1, 4, false),
        ...some(40, 5, true),
      ],
      settings,
    );
    expect(needs).toMatchObject({ votes: 4, lead: 3, here: { right: 70, total: 71 } });
    expect(needs!.reason).toBe(
      'a precision of 0.98 needs 4 votes and a lead of 3 at level 4: estimated 0.986 (70 of 71 right at level 4, 70 of 71 at all)',
    );
  });

  it('asks more at a level where votes are worse', () => {
    const votes = [
      ...some(60, 3, true, 4),
      ...some(9, 3, true, 8),
      ...some(3, 3, false, 8),
      ...some(20, 5, true, 8),
    ];
    const needs = calibrate(votes, { ...settings, levels: [4, 8, 9] });
    expect(needs[0]).toMatchObject({ level: 4, votes: 3 });
    expect(needs[1]).toMatchObject({ level: 8, votes: 4, lead: 3 });
    // Without evidence of its own a level has that of all: 89 of 92 with three votes.
    expect(needs[2]).toMatchObject({ level: 9, votes: 4 });
    const base = calibrate(votes, { ...settings, precision: 0.95, levels: [4, 8, 9] });
    expect(base[0]!.votes).toBe(3);
    expect(base[1]!.votes).toBe(4);
    expect(base[2]!.votes).toBe(3);
  });

  it('trusts nothing where no number of votes is enough', () => {
    const [needs] = calibrate([...some(50, 8, true), ...some(10, 8, false)], settings);
    expect(needs!.votes).toBeUndefined();
    expect(needs!.reason).toBe('no number of votes reaches a precision of 0.98 at level 4: 0.833 at 8 of 8');
  });

  it('says that too little was measured, and raises nothing', () => {
    const [needs] = calibrate(some(LEAST_EVIDENCE - 1, 3, false), settings);
    expect(needs).toMatchObject({ votes: 3, lead: 2, precision: undefined });
    expect(needs!.reason).toBe('uncalibrated: 19 calibration votes reach 3 of 8, fewer than 20');
    expect(calibrate(some(LEAST_EVIDENCE, 3, false), settings)[0]!.votes).toBeUndefined();
  });

  it('never goes below the configured least, and where it takes a step the estimate reaches what is asked for', () => {
    fc.assert(
      fc.property(evidence, fc.double({ min: 0.01, max: 1, noNaN: true }), (votes, precision) => {
        for (const needs of calibrate(votes, { ...settings, precision, levels: [4, 5, 6, null] })) {
          if (needs.votes === undefined) continue;
          expect(needs.votes).toBeGreaterThanOrEqual(3);
          expect(needs.lead).toBeGreaterThanOrEqual(2);
          if (needs.precision !== undefined) expect(needs.precision).toBeGreaterThanOrEqual(precision - 1e-6);
        }
      }),
    );
  });

  it('asks no less when more precision is asked for', () => {
    const votesNeeded = (votes: CalibrationVote[], precision: number) =>
      calibrate(votes, { ...settings, precision })[0]!.votes ?? Infinity;
    fc.assert(
      fc.property(
        evidence,
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        fc.double({ min: 0.01, max: 1, noNaN: true }),
        (votes, a, b) => {
          expect(votesNeeded(votes, Math.max(a, b))).toBeGreaterThanOrEqual(
            votesNeeded(votes, Math.min(a, b)),
          );
        },
      ),
    );
  });

  it('is counted by votes, most first', () => {
    expect(precisionByVotes([...some(2, 3, true), ...some(1, 8, true), ...some(1, 3, false)])).toEqual([
      { votes: 8, right: 1, total: 1 },
      { votes: 3, right: 2, total: 3 },
    ]);
  });
});
