/**
 * What a check, or what reads an answer before it is run, found of it, in one word. It is stored beside the reason, which is for people
 * and may say anything: so a word may be added, but none renamed.
 */
export const FINDINGS = [
  'holds',
  /** The code says what it said before. */
  'unchanged',
  /** It writes down what the tests ask for. */
  'hard-coded',
  /** Two runs of the same disagree. */
  'flaky',
  /** It passes, and what it passed proves too little. */
  'weak-tests',
  'lint',
  /** It passes the tests, and does something else outside of them. */
  'tests-alone',
  /** It passes the tests, and does something else than the code did before the bug was planted. */
  'differs',
  'tests-fail',
  /** It needs more time, memory or output than it may, crashes, or ends without a verdict; or it is too large to be run. */
  'out-of-bounds',
  /** Nothing in it can be read as code. */
  'no-code',
  /** It is to replace what is not there, or is there twice. */
  'no-place',
  /** It changes what is not its own to change. */
  'foreign',
  /** It brings in what no fix needs. */
  'forbidden',
] as const;

export type Finding = (typeof FINDINGS)[number];

/** What is stored of a check; `finding` null: the check has no word for its reason, or a version without such words stored it. */
export type Found = { ok: boolean | null; finding: Finding | null; reason: string };

/** Why work is not run: it does not hold. */
export type Refusal = { refused: string; finding: Finding };
