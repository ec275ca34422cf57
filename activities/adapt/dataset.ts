import { digestOf } from '../../process/digest.ts';
import {
  addDataset,
  datasetMembers,
  earlierExamples,
  examplesByIds,
  findDataset,
  newExamples,
  type TrainingExample,
} from '../../db/queries/examples.ts';
import { addLeaks, calibrationProblems, heldOutProblems } from '../../db/queries/leaks.ts';
import { gateStops } from '../../db/queries/samples.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { chooseAlong } from '../../loop/replay.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import type { Task } from '../../tasks/task.ts';
import type { Extra } from '../../models/endpoint.ts';
import { taughtOf } from '../../tasks/thinking.ts';
import { iterationContext, templateKwargs, type Deps } from '../../engine/context.ts';
import { carryOutCorrections } from '../../engine/feedback.ts';
import { learnFromGiven } from '../../engine/stored-prompts.ts';
import { whatReviewersSay } from '../run/review.ts';

/** `nothing` says why there is no dataset; `leaked` counts the examples that were held-out problems. */
export type BuiltDataset = {
  datasetId?: number;
  examples: number;
  fresh: number;
  leaked?: number;
  nothing?: string;
};

type Taught = Pick<TrainingExample, 'request' | 'rationale'>;

/**
 * One example in OpenAI's chat form. What the model wrote stands there as it wrote it, thinking included, unless the task
 * strips that: the prompt as generation saw it and this text are, token for token, what is trained on. Worked examples in the
 * prompt are read and not learnt (`weight: 0`): nobody sampled or judged them.
 *
 * @param kwargs what generation gave the chat template beside the messages (`templateKwargs`)
 */
export function trainingLine(task: Task, { request, rationale }: Taught, kwargs?: Extra): string {
  const messages = [
    ...task.ask(request).map((one) => (one.role === 'assistant' ? { ...one, weight: 0 } : one)),
    { role: 'assistant', content: taughtOf(task, rationale) },
  ];
  return jsonLine(kwargs ? { messages, chat_template_kwargs: kwargs } : { messages });
}

/** OpenAI chat JSONL, one example a line, in the order given. */
export function toJsonl(task: Task, examples: Taught[], kwargs?: Extra): string {
  return examples
    .map((example) => trainingLine(task, example, kwargs))
    .join('\n')
    .concat('\n');
}

/** A stored dataset's text, the same bytes as when it was built. */
export async function datasetText(
  db: Deps['db'],
  task: Task,
  datasetId: number,
  kwargs?: Extra,
): Promise<string> {
  const order = await datasetMembers(db, datasetId);
  const byId = new Map((await examplesByIds(db, order)).map((example) => [example.id, example]));
  return toJsonl(
    task,
    order.map((id) => byId.get(id)!),
    kwargs,
  );
}

/**
 * Examples whose prompt, as it stands or as it was put to the model, is a held-out problem, exactly or nearly. Stored
 * as leaks. Collect has looked already; this is the last look before the weights, at examples of any age.
 */
async function leaksAmong(
  db: Deps['db'],
  { iterationId, runId, similarity }: { iterationId: number; runId: string; similarity: number },
  chosen: TrainingExample[],
): Promise<Set<number>> {
  const heldOut = [...(await heldOutProblems(db, runId)), ...(await calibrationProblems(db, runId))];
  const index = createLeakIndex(heldOut, similarity);
  const found = chosen.flatMap(({ id, key, prompt, request }) => {
    const leak = index.find({ key, text: prompt }) ?? index.find({ text: request });
    return leak ? [{ id, key, text: prompt, leak }] : [];
  });
  await addLeaks(
    db,
    found.map(({ id, key, text, leak: { kind, similarity: measured, heldOut } }, position) => ({
      iterationId,
      stage: 'train' as const,
      position,
      exampleId: id,
      key,
      text,
      benchmark: heldOut.benchmark,
      itemKey: heldOut.key,
      kind,
      similarity: measured,
    })),
  );
  return new Set(found.map(({ id }) => id));
}

/** Which gates let nothing pass, so that whoever reads it knows where to look. */
async function nothingPassed(db: Deps['db'], iterationId: number, reviewed: boolean): Promise<string> {
  const { samples, gates } = await gateStops(db, iterationId);
  const stops = gates.map(({ gate, failed, unscored }) => {
    const counts = [failed > 0 ? `fails ${failed}` : '', unscored > 0 ? `has no verdict on ${unscored}` : ''];
    return `${gate} ${counts.filter(Boolean).join(' and ')}`;
  });
  const why = stops.length > 0 ? ` (of ${samples} samples ${stops.join(', ')})` : '';
  const formless = gates.find(({ gate }) => gate === 'format');
  const advice =
    formless && 2 * formless.failed > samples
      ? '. Most samples hold no answer in the form that the task reads: worked examples (examples in the task) show it to the model'
      : '';
  return `no example passed the gates${reviewed ? ' and the reviewers' : ''}${why}, so nothing was trained${advice}`;
}

/**
 * Adapt, first part: chooses what the candidate is trained on. From `best`, the iteration's examples
 * and a replay of earlier ones; from `base`, all examples so far; never a revoked one. Without a new example there is no
 * dataset, since nothing could be learnt from it.
 *
 * Reads: examples, reviews, stored prompts, held-out problems. Writes: examples of worked answers, leaks, the dataset with its
 * members. Safe to repeat: an iteration has one dataset, and one that is there is answered.
 */
export async function buildDataset(
  { db }: Deps,
  { iterationId }: { iterationId: number },
): Promise<BuiltDataset> {
  const context = await iterationContext(db, iterationId);
  const { iteration, run, settings, task, stage } = context;
  await carryOutCorrections(db, context);
  if (!(await findDataset(db, iterationId))) await learnFromGiven(db, context);
  const reviewed = await whatReviewersSay(db, iterationId, run.id, settings.review);
  const fresh = await newExamples(db, iterationId, reviewed.out);
  const known = await findDataset(db, iterationId);
  if (known) return { datasetId: known.id, examples: known.examples, fresh: fresh.ids.length };
  if (reviewed.nothing) return { examples: 0, fresh: 0, nothing: reviewed.nothing };
  const teaches = settings.experiment === 'control' ? fresh.ids : fresh.learnt;
  // Trained anew on everything, the base can learn from earlier examples alone.
  const anew = settings.training.from === 'base' && run.settings.training.from !== 'base';
  if (teaches.length === 0 && !anew)
    return {
      examples: 0,
      fresh: 0,
      nothing: await nothingPassed(db, iterationId, reviewed.out.size > 0),
    };

  const { from, replay } = settings.training;
  const replayed = chooseAlong(
    await earlierExamples(db, run.id, iteration.index, reviewed.out),
    stage?.number,
    { replay: from === 'base' ? undefined : replay, rehearsal: settings.curriculum.rehearsal },
    `${run.id}/${iteration.plan.seed}/replay`,
  );
  const members = [
    ...fresh.ids.map((exampleId) => ({ exampleId, replayed: false })),
    ...replayed.map((exampleId) => ({ exampleId, replayed: true })),
  ];
  const byId = new Map(
    (
      await examplesByIds(
        db,
        members.map((m) => m.exampleId),
      )
    ).map((e) => [e.id, e]),
  );
  const leaked = await leaksAmong(db, { iterationId, runId: run.id, similarity: settings.leaks.similarity }, [
    ...byId.values(),
  ]);
  const clean = members.filter((member) => !leaked.has(member.exampleId));
  if (clean.length === 0 || (teaches.every((id) => leaked.has(id)) && !anew)) {
    const nothing = `${leaked.size} of ${members.length} examples are held-out problems and no other is new, so nothing was trained`;
    return { examples: 0, fresh: 0, leaked: leaked.size, nothing };
  }
  const chosen = clean.map((member) => byId.get(member.exampleId)!);
  const text = toJsonl(task, chosen, templateKwargs(settings, task));
  const dataset = await addDataset(
    db,
    { iterationId, digest: digestOf(text), examples: clean.length, bytes: Buffer.byteLength(text) },
    clean,
  );
  return {
    datasetId: dataset.id,
    examples: dataset.examples,
    fresh: fresh.ids.filter((id) => !leaked.has(id)).length,
    leaked: leaked.size,
  };
}
