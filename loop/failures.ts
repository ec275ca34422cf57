/**
 * Every failure that a run can meet by a name of ours: is the same tried again, does it end the run or park it, and what can an
 * operator do? Failures of calls bring an advice of their own (models/advice.ts), which goes before the one here.
 */
type Failure = {
  /** As Temporal, the database and the histories of runs have it: never renamed. */
  type: string;
  /** False: an activity that failed so is not tried again. Otherwise whoever throws it says so, case by case. */
  retried?: false;
  /** Waiting mends it not, so that the run fails, visibly. Everything else parks the run. */
  fatal?: true;
  advice?: string;
};

const FAILURES = {
  invalidInput: { type: 'InvalidInput', retried: false, fatal: true },
  budgetExceeded: { type: 'BudgetExceeded', retried: false, advice: 'Raise a limit with setBudget.' },
  gateAuditFailed: {
    type: 'GateAuditFailed',
    retried: false,
    advice:
      'No example of the iteration is used. Mend or replace what judged (the critic at its endpoint). A retry makes the whole judgement anew.',
  },
  gateSilent: { type: 'GateSilent' },
  modelUnavailable: {
    type: 'ModelUnavailable',
    advice: 'See that the endpoint answers (its address, key, quota and model name).',
  },
  trainingFailed: { type: 'TrainingFailed', retried: false },
  sandboxUnavailable: {
    type: 'SandboxUnavailable',
    retried: false,
    advice:
      'Install bubblewrap for the worker of the queue ratchet-sandbox, and let it make user namespaces (docs/sandbox.md).',
  },
  harnessFailed: {
    type: 'HarnessFailed',
    retried: false,
    advice:
      'Mend the command of the benchmark, or what it needs on the machine of the workers. A retry runs it anew.',
  },
  /** PostgreSQL does not answer, or can't now. */
  databaseUnavailable: {
    type: 'DatabaseUnavailable',
    advice: 'See that PostgreSQL answers (its address, password, connections and disk).',
  },
  /** It answers, and will always say no: a bug. */
  databaseRefused: { type: 'DatabaseRefused', fatal: true },
  /** Ends an iteration that was told to stop. */
  halted: { type: 'Halted' },
  /** Answers a message that is impossible now. */
  refused: { type: 'Refused' },
  /** Thrown by workflow code itself: always a bug, whatever its class. */
  bug: { type: 'Bug', fatal: true },
} as const satisfies Record<string, Failure>;

const all: readonly Failure[] = Object.values(FAILURES);

/** The types of failures by name. */
export const FAILURE = Object.fromEntries(
  Object.entries(FAILURES).map(([name, { type }]) => [name, type]),
) as { [Name in keyof typeof FAILURES]: (typeof FAILURES)[Name]['type'] };

/** What JavaScript throws where the code is wrong. */
const BUGS = ['TypeError', 'RangeError', 'ReferenceError', 'SyntaxError'];

/** For the retry policies of activities. */
export const NEVER_RETRIED = [
  ...all.filter(({ retried }) => retried === false).map(({ type }) => type),
  ...BUGS,
];

const FATAL = new Set([...all.filter(({ fatal }) => fatal).map(({ type }) => type), ...BUGS]);

/** Bad input and bugs end a run. */
export const endsRun = (type: string): boolean => FATAL.has(type);

/** What an operator can do about a failure of this type. */
export const adviceOnType = (type: string | undefined): string =>
  all.find((one) => one.type === type)?.advice ?? 'Mend what the message names; a worker’s log may say more.';
