import { setStageTotal } from '../db/iterations.ts';
import { acceptedKeys, addPrompts, countPrompts, usedKeys } from '../db/prompts.ts';
import { benchmarkKeys } from '../db/runs.ts';
import type { prompts, PromptPurpose } from '../db/schema.ts';
import type { Prompt } from '../tasks/task.ts';
import { iterationContext, seedOf, type Deps } from './context.ts';

export type Collected = { prompts: number; rehearsal: number };

export function createCollectActivities({ db }: Deps) {
  return {
    /**
     * Collect: draws the iteration's pool of unlabeled prompts and stores it in one transaction. Held-out
     * problems are never drawn, under any rewrite: their keys are excluded and checked again here. A source
     * without prompts left gives an empty pool, which `decide` names as the reason.
     */
    async collect({ iterationId }: { iterationId: number }): Promise<Collected> {
      const known = await countPrompts(db, iterationId);
      if (known.learn + known.rehearse > 0) return { prompts: known.learn, rehearsal: known.rehearse };

      const { iteration, run, settings, task } = await iterationContext(db, iterationId);
      const heldOut = await benchmarkKeys(db, run.id);
      const { unused } = settings.pool;
      const learnt = unused ? await usedKeys(db, run.task, iterationId) : await acceptedKeys(db, run.id);
      const drawn = new Set<string>();
      const rows: (typeof prompts.$inferInsert)[] = [];

      async function take(source: AsyncIterable<Prompt>, purpose: PromptPurpose, count: number) {
        let taken = 0;
        if (count === 0) return 0;
        for await (const prompt of source) {
          if (heldOut.has(prompt.key))
            throw new Error(`Leak: the prompt "${prompt.text}" is a benchmark item (${prompt.key}).`);
          if (drawn.has(prompt.key)) continue;
          drawn.add(prompt.key);
          const { key, text, level } = prompt;
          rows.push({ iterationId, position: rows.length, purpose, key, text, level });
          taken += 1;
          if (taken === count) break;
        }
        return taken;
      }

      // Runs of one schedule share a seed. Each needs an order of its own, or it would have to pass by all
      // that the earlier ones drew before it came to a new problem.
      const seed = seedOf(iteration.plan.seed, 'prompts', ...(unused ? [run.id] : []));
      const learn = await take(
        task.prompts({
          seed,
          count: settings.pool.prompts,
          levels: iteration.plan.levels,
          exclude: (key) => heldOut.has(key) || learnt.has(key),
        }),
        'learn',
        settings.pool.prompts,
      );
      // Rehearsal serves what is learnt beside it. Only the control arm trains on it alone.
      const rehearses = task.rehearsal && (learn > 0 || settings.experiment === 'control');
      const rehearsal = rehearses
        ? await take(
            task.rehearsal!({
              seed: seedOf(iteration.plan.seed, 'rehearsal'),
              count: settings.pool.rehearsal,
              exclude: (key) => heldOut.has(key) || drawn.has(key),
            }),
            'rehearse',
            settings.pool.rehearsal,
          )
        : 0;
      await addPrompts(db, rows);
      await setStageTotal(db, iterationId, 'collect', rows.length);
      return { prompts: learn, rehearsal };
    },
  };
}

export type CollectActivities = ReturnType<typeof createCollectActivities>;
