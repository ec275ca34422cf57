/** What `ratchet check` finds, as data: drawn by render-check.ts, written by --json. */
import type { ChatMessage, Check } from '../../tasks/task.ts';

export type CheckedRole = 'task' | 'generator' | 'teacher' | 'critic' | 'judge' | 'trainer' | 'adapter';

/** A fault has `ok: false` and what mends it. With `ok` a mend is advice: the run works without it. */
export type Finding = {
  role: CheckedRole;
  ok: boolean;
  what: string;
  mend?: string;
  /** It could not be asked from here; workers elsewhere may do better. */
  unreached?: boolean;
  /** It may pass by itself: a run asks again for a while. */
  passing?: boolean;
  /** A run does not stop there: it goes on to a decision, most likely that there is nothing to train. */
  survivable?: boolean;
};

/** One reply as the run would read it. */
export type Read = {
  text: string;
  finishReason: string;
  /** Null: no answer could be read; `format` says by which rule. */
  answer: string | null;
  format: Check;
  coherence: Check;
};

/** One problem from what was sent to what was read. */
export type Trace = {
  of: 'pool' | 'held-out';
  prompt: string;
  /** The form and the way of asking, of a pool's prompt. */
  asked?: string;
  messages: ChatMessage[];
  parameters: { n?: number; seed?: number; temperature: number; maxTokens: number };
  reads: Read[];
  /** The known answer of a held-out problem, and whether it was met. */
  known?: { answer: string; right: boolean };
  promptTokens: number;
  completionTokens: number;
  seconds: number;
};

/** What a critic said of one sample of the pool's prompt. */
export type Judgement = {
  critic: string;
  role: 'critic' | 'judge';
  outcome: string;
  reason: string;
  reply: string;
  promptTokens: number;
  completionTokens: number;
  seconds: number;
};

/** `minutes`: from 32 calls answered in the time of one, to one after the other. No training in it. */
export type Cost = { calls: number; tokens: number; minutes: [number, number]; money: number | null };

export type CheckReport = {
  ok: boolean;
  task: string;
  endpoints: { role: string; model: string; baseURL: string }[];
  findings: Finding[];
  traces: Trace[];
  judgements: Judgement[];
  /** Null where the generator gave nothing to measure by. */
  cost: { iteration: Cost; run: Cost; iterations: number } | null;
  seconds: number;
};
