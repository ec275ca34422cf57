import type { Logger } from 'pino';

/** Structured log lines. Prompts, answers and keys never go into them. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error' | 'debug'>;
