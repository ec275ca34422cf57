import { execFileSync } from 'node:child_process';
import { findBubblewrap } from '../../sandbox/bubblewrap.ts';

function found(): boolean {
  try {
    findBubblewrap();
    return true;
  } catch {
    return false;
  }
}

/** Is there bubblewrap? Tests that need it are left out elsewhere: it is no part of a computer that only trains. */
export const hasSandbox = found();

/** Processes of this machine whose command line holds a text. */
export const processesWith = (text: string): number =>
  execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' })
    .split('\n')
    .filter((line) => line.includes(text)).length;
