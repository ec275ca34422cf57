/** Of the answers to `ratchet why`, those about what came from outside any run: stored prompts, the gateway's answers, feedback. */
import type { OutsideSource } from '../../db/schema.ts';
import type { CheckpointName, Membership, Reached } from './types.ts';

/** What somebody said of an answer of the gateway. */
export type FeedbackSaid = {
  id: number;
  by: string;
  rating: 'up' | 'down' | null;
  correction: string | null;
  answer: string | null;
  use: 'example' | 'regression' | null;
  note: string | null;
  completion: string;
  at: string;
};

/** Where a prompt comes from that was stored for the task from outside any run. */
export type StoredOrigin = {
  /** Id of the stored prompt. */
  prompt: number;
  /** From where it came first: the file and its line, or the gateway's answer. */
  source: OutsideSource;
  origin: string;
  /** How often it came through the gateway, and the first answers to it. */
  asked: number;
  completions: string[];
  feedback: FeedbackSaid[];
};

type Drawn = { prompt: number; run: string; iteration: number };

export type FeedbackWhy = {
  what: 'feedback';
  task: string;
  feedback: FeedbackSaid;
  /** The correction, where it is a whole rationale. */
  rationale: string | null;
  /** Later feedback of the same person that says something else of the problem, and stands in its place. */
  supersededBy: number | null;
  prompt: string | null;
  /** What gave the answer. */
  checkpoint: CheckpointName;
  /** Prompts of runs that are there because of it. */
  drawn: Drawn[];
  examples: { example: number; run: string; iteration: number }[];
  heldOut: { run: string; benchmark: string }[];
  datasets: Membership[];
  reached: Reached[];
};

export type CompletionWhy = {
  what: 'completion';
  id: string;
  task: string;
  outcome: 'completed' | 'aborted';
  /** Why another checkpoint than the served one answered. */
  fallback: string | null;
  fingerprint: string | null;
  latencyMs: number;
  at: string;
  checkpoint: CheckpointName;
  /** Null: not stored. */
  prompt: string | null;
  notPooled: string | null;
  replies: string[] | null;
  feedback: FeedbackSaid[];
  drawn: Drawn[];
};
