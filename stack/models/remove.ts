/** Removing a model from the data folder. */
import { existsSync } from 'node:fs';
import { UsageError } from '../../process/errors.ts';
import { isAlive } from '../../process/process-info.ts';
import { readState } from '../state.ts';
import { builtin, deleteModel, modelFolder, readModels, workFolder } from './store.ts';
import { removeTree } from '../processes.ts';

/** The names of the models that the stack of this data folder serves now, or is starting with. */
export function servedNow(home: string): string[] {
  const state = readState(home);
  return state && isAlive(state.supervisor) ? (state.models ?? []) : [];
}

/** @throws UsageError when there is none of that name, or the stack serves it */
export function removeModel(home: string, name: string): void {
  if (name === builtin.name) throw new UsageError(`${name} is the built-in model: it can't be removed.`);
  const plainName = /^[a-z0-9][a-z0-9._-]*$/.test(name);
  const half = plainName && existsSync(workFolder(home, name));
  if (!plainName || (!existsSync(modelFolder(home, name)) && !half)) {
    const there = readModels(home).map((model) => model.name);
    throw new UsageError(
      `There is no model "${name}" here${there.length > 0 ? `; there are ${there.join(', ')}` : ''}. See: ratchet model list`,
    );
  }
  if (servedNow(home).includes(name))
    throw new UsageError(
      `The stack serves ${name} now. Stop it with: ratchet down, then: ratchet model remove ${name}`,
    );
  deleteModel(home, name);
  removeTree(workFolder(home, name));
}
