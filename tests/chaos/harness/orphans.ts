/** Processes that a kill has left behind. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

type Found = { pid: number; parent: number; command: string };

/** Every process of the stack carries RATCHET_HOME in its environment, or the folder in its command. */
function processesOf(home: string): Map<number, Found & { ours: boolean }> {
  const all = new Map<number, Found & { ours: boolean }>();
  if (process.platform !== 'linux') {
    const listed = execFileSync('ps', ['-axo', 'pid=,ppid=,command='], { encoding: 'utf8' });
    for (const line of listed.split('\n')) {
      const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
      if (pid)
        all.set(Number(pid), {
          pid: Number(pid),
          parent: Number(parent),
          command: command!,
          ours: command!.includes(home),
        });
    }
    return all;
  }
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z') continue;
      const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
      const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
      const ours = command.includes(home) || environment.includes(`RATCHET_HOME=${home}`);
      all.set(pid, { pid, parent: Number(parent), command, ours });
    } catch {
      // It has ended, or is another user's.
    }
  }
  return all;
}

/** Processes of the stack in `home` that do not descend from this process: nobody watches them any more. */
export function orphans(home: string): string[] {
  const all = processesOf(home);
  const descends = (pid: number): boolean => {
    for (let at = all.get(pid); at; at = all.get(at.parent)) if (at.pid === process.pid) return true;
    return false;
  };
  return [...all.values()]
    .filter(({ pid, ours }) => ours && !descends(pid))
    .map(({ pid, command }) => `process ${pid} (${command.slice(0, 80)})`);
}

/** Processes of the stack in `home` that live; after a stop there are none. */
export function survivors(home: string): string[] {
  return [...processesOf(home).values()]
    .filter(({ pid, ours }) => ours && pid !== process.pid)
    .map(({ pid, command }) => `process ${pid} (${command.slice(0, 80)})`);
}
