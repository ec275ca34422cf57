// A stack that runs already: what is asked for must be what it is.
import { servedName } from './models/source.ts';
import { configurable } from './first-state.ts';
import type { Stack } from './stack.ts';
import { partTitles, readState, type PartName, type StackState } from './state.ts';

type Wanted = { parts: PartName[]; env: NodeJS.ProcessEnv; models?: string[] };

/** @throws Error when a part is missing, or it was started with something else */
export function attach(home: string, { parts, env, models }: Wanted): Stack {
  const state = readState(home);
  if (!state) throw new Error('The stack stopped while it was being looked at. Run the command again.');
  const missing = parts.filter((name) => !state.parts[name]);
  if (missing.length > 0) {
    throw new Error(
      `A stack runs (process ${state.supervisor.pid}), but without ${missing.map((name) => partTitles[name]).join(', ')}. Stop it with: ratchet down, then run this again.`,
    );
  }
  const other = configurable.filter((name) => env[name] && env[name] !== state.env[name]);
  if (other.length > 0) {
    throw new Error(
      `A stack runs (process ${state.supervisor.pid}) with another ${other.join(' and ')} than the environment has now. Stop it with: ratchet down, then run this again, or unset ${other.join(' and ')}.`,
    );
  }
  refuseOtherModels(state, models);
  return {
    home,
    env: state.env,
    state,
    owned: false,
    stop: async () => undefined,
    failed: new Promise(() => undefined),
  };
}

/** @throws Error when the stack that runs does not serve these models, or another one as its default */
function refuseOtherModels(state: StackState, models: string[] | undefined): void {
  if (!models) return;
  const asked = models.map((name) => servedName(name, state.home));
  const serves = state.models ?? [];
  if (asked[0] === serves[0] && asked.every((name) => serves.includes(name))) return;
  throw new Error(
    `A stack runs (process ${state.supervisor.pid}) and serves ${serves.join(', ') || 'no models of its own'}. Stop it with: ratchet down, then: ratchet up --model ${models.join(',')}  Runs that are under way go on after that.`,
  );
}
