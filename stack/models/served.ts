/** `--model NAME` of a run on the local stack: the name of a folder, hub id or file becomes the id under which it is served. */
import { UsageError } from '../../process/errors.ts';
import { ratchetHome } from '../home.ts';
import { isAlive } from '../../process/process-info.ts';
import { readState } from '../state.ts';
import { servedName } from './source.ts';

type Flags = { model?: string; baseUrl?: string };

/**
 * The flags with the model's id at the local model server. Flags that name an endpoint, and a stack whose endpoint is the
 * user's, are left alone: what is served there is the user's to know.
 * @throws UsageError that says the two commands, when the stack does not serve this model
 */
export async function withServedModel<T extends Flags>(flags: T, home = ratchetHome()): Promise<T> {
  if (flags.model === undefined || flags.baseUrl !== undefined) return flags;
  const state = readState(home);
  if (!state || !isAlive(state.supervisor) || state.parts.modelserver?.kind !== 'local') return flags;
  // Adapters that the loop has trained are served under ids of their own.
  if ((await idsAt(state.parts.modelserver.address)).includes(flags.model)) return flags;
  const name = servedName(flags.model, home);
  const serves = state.models ?? [];
  if (serves.includes(name)) return { ...flags, model: name };
  throw new UsageError(
    `The stack serves ${serves.join(', ')}, not ${flags.model}. Two commands change that; runs that are under way go on afterwards:\n  ratchet down\n  ratchet up --model ${flags.model}`,
  );
}

/** Empty where it does not answer: then the run's own first request says so. */
async function idsAt(address: string): Promise<string[]> {
  try {
    const response = await fetch(`${address}/v1/models`, { signal: AbortSignal.timeout(5000) });
    const body = (await response.json()) as { data: { id: string }[] };
    return body.data.map(({ id }) => id);
  } catch {
    return [];
  }
}
