/** What becomes of corrections from production: reviewed examples of a run, or problems that later runs are held to. */
import type { Db } from '../db/connect.ts';
import { carriedOut, correctedPrompts, correctionsFor, type Feedback } from '../db/queries/gateway.ts';
import { samplesOf, type Sample } from '../db/queries/prompts.ts';
import { addDecided } from '../db/queries/review-decisions.ts';
import { reviewedSamples } from '../db/queries/review-outcomes.ts';
import type { NewBenchmarkItem } from '../db/queries/runs.ts';
import type { Task } from '../tasks/task.ts';
import { findCorrection } from './corrections.ts';
import { formAnswered, formsFor, plainForm, type IterationContext } from './context.ts';

/** The benchmark of regression items: a guard, so that no candidate that breaks one of them is promoted. */
export const REGRESSIONS = 'feedback-regressions';

/**
 * Held-out problems that people made of wrong answers, the newest answer of each problem. One that a benchmark of the task
 * holds already is measured there.
 */
export async function regressionItems(
  db: Db,
  task: Task,
  heldOut: readonly { key: string }[],
): Promise<NewBenchmarkItem[]> {
  const taken = new Set(heldOut.map((item) => item.key));
  const items = new Map<string, Omit<NewBenchmarkItem, 'position'>>();
  for (const { feedback, text } of await correctionsFor(db, task.name, 'regression')) {
    const prompt = task.readPrompt(text);
    if (typeof prompt === 'string' || taken.has(prompt.key)) continue;
    // As the task puts it to the model, like its own held-out problems.
    const asked = plainForm(prompt, formsFor(task, prompt, 0))?.text ?? prompt.text;
    items.set(prompt.key, {
      benchmark: REGRESSIONS,
      role: 'guard',
      key: prompt.key,
      text: asked,
      answer: feedback.answer!,
      feedbackId: feedback.id,
    });
  }
  return [...items.values()].map((item, position) => ({ ...item, position }));
}

/**
 * The sample on which a correction is recorded: for a rationale one that was asked what it answers; otherwise a wrong one
 * if there is one, else a right one, best of all one that the gates have not made an example of yet.
 */
function sampleFor(
  task: Task,
  free: Sample[],
  examples: ReadonlySet<number>,
  { answer, rationale }: Feedback,
  asked: string | undefined,
): Sample | undefined {
  if (rationale !== null) return free.find((sample) => sample.request === asked);
  const right = (sample: Sample) => sample.answer !== null && task.sameAnswer(sample.answer, answer!);
  const sound = free.filter((sample) => sample.formatOk && sample.coherenceOk);
  return (
    free.find((sample) => !right(sample)) ?? sound.find((sample) => !examples.has(sample.id)) ?? sound[0]
  );
}

/**
 * Records the corrections of an iteration's prompts as decisions of their reviewers. From there on they are like any
 * correction: an example marked `human`, and nothing that a vote made of the problem with another answer.
 */
export async function carryOutCorrections(db: Db, context: IterationContext): Promise<void> {
  const { iteration, run, task, settings } = context;
  if (!settings.pool.corrections || settings.experiment !== 'none') return;
  const prompts = await correctedPrompts(db, iteration.id);
  if (prompts.length === 0) return;
  const done = await carriedOut(db, run.id);
  const open = (await correctionsFor(db, task.name, 'example')).filter(
    ({ feedback }) => !done.has(feedback.id),
  );
  for (const prompt of prompts) {
    const samples = await samplesOf(db, [prompt.id]);
    const decided = await reviewedSamples(
      db,
      samples.map((sample) => sample.id),
    );
    const read = { ...prompt, level: prompt.level ?? undefined };
    for (const { feedback, text } of open) {
      const own = task.readPrompt(text);
      if (typeof own === 'string' || own.key !== prompt.key || decided.feedback.has(feedback.id)) continue;
      const sample = sampleFor(
        task,
        samples.filter(({ id }) => !decided.samples.has(id)),
        decided.examples,
        feedback,
        feedback.rationale === null ? undefined : formAnswered(task, read, feedback.rationale)?.text,
      );
      // Refused by the endpoint, or not asked in the form that the rationale answers: the next iteration asks again.
      if (!sample) continue;
      decided.samples.add(sample.id);
      const rationale = feedback.rationale ?? undefined;
      const agrees = sample.answer !== null && task.sameAnswer(sample.answer, feedback.answer!);
      const accepted = agrees && rationale === undefined;
      const { answer } = await findCorrection(db, context, sample, feedback.answer!, rationale);
      await addDecided(db, {
        runId: run.id,
        iterationId: iteration.id,
        sampleId: sample.id,
        reason: 'feedback',
        audit: false,
        decision: accepted ? 'accept' : 'correct',
        correctedAnswer: accepted ? null : answer,
        correctedRationale: accepted ? null : feedback.rationale,
        note: feedback.note,
        reviewer: feedback.by,
        feedbackId: feedback.id,
      });
    }
  }
}
