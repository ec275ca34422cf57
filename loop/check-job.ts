import type { Verdict } from '../sandbox/job.ts';

/** Which work is to be looked at in the sandbox: samples of some prompts, before or after the vote, or answers to held-out problems. */
export type CheckSpan = {
  first: number;
  count: number;
  /** What the sandbox's containers are made of (a digest); undefined: of runs that began before it was asked. */
  image?: string;
} & ({ iterationId: number; when?: 'before-vote' } | { evaluationId: number });

/** One check in the sandbox, as it goes through a workflow. */
export type CheckJob = {
  /** SHA-256 of the check, the input, the archive and the image, hex: what equals in it is run once. */
  digest: string;
  /** JSON: prompt, request, rationale, answer, or what the task makes of them. */
  input: string;
  /** SHA-256 of a file that the sandbox's workers have. */
  archive?: string;
};

/** What came of it. */
export type Checked = { digest: string } & Verdict;
