import { existsSync, readFileSync } from 'node:fs';

/** Is there such a process? One that has ended and nobody has waited for yet is none. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !existsSync('/proc') || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
