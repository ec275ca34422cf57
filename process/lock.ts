// A lock file that names its holder. A holder that was killed holds nothing: its pid and start time tell.
import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive, processRecord, type ProcessRecord } from './process-info.ts';

export interface Lock {
  release(): void;
}

/** Takes the lock, or says who has it. */
export function tryLock(file: string): { lock: Lock } | { holder: ProcessRecord } {
  const mine = JSON.stringify(processRecord(process.pid));
  const temporary = `${file}.${process.pid}.${Math.random().toString(36).slice(2)}`;
  for (;;) {
    writeFileSync(temporary, mine);
    try {
      // link() fails when the name exists, and what appears is complete at once.
      linkSync(temporary, file);
      return { lock: { release: () => release(file, mine) } };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    } finally {
      rmSync(temporary, { force: true });
    }
    const text = read(file);
    if (text === undefined) continue;
    const holder = parse(text);
    if (isAlive(holder)) return { holder };
    takeAway(file, text, temporary);
  }
}

/** Runs `work` under the lock, waiting for a live holder to finish first. */
export async function withLock<T>(
  file: string,
  work: () => Promise<T>,
  onWait?: (holder: ProcessRecord) => void,
): Promise<T> {
  let told = false;
  for (;;) {
    const attempt = tryLock(file);
    if ('lock' in attempt) {
      try {
        return await work();
      } finally {
        attempt.lock.release();
      }
    }
    if (!told) onWait?.(attempt.holder);
    told = true;
    await sleep(300);
  }
}

function release(file: string, mine: string): void {
  if (read(file) === mine) rmSync(file, { force: true });
}

/** Removes a dead holder's lock, unless another process has replaced it in the meantime. */
function takeAway(file: string, expected: string, temporary: string): void {
  try {
    renameSync(file, temporary);
  } catch {
    return;
  }
  try {
    if (read(temporary) !== expected) linkSync(temporary, file);
  } catch {
    // A third process has the name by now: it holds the lock.
  } finally {
    rmSync(temporary, { force: true });
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function parse(text: string): ProcessRecord | undefined {
  try {
    return JSON.parse(text) as ProcessRecord;
  } catch {
    return undefined;
  }
}
