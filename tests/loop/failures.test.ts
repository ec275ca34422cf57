import { expect, it } from 'vitest';
import { adviceOnType, endsRun, FAILURE, NEVER_RETRIED } from '../../loop/failures.ts';

it('says of each failure what becomes of the run and of the activity', () => {
  expect(NEVER_RETRIED.toSorted()).toEqual([
    'BudgetExceeded',
    'GateAuditFailed',
    'HarnessFailed',
    'InvalidInput',
    'RangeError',
    'ReferenceError',
    'SandboxUnavailable',
    'SyntaxError',
    'TrainingFailed',
    'TypeError',
  ]);
  const ends = [...Object.values(FAILURE), ...NEVER_RETRIED, 'NoSuchFailure'].filter(endsRun);
  expect([...new Set(ends)].toSorted()).toEqual([
    'Bug',
    'DatabaseRefused',
    'InvalidInput',
    'RangeError',
    'ReferenceError',
    'SyntaxError',
    'TypeError',
  ]);
});

it('has an advice for each failure, and one for those it does not know', () => {
  expect(adviceOnType('BudgetExceeded')).toBe('Raise a limit with setBudget.');
  const general = 'Mend what the message names; a worker’s log may say more.';
  for (const type of [undefined, 'NoSuchFailure', 'TrainingFailed']) expect(adviceOnType(type)).toBe(general);
});
