/**
 * Brings in what tasks of the kind `support` are made of: the search index and the tagger that finds names. Most processes have no such
 * task and need neither.
 */
import type { Task } from '../task.ts';
import type { SupportSpec } from './resolve.ts';

let loaded: typeof import('./index.ts') | undefined;

export async function prepareSupport(): Promise<typeof import('./index.ts')> {
  loaded ??= await import('./index.ts');
  return loaded;
}

/** @throws Error where `prepareSupport` has not been called */
export function supportTaskOf(spec: SupportSpec): Task {
  if (!loaded) throw new Error(`The task ${spec.task.name} has not been prepared.`);
  return loaded.supportTask(spec);
}
