import { describe, expect, it } from 'vitest';
import {
  auditByGate,
  auditText,
  countAudit,
  kindsToCatch,
  outcomeOf,
  totalsOf,
  whatIsNeeded,
  type JudgedProbe,
} from '../../loop/audit.ts';
import { improveInputSchema } from '../../loop/input.ts';

const probe = (
  kind: JudgedProbe['kind'],
  verdicts: Record<string, 'pass' | 'fail' | 'unscored'>,
): JudgedProbe => ({
  kind,
  caught: Object.values(verdicts).some((outcome) => outcome !== 'pass'),
  verdicts: Object.entries(verdicts).map(([gate, outcome]) => ({ gate, outcome, advisory: false })),
});

const judged = [
  probe('wrong-answer', { format: 'pass', critique: 'pass' }),
  probe('wrong-answer', { format: 'pass', critique: 'fail' }),
  probe('verbose', { format: 'fail', critique: 'unscored' }),
  probe('verbose', { format: 'pass', critique: 'unscored' }),
];

describe('an audit', () => {
  it('counts by kind and gate', () => {
    const kinds = countAudit(judged);
    expect(kinds).toEqual([
      {
        kind: 'wrong-answer',
        planted: 2,
        caught: 1,
        gates: [
          { gate: 'format', advisory: false, pass: 2, fail: 0, unscored: 0 },
          { gate: 'critique', advisory: false, pass: 1, fail: 1, unscored: 0 },
        ],
      },
      {
        kind: 'verbose',
        planted: 2,
        caught: 2,
        gates: [
          { gate: 'format', advisory: false, pass: 1, fail: 1, unscored: 0 },
          { gate: 'critique', advisory: false, pass: 0, fail: 0, unscored: 2 },
        ],
      },
    ]);
    expect(totalsOf(kinds)).toEqual({ planted: 4, caught: 3 });
    expect(auditByGate(kinds)).toEqual([
      { gate: 'format', advisory: false, pass: 3, fail: 1, unscored: 0 },
      { gate: 'critique', advisory: false, pass: 1, fail: 1, unscored: 2 },
    ]);
    expect(auditText(kinds, 0.9)).toBe(
      'the gates caught 3 of 4 planted bad samples, 75 % < 90 %: wrong-answer 1 of 2 passed format, critique',
    );
  });

  it.each([
    // One slip of twelve is forgiven, a whole kind is not; exactly the rate is enough.
    [{ planted: 12, caught: 12 }, {}, 'passed'],
    [{ planted: 12, caught: 11 }, {}, 'passed'],
    [{ planted: 12, caught: 10 }, {}, 'failed'],
    [{ planted: 10, caught: 9 }, {}, 'passed'],
    [{ planted: 10, caught: 8 }, {}, 'failed'],
    [{ planted: 12, caught: 11 }, { minCatchRate: 0.95 }, 'failed'],
    [{ planted: 12, caught: 0 }, { minCatchRate: 0 }, 'passed'],
    [{ planted: 12, caught: 0 }, { mode: 'advisory' as const }, 'advised'],
    [{ planted: 6, caught: 0 }, {}, 'failed'],
    [{ planted: 5, caught: 0 }, {}, 'too-few'],
    [{ planted: 5, caught: 0 }, { minPlanted: 5 }, 'failed'],
  ])('of %o under %o is %s', (counts, probes, outcome) => {
    expect(
      outcomeOf(counts, improveInputSchema.parse({ probes: { mode: 'required', ...probes } }).probes),
    ).toBe(outcome);
  });

  it.each([
    // Nobody asked for a gate that looks at it: what comes through is told, and stops nothing.
    [[], 0, 'advised'],
    [['verification' as const], 0, 'failed'],
    [['verification' as const], 4, 'advised'],
    [['critique' as const], 4, 'failed'],
    [['critique' as const], 12, 'passed'],
  ])(
    'that is not set blocks where a gate that was asked for (%j) missed its kinds (%d caught)',
    (asked, caught, outcome) => {
      const one = (kind: JudgedProbe['kind'], held: boolean) =>
        probe(kind, { verification: held ? 'fail' : 'pass' });
      const order = ['wrong-answer', 'broken-steps', 'verbose', 'template', 'injection', 'off-task'] as const;
      const kinds = countAudit(
        order.flatMap((kind, i) => [one(kind, caught > 2 * i), one(kind, caught > 2 * i + 1)]),
      );
      const { probes } = improveInputSchema.parse({});
      expect(outcomeOf(totalsOf(kinds), probes, totalsOf(kindsToCatch(kinds, new Set(asked))))).toBe(outcome);
    },
  );

  it('says what would catch what came through', () => {
    expect(whatIsNeeded(countAudit(judged))).toBe(
      'Bad work of these kinds would pass as good: wrong-answer 1 of 2. What would catch it: a verification (verify in the ' +
        'task), a critic that can judge (a larger model as models.critic).',
    );
    expect(whatIsNeeded(countAudit([judged[1]!]))).toBeUndefined();
  });
});
