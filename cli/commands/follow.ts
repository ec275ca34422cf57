/** What `run`, `watch` and `demo` share: follow a run on standard output and say how it ended. */
import pc from 'picocolors';
import type { Client } from '@temporalio/client';
import type { Db } from '../../db/connect.ts';
import { EXIT } from '../../process/errors.ts';
import { plain } from '../../process/text.ts';
import { watchRun, type WatchEnd } from '../watch.ts';

/** Colours only where a person sees them. */
export function wantsColor(stream: NodeJS.WriteStream): boolean {
  return Boolean(stream.isTTY) && !process.env.NO_COLOR;
}

/** The lines of a message that may quote models or servers, each made safe for a terminal. */
export function plainLines(text: string, indent = ''): string {
  return text
    .split('\n')
    .map((line) => indent + plain(line))
    .join('\n');
}

export async function follow(
  db: Db,
  client: Client | undefined,
  runId: string,
  signal: AbortSignal,
  options: { findsModel?: boolean; exitWhenParked?: boolean } = {},
): Promise<WatchEnd> {
  const color = wantsColor(process.stdout);
  return watchRun({ db, client, runId, out: process.stdout, color, signal, ...options });
}

/** Says how a run ended; answers the exit code. */
export function announceEnd(runId: string, end: WatchEnd): number {
  const c = pc.createColors(wantsColor(process.stdout));
  if (end.end === 'detached') {
    console.log(`The run "${runId}" goes on. Watch it again with: ratchet watch ${runId}`);
    return EXIT.interrupted;
  }
  if (end.end === 'parked') {
    process.stderr.write(
      `✗ The run "${runId}" is parked: ${plainLines(end.reason)}\n  It goes on with: ratchet retry ${runId}\n`,
    );
    return EXIT.parked;
  }
  if (end.end === 'failed') {
    process.stderr.write(`✗ The run "${runId}" failed: ${plainLines(end.reason)}\n`);
    return EXIT.failed;
  }
  const word = end.end === 'completed' ? c.green('✓ completed') : c.yellow('stopped');
  console.log(`${word}  ${runId}${end.reason ? `: ${plainLines(end.reason)}` : ''}`);
  return EXIT.ok;
}
