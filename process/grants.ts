/**
 * What the user of a local stack has allowed its processes by a command of their own: to read a file, or to send a key to a host. It
 * stands in the data folder, which nobody else may write to; a run's input can't get anything into it.
 *
 * One JSON object a line, `{"file": "/home/me/task.yaml"}` or `{"key": "MY_KEY", "to": "https://gpu.example:8000"}`: taking a line
 * out takes the right away.
 */
import { appendFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export type Grant = { file: string } | { key: string; to: string };

export const grantsFile = (home: string): string => join(home, 'granted.jsonl');

const isGrant = (value: unknown): value is Grant => {
  const { file, key, to } = (value ?? {}) as Record<string, unknown>;
  return typeof file === 'string' || (typeof key === 'string' && typeof to === 'string');
};

/** None where there is no such file; a line that is no grant counts for nothing. */
export function readGrants(home: string | undefined): Grant[] {
  if (!home) return [];
  let text: string;
  try {
    text = readFileSync(grantsFile(home), 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap((line) => {
    try {
      const value: unknown = JSON.parse(line);
      return isGrant(value) ? [value] : [];
    } catch {
      return [];
    }
  });
}

const idOf = (grant: Grant) => ('file' in grant ? grant.file : `${grant.key} ${grant.to}`);

/** Adds what is not granted yet; whole lines, so that several commands may do it at once. */
export function addGrants(home: string, grants: Grant[]): void {
  const known = new Set(readGrants(home).map(idOf));
  const fresh = new Map(grants.filter((grant) => !known.has(idOf(grant))).map((one) => [idOf(one), one]));
  if (fresh.size === 0) return;
  const lines = [...fresh.values()].map((grant) => `${JSON.stringify(grant)}\n`).join('');
  appendFileSync(grantsFile(home), lines, { mode: 0o600 });
}
