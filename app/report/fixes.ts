/** What a run of a task whose answers change code has mended, with the proof, and what became of all other answers. */
import { acceptedFixes, verificationsFound } from '../../db/queries/sandbox.ts';
import type { Db } from '../../db/connect.ts';
import { readRun, taskOf } from '../../engine/context.ts';
import { findingOf, OUTCOMES } from '../../tasks/code/findings.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';

type Fix = {
  bug: string;
  example: number;
  sample: number;
  /** What the sandbox said. */
  proof: string;
  diff: string;
  /** The bug was put there to practise on. */
  planted: boolean;
};

export type FixOutcome = { outcome: string; samples: number; share: number };

export type FixReport = { fixes: Fix[]; outcomes: FixOutcome[] };

/** Null for a task that changes no code, and before anything was looked at. */
export async function fixReport(db: Db, runId: string): Promise<FixReport | null> {
  // A task that can't be read any more must not hide the rest of the report.
  const run = await readRun(db, runId).catch(() => undefined);
  const task = run && taskOf(run);
  if (!task?.patch) return null;
  const found = await verificationsFound(db, runId);
  const all = found.reduce((sum, { samples }) => sum + samples, 0);
  if (all === 0) return null;
  const outcomes = new Map<string, number>();
  for (const one of found) {
    const outcome = OUTCOMES[findingOf(one)];
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + one.samples);
  }
  const fixes = (await acceptedFixes(db, runId)).flatMap(
    ({ key, prompt, sampleId, exampleId, rationale, reason }) => {
      const patch = task.patch!({ key, text: prompt }, visibleOf(rationale));
      return patch ? [{ bug: key, example: exampleId, sample: sampleId, proof: reason, ...patch }] : [];
    },
  );
  return {
    // What is really broken comes first.
    fixes: fixes.toSorted((a, b) => Number(a.planted) - Number(b.planted)),
    outcomes: [...outcomes]
      .map(([outcome, samples]) => ({ outcome, samples, share: samples / all }))
      .toSorted((a, b) => b.samples - a.samples),
  };
}

export function fixSentence({ fixes }: FixReport): string {
  const real = fixes.filter(({ planted }) => !planted).length;
  const practised = fixes.length - real;
  return (
    `Mended: ${real} reported bug${real === 1 ? '' : 's'} of the repositories as they are, and ${practised} that ` +
    `${practised === 1 ? 'was' : 'were'} put there to practise on.` +
    (real > 0 ? ' ratchet export --format patches writes them for git apply.' : '')
  );
}
