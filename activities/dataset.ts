import { createHash } from 'node:crypto';
import {
  addDataset,
  datasetMembers,
  earlierExampleIds,
  examplesByIds,
  findDataset,
  newExamples,
  type TrainingExample,
} from '../db/examples.ts';
import { benchmarkKeys } from '../db/runs.ts';
import { chooseReplay } from '../loop/replay.ts';
import type { Task } from '../tasks/task.ts';
import { iterationContext, type Deps } from './context.ts';
import { whatReviewersSay } from './review.ts';

/** `nothing` says why there is no dataset. */
export type BuiltDataset = { datasetId?: number; examples: number; fresh: number; nothing?: string };

/** OpenAI chat JSONL, one example a line, in the order given. */
export function toJsonl(task: Task, examples: TrainingExample[]): string {
  return examples
    .map(({ request, rationale }) =>
      JSON.stringify({ messages: [...task.ask(request), { role: 'assistant', content: rationale }] }),
    )
    .join('\n')
    .concat('\n');
}

export const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex');

/** A stored dataset's text, the same bytes as when it was built. */
export async function datasetText(db: Deps['db'], task: Task, datasetId: number): Promise<string> {
  const order = await datasetMembers(db, datasetId);
  const byId = new Map((await examplesByIds(db, order)).map((example) => [example.id, example]));
  return toJsonl(
    task,
    order.map((id) => byId.get(id)!),
  );
}

export function createDatasetActivities({ db }: Deps) {
  return {
    /**
     * Adapt, first part: chooses what the candidate is trained on. From `best`, the iteration's examples
     * and a replay of earlier ones; from `base`, all examples so far. Without a new example there is no
     * dataset, since nothing could be learnt from it.
     */
    async buildDataset({ iterationId }: { iterationId: number }): Promise<BuiltDataset> {
      const { iteration, run, settings, task } = await iterationContext(db, iterationId);
      const reviewed = await whatReviewersSay(db, iterationId, run.id, settings.review);
      const fresh = await newExamples(db, iterationId, reviewed.out);
      const known = await findDataset(db, iterationId);
      if (known) return { datasetId: known.id, examples: known.examples, fresh: fresh.ids.length };
      if (reviewed.nothing) return { examples: 0, fresh: 0, nothing: reviewed.nothing };
      const teaches = settings.experiment === 'control' ? fresh.ids.length : fresh.learnt;
      // Trained anew on everything, the base can learn from earlier examples alone.
      const anew = settings.training.from === 'base' && run.settings.training.from !== 'base';
      if (teaches === 0 && !anew)
        return {
          examples: 0,
          fresh: 0,
          nothing: `no example passed the gates${reviewed.out.size > 0 ? ' and the reviewers' : ''}, so nothing was trained`,
        };

      const earlier = await earlierExampleIds(db, run.id, iteration.index, reviewed.out);
      const replayed =
        settings.training.from === 'base'
          ? earlier
          : chooseReplay(earlier, settings.training.replay, `${run.id}/${iteration.plan.seed}/replay`);
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
      const chosen = members.map((member) => byId.get(member.exampleId)!);
      const heldOut = await benchmarkKeys(db, run.id);
      const leaked = chosen.find((example) => heldOut.has(example.key));
      if (leaked)
        throw new Error(
          `Leak: example ${leaked.id} is a benchmark item (${leaked.key}); nothing was trained.`,
        );
      const text = toJsonl(task, chosen);
      const dataset = await addDataset(
        db,
        { iterationId, digest: digestOf(text), examples: members.length, bytes: Buffer.byteLength(text) },
        members,
      );
      return { datasetId: dataset.id, examples: dataset.examples, fresh: fresh.ids.length };
    },
  };
}

export type DatasetActivities = ReturnType<typeof createDatasetActivities>;
