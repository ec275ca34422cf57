/**
 * What processes use, from /proc: so on Linux only. A process that ended is counted by the one that waited for it.
 */
import { readdirSync, readFileSync } from 'node:fs';

export type Seen = {
  pid: number;
  parent: number;
  name: string;
  /** Processor seconds, of all its threads. */
  cpu: number;
  /** Processor seconds of its children that have ended, and of theirs. */
  ended: number;
  /** Resident memory; what processes share counts in each. */
  mb: number;
};

const TICKS_PER_SECOND = 100;
const PAGE_MB = 4096 / 2 ** 20;

/** @returns undefined when it is gone */
export function seen(pid: number): Seen | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The name, in brackets, may hold anything; proc(5) numbers the fields behind it from 3.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const field = (number: number) => Number(fields[number - 3]);
  return {
    pid,
    parent: field(4),
    name: text.slice(text.indexOf('(') + 1, text.lastIndexOf(')')),
    cpu: (field(14) + field(15)) / TICKS_PER_SECOND,
    ended: (field(16) + field(17)) / TICKS_PER_SECOND,
    mb: field(24) * PAGE_MB,
  };
}

/** A process and all that it started, as far as that lives. */
export function treeOf(root: number): Seen[] {
  const all = readdirSync('/proc').flatMap((name) => (/^\d+$/.test(name) ? (seen(Number(name)) ?? []) : []));
  const tree = all.filter(({ pid }) => pid === root);
  // It grows while it is gone through.
  for (const { pid } of tree) tree.push(...all.filter(({ parent }) => parent === pid));
  return tree;
}

/** Processor seconds of these processes, of all that they started and start: take the difference of two calls. */
export const cpuOf = (...roots: number[]): number =>
  roots.flatMap(treeOf).reduce((sum, { cpu, ended }) => sum + cpu + ended, 0);

export const mbOf = (...roots: number[]): number =>
  roots.flatMap(treeOf).reduce((sum, { mb }) => sum + mb, 0);
