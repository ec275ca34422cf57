import { CancellationScope, condition } from '@temporalio/workflow';
import type { Control } from '../loop/control.ts';
import { durable } from './proxies.ts';

/** Few enough for a payload of some kilobytes. */
const MESSAGES_AT_ONCE = 10;

/**
 * Writes messages with their answers, and whether the run waits, into the database beside whatever the run is doing. An
 * operator sees them at once; none is lost if the database is away for a while.
 */
export function startRecorder(
  runId: string,
  control: Control,
  refresh: () => void,
): { begin(): void; end(): Promise<void> } {
  let begun = false;
  let ending = false;
  let saved = JSON.stringify(waitingOf(control));

  async function write(): Promise<void> {
    await condition(() => begun || ending);
    while (begun) {
      const differs = () => JSON.stringify(waitingOf(control)) !== saved;
      await condition(() => control.unsaved.length > 0 || differs() || ending);
      if (control.unsaved.length === 0 && (ending || !differs())) return;
      refresh();
      const messages = control.unsaved.slice(0, MESSAGES_AT_ONCE);
      const waiting = waitingOf(control);
      await durable.recordState({ runId, messages, ...waiting });
      control.unsaved.splice(0, messages.length);
      saved = JSON.stringify(waiting);
    }
  }
  // A run that is cancelled still records what it was told before.
  const written = CancellationScope.nonCancellable(write);
  return {
    begin: () => void (begun = true),
    async end() {
      ending = true;
      await written;
    },
  };
}

function waitingOf({ parked, paused }: Control): {
  status: 'running' | 'paused' | 'parked';
  reason?: string;
} {
  if (parked) return { status: 'parked', reason: `${parked.doing} failed: ${parked.error} ${parked.advice}` };
  return { status: paused ? 'paused' : 'running' };
}
