// What the stack knows about one of its parts: how to start it, or where it is when the user runs it.
import type { ChildSpec } from './processes.ts';
import type { Ports } from './ports.ts';

export interface LocalPart {
  kind: 'local';
  address: string;
  /** What the other parts need to reach it. */
  env: Record<string, string>;
  spec: ChildSpec;
  readyTimeoutMs: number;
  /** Before each start: clears away what a killed predecessor left. */
  beforeStart?(): Promise<void>;
  /** Throws until it answers; then does what must be done once it does (idempotent), and says its version. */
  ready(output: string): Promise<string>;
  /** Runs in this process for as long as the part does; answers how to end it. */
  beside?(): Promise<() => Promise<void>>;
  /** A word more for its line. */
  note?: string;
}

export interface ExternalPart {
  kind: 'external';
  address: string;
  env: Record<string, string>;
  /** Throws a message for the user when it does not answer; says its version. */
  ready(): Promise<string>;
  note?: string;
}

export type Part = LocalPart | ExternalPart;

export interface PartContext {
  home: string;
  env: NodeJS.ProcessEnv;
  ports: Partial<Ports>;
  info(detail: string): void;
  signal?: AbortSignal;
}
