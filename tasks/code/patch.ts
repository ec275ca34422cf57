/** What a fix changes, as a unified diff. */
import { createTwoFilesPatch } from 'diff';
import type { Bug } from './bugs.ts';
import { proposalOf } from './job.ts';

/** @returns a patch that `git apply` takes, or undefined where there is no fix that could be run */
export function patchOf(bug: Bug, rationale: string): string | undefined {
  const proposal = proposalOf(bug, rationale);
  if ('refused' in proposal) return undefined;
  return createTwoFilesPatch(`a/${bug.path}`, `b/${bug.path}`, bug.file, proposal.file).replace(/^=+\n/, '');
}
