/** The work that every client does: K samples of each prompt, their majority, and one critique of a sample that gave it. */

export const MODEL = 'adder';
/** The same under another name: that an endpoint refuses `n` is remembered by model. */
export const SINGLE_MODEL = 'adder-single';

/** What a client reads from the file that PEER_WORK names. */
export type Work = {
  url: string;
  model: string;
  prompts: string[];
  samples: number;
  inFlight: number;
  /** Where it writes what it did. */
  out: string;
};

/** What it did, which is checked: a client that skips half of the work is fast. */
export type Done = { samples: number; critiques: number };

/** What the stub was asked; seconds from the first call to the last. */
export type Stats = { calls: number; choices: number; seconds: number; inFlight: number };

export const promptsOf = (count: number): string[] =>
  Array.from({ length: count }, (_, i) => `What is ${1000 + 37 * i} + ${2000 + 91 * i}?`);

/** The second half of each question: told of the form by all clients but those that have their own. */
export const FORM = 'Write one line of work, then "#### " and the number.';
