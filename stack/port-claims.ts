// Ports that stacks of this user have chosen. Between the choice of a port and the moment its server listens pass seconds,
// in which nothing on the machine shows that it is taken: a claim does.
import { mkdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock, type Lock } from '../process/lock.ts';

export type PortClaims = {
  /** False when another stack has claimed the port. A holder that is gone holds nothing. */
  take(port: number): boolean;
  release(): void;
};

function claimsFolder(): string {
  const folder = join(tmpdir(), `ratchet-ports-${process.getuid?.() ?? 'user'}`);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return folder;
}

/** Claims that this process holds until it releases them or ends. */
export function portClaims(): PortClaims {
  const held = new Map<number, Lock>();
  return {
    take(port) {
      const attempt = tryLock(join(claimsFolder(), `${port}.lock`));
      if (!('lock' in attempt)) return false;
      held.set(port, attempt.lock);
      return true;
    },
    release() {
      for (const lock of held.values()) lock.release();
      held.clear();
    },
  };
}

/** For who only looks: takes nothing. */
export const noClaims: PortClaims = { take: () => true, release: () => undefined };
