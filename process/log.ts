/** The log of a process: JSON lines on its output, each through the redactor. */
import { pino, type Logger } from 'pino';
import { redacted } from './secrets.ts';

export const createLog = (level: string): Logger =>
  pino({ level }, { write: (line: string) => void process.stdout.write(redacted(line)) });
