import { CancellationScope, condition } from '@temporalio/workflow';
import type { Control } from '../loop/control.ts';
import { durable } from './proxies.ts';

/** Few enough for a payload of some kilobytes. */
const MESSAGES_AT_ONCE = 10;

export type Recorder = {
  /** From now on: the run is stored. */
  begin(): void;
  /**
   * Begins no further write and waits for the one under way: left behind by a run that continues as new, it could set the
   * run's row back later. What is unsaved is carried along.
   */
  rest(): Promise<void>;
  /** Writes what is unsaved; also what has come since the last call. */
  end(): Promise<void>;
};

/**
 * Writes messages with their answers, and whether the run waits, into the database beside whatever the run is doing. An
 * operator sees them at once; none is lost if the database is away for a while.
 *
 * @param onFailure called once when something can't be stored whatever is tried, which is a bug. Nothing is written after that
 */
export function startRecorder(
  runId: string,
  control: Control,
  refresh: () => void,
  onFailure: (error: unknown) => void,
): Recorder {
  let broken = false;
  let begun = false;
  let resting = false;
  let ending = false;
  let writing = false;
  // As `prepareRun` leaves the row: a run that continues as new while it is paused has to say so again.
  let saved = JSON.stringify({ status: 'running' });

  async function write(): Promise<void> {
    await condition(() => begun || ending);
    while (begun && !broken) {
      const differs = () => JSON.stringify(waitingOf(control)) !== saved;
      await condition(() => ending || (!resting && (control.unsaved.length > 0 || differs())));
      if (ending && control.unsaved.length === 0) return;
      if (ending || !resting) await save();
    }
  }

  async function save(): Promise<void> {
    refresh();
    const messages = control.unsaved.slice(0, MESSAGES_AT_ONCE);
    const waiting = waitingOf(control);
    writing = true;
    try {
      await durable.recordState({ runId, messages, ...waiting });
    } catch (error) {
      broken = true;
      control.unsaved = [];
      onFailure(error);
      return;
    } finally {
      writing = false;
    }
    control.unsaved.splice(0, messages.length);
    saved = JSON.stringify(waiting);
  }
  // A run that is cancelled still records what it was told before.
  const written = CancellationScope.nonCancellable(write);
  return {
    begin: () => void (begun = true),
    async rest() {
      resting = true;
      await condition(() => !writing);
    },
    async end() {
      ending = true;
      await written;
      while (control.unsaved.length > 0 && !broken) await save();
      if (broken) control.unsaved = [];
    },
  };
}

function waitingOf({ parked, paused }: Control): {
  status: 'running' | 'paused' | 'parked';
  reason?: string;
} {
  if (parked)
    return {
      status: 'parked',
      reason: `${parked.doing} failed: ${parked.error.replace(/[.!?]?$/, '.')} ${parked.advice}`,
    };
  return { status: paused ? 'paused' : 'running' };
}
