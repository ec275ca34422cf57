/** The files by which the harness and the scripted model process speak: they outlive a kill of either. */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { StoredEntry } from '../../support/scripted-endpoint.ts';
import type { Fault } from './faults.ts';

/** One completion that was asked for, written down before it is answered. */
export type Call = {
  /** The request, without what differs between runs with the same seed. */
  key: string;
  atMs: number;
};

const files = {
  journal: 'journal.jsonl',
  calls: (label: string) => `calls-${label}.jsonl`,
  faults: 'faults.json',
};

function lines<T>(file: string): T[] {
  if (!existsSync(file)) return [];
  const whole = readFileSync(file, 'utf8').split('\n');
  // What follows the last line break was being written when the process was killed: it was never answered.
  return whole.slice(0, -1).map((line) => JSON.parse(line) as T);
}

/** The endpoint's journal of files and jobs. */
export function journal(folder: string) {
  const file = join(folder, files.journal);
  return {
    entries: () => lines<StoredEntry>(file),
    append: (entry: StoredEntry) => appendFileSync(file, `${JSON.stringify(entry)}\n`),
  };
}

export function logCall(folder: string, label: string, call: Call): void {
  appendFileSync(join(folder, files.calls(label)), `${JSON.stringify(call)}\n`);
}

/** All completions that were asked for under a label, over all lives of the process, in order. */
export const callsOf = (folder: string, label: string): Call[] => lines(join(folder, files.calls(label)));

export function writeFaults(folder: string, faults: Record<string, Fault>): void {
  const file = join(folder, files.faults);
  writeFileSync(`${file}.new`, JSON.stringify(faults));
  renameSync(`${file}.new`, file);
}

export function readFaults(folder: string): Record<string, Fault> {
  const file = join(folder, files.faults);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Record<string, Fault>) : {};
}
