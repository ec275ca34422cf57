/**
 * Verification in the sandbox: what is sent there for a sample, and what is made of its end. The sandbox's workers know no database,
 * so texts go to them by way of a workflow, in pages that are small enough for its history.
 */
import { createHash } from 'node:crypto';
import { plantedSamples } from '../db/queries/probes.ts';
import type { Db } from '../db/connect.ts';
import { votedPrompts, type Span } from '../db/queries/prompts.ts';
import type { CheckJob } from '../loop/check-job.ts';
import type { SandboxedCheck } from '../sandbox/job.ts';
import { visibleOf } from '../tasks/thinking-text.ts';
import type { IterationContext } from './context.ts';
import { gatesOf, givesAnswer } from './judged.ts';
import { samplesByPrompt } from './pool.ts';
import { isWellFormed } from './sampling.ts';
import { storedVerifications, unverified, verifiable, type Verifiable } from './verify.ts';

/** Samples of a page and its characters: well below the two megabytes that Temporal takes in one piece. */
const JOBS = 24;
const CHARACTERS = 400_000;

/** Does the task verify in the sandbox, and does anybody want to know? */
export const checksInSandbox = (context: IterationContext): boolean =>
  context.task.sandboxed !== undefined && gatesOf(context).policy.verification !== 'off';

/**
 * The next samples of some voted prompts that the sandbox has to look at; equal work is looked at once, and what is planted comes with
 * the first of them. Empty: all are done.
 */
export async function pendingChecks(
  db: Db,
  context: IterationContext,
  { first, count }: Span,
): Promise<CheckJob[]> {
  const { iteration, task } = context;
  const { settings } = gatesOf(context);
  const voted = await votedPrompts(db, iteration.id, { first, count });
  const drawn = await samplesByPrompt(
    db,
    voted.map(({ prompt }) => prompt),
  );
  const planted = first === 0 ? await plantedSamples(db, iteration.id) : [];
  const candidates: Verifiable[] = [
    ...planted.map(({ sample, prompt }) => ({ sample, prompt, agrees: sample.answer !== null })),
    ...voted.flatMap(({ prompt, vote }) =>
      (drawn.get(prompt.id) ?? []).map((sample) => {
        return { sample, prompt, agrees: givesAnswer(context, sample, vote.answer) };
      }),
    ),
  ].filter(({ sample }) => isWellFormed(sample));
  const wanted = verifiable(task, settings, candidates);
  const todo = unverified(wanted, await storedVerifications(db, wanted));
  return page(todo);
}

function jobOf({ sample, prompt }: Verifiable): CheckJob {
  const input = JSON.stringify({
    prompt: { key: prompt.key, text: prompt.text, level: prompt.level ?? undefined },
    request: sample.request,
    rationale: visibleOf(sample.rationale),
    answer: sample.answer,
  });
  const digest = createHash('sha256').update(input).digest('hex');
  return { sampleIds: [sample.id], digest, input };
}

function page(todo: readonly Verifiable[]): CheckJob[] {
  const byDigest = new Map<string, CheckJob>();
  let characters = 0;
  for (const one of todo) {
    const job = jobOf(one);
    const same = byDigest.get(job.digest);
    if (same) {
      same.sampleIds.push(...job.sampleIds);
      continue;
    }
    characters += job.input.length;
    if (byDigest.size === JOBS || (byDigest.size > 0 && characters > CHARACTERS)) break;
    byDigest.set(job.digest, job);
  }
  return [...byDigest.values()];
}

/** What the sandbox needs to know of the task. */
export function checkOf({ task }: IterationContext): SandboxedCheck {
  if (!task.sandboxed) throw new Error(`the task ${task.name} has no check for the sandbox`);
  return task.sandboxed;
}
