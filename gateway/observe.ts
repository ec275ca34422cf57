/** What the gateway says of itself when something is over. */
import type { FeedbackAnswer } from './feedback.ts';

/** A chat request that is over. */
export type ChatEvent = {
  kind: 'chat';
  /** Undefined: no task was named, or none that there is, or whoever asked was not let in. */
  task: string | undefined;
  /** What answered; undefined: nothing did. */
  checkpoint: number | undefined;
  /** Did another checkpoint than the served one answer? */
  fallback: boolean;
  /** As the client has it; 499: it went away before. */
  status: number;
  streamed: boolean;
  /** `aborted`: the client went away, or the endpoint broke off. `failed`: the client was told so. */
  outcome: 'completed' | 'aborted' | 'failed';
  latencyMs: number;
  promptTokens?: number;
  completionTokens?: number;
};

export type GatewayEvent =
  | ChatEvent
  /** Feedback that was stored; what was sent before in the same words is no event. */
  | { kind: 'feedback'; task: string; rating: 'up' | 'down' | undefined; becomes: FeedbackAnswer['becomes'] }
  /** An answer that was given and could not be recorded. */
  | { kind: 'unrecorded'; task: string };

export type Observe = (event: GatewayEvent) => void;
