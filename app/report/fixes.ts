/** What a run of a task whose answers change code has mended, with the proof, and what became of all other answers. */
import { acceptedFixes, someRejectedAnswers, verificationsFound } from '../../db/queries/sandbox.ts';
import type { Db } from '../../db/connect.ts';
import { readRun, taskOf } from '../../engine/context.ts';
import { findingOf, OUTCOMES } from '../../tasks/code/findings.ts';
import type { Task } from '../../tasks/task.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';

type Fix = {
  bug: string;
  /** What was reported. */
  about: string;
  example: number;
  sample: number;
  /** What the sandbox said. */
  proof: string;
  diff: string;
  /** The bug was put there to practise on. */
  planted: boolean;
};

type RejectedFix = {
  outcome: string;
  bug: string;
  sample: number;
  reason: string;
  /** Null where no change could be read out of the answer, or none that may be made. */
  diff: string | null;
  answer: string;
};

export type FixOutcome = { outcome: string; samples: number; share: number };

/** `rejected`: a few of each outcome, in the order of the outcomes. */
export type FixReport = { fixes: Fix[]; outcomes: FixOutcome[]; rejected: RejectedFix[] };

/** Rejected answers that are shown of an outcome, and of how many they are chosen. */
const OF_EACH = 2;
const MOST_REJECTED = 200;

/** Null for a task that changes no code, and before anything was looked at. */
export async function fixReport(db: Db, runId: string): Promise<FixReport | null> {
  // A task that can't be read any more must not hide the rest of the report.
  const run = await readRun(db, runId).catch(() => undefined);
  const task = run && taskOf(run);
  if (!task?.patch) return null;
  const found = await verificationsFound(db, runId);
  const all = found.reduce((sum, { samples }) => sum + samples, 0);
  if (all === 0) return null;
  const counts = new Map<string, number>();
  for (const one of found) {
    const outcome = OUTCOMES[findingOf(one)];
    counts.set(outcome, (counts.get(outcome) ?? 0) + one.samples);
  }
  const outcomes = [...counts]
    .map(([outcome, samples]) => ({ outcome, samples, share: samples / all }))
    .toSorted((a, b) => b.samples - a.samples);
  const fixes = (await acceptedFixes(db, runId)).flatMap(
    ({ key, prompt, sampleId, exampleId, rationale, reason }) => {
      const patch = task.patch!({ key, text: prompt }, visibleOf(rationale));
      return patch ? [{ bug: key, example: exampleId, sample: sampleId, proof: reason, ...patch }] : [];
    },
  );
  return {
    // What is really broken comes first.
    fixes: fixes.toSorted((a, b) => Number(a.planted) - Number(b.planted)),
    outcomes,
    rejected: await rejectedFixes(db, runId, task, outcomes),
  };
}

async function rejectedFixes(
  db: Db,
  runId: string,
  task: Task,
  outcomes: readonly FixOutcome[],
): Promise<RejectedFix[]> {
  const some = await someRejectedAnswers(db, runId, OF_EACH, MOST_REJECTED);
  const byOutcome = Map.groupBy(some, (one) => OUTCOMES[findingOf(one)]);
  return outcomes.flatMap(({ outcome }) =>
    (byOutcome.get(outcome) ?? []).slice(0, OF_EACH).map(({ key, sampleId, reason, rationale }) => {
      const answer = visibleOf(rationale);
      const diff = task.patch!({ key, text: '' }, answer)?.diff ?? null;
      return { outcome, bug: key, sample: sampleId, reason, diff, answer };
    }),
  );
}

export function fixSentence({ fixes }: Pick<FixReport, 'fixes'>): string {
  const real = fixes.filter(({ planted }) => !planted).length;
  const practised = fixes.length - real;
  return (
    `Mended: ${real} reported bug${real === 1 ? '' : 's'} of the repositories as they are, and ${practised} that ` +
    `${practised === 1 ? 'was' : 'were'} put there to practise on.` +
    (real > 0 ? ' ratchet export --format patches writes them for git apply.' : '')
  );
}
