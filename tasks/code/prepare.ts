/**
 * Brings in what tasks of the kind `code-repair` are made of: the grammars of languages and the bugs of a run. Most processes have none
 * and need neither.
 */
import type { Task } from '../task.ts';
import { prepareBugs } from './bugs.ts';
import type { CodeSpec } from './resolve.ts';

let program: typeof import('./index.ts') | undefined;

/** @returns and throws as `prepareBugs` */
export async function prepareCode(file: string, digest?: string): Promise<string> {
  program ??= await import('./index.ts');
  return prepareBugs(file, digest);
}

/** @throws Error where `prepareCode` has not been called */
export function codeTaskOf(spec: CodeSpec): Task {
  if (!program) throw new Error(`The task ${spec.task.name} has not been prepared.`);
  return program.codeTask(spec);
}
