import type { Verdict } from '../sandbox/job.ts';

/** One verification in the sandbox, as it goes through a workflow. */
export type CheckJob = {
  /** The samples whose work it is, word for word. */
  sampleIds: number[];
  /** SHA-256 of the input, hex. */
  digest: string;
  /** JSON: prompt, request, rationale, answer. */
  input: string;
};

/** What came of it. */
export type Checked = { sampleIds: number[] } & Verdict;
