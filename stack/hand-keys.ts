// Hands endpoints' keys to the worker and the gateway when the user pairs one with a host after the start (process/grants.ts).
import { unwatchFile, watchFile } from 'node:fs';
import { grantsFile } from '../process/grants.ts';
import { keysIn } from './environment.ts';

const LOOK_EVERY_MS = 300;

/**
 * @param env the user's environment, in which the keys are
 * @param hand called at once and whenever grants change, with all keys that may be sent
 * @returns stops looking
 */
export function handKeys(
  env: NodeJS.ProcessEnv,
  home: string,
  hand: (keys: Record<string, string>) => void,
): () => void {
  const file = grantsFile(home);
  const look = () => hand(keysIn({ ...env, RATCHET_HOME: home }));
  look();
  watchFile(file, { interval: LOOK_EVERY_MS, persistent: false }, look);
  return () => unwatchFile(file, look);
}
