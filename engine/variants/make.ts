/**
 * Easier variants of what an iteration could not settle (LADDER, Simonds and Yoshiyama 2025, arXiv 2503.00735): by the task where it can
 * say what is easier, else by the model that generates. Every one that was asked for is a row, with what became of it, and is not asked for again.
 */
import type { Db } from '../../db/connect.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import { unsettledPrompts, variantsOf } from '../../db/queries/variants.ts';
import type { ImproveSettings } from '../../loop/input.ts';
import { shuffled } from '../../tasks/random.ts';
import { judgesBehaviour, type Task } from '../../tasks/task.ts';
import { seedOf, type IterationContext } from '../context.ts';
import { askForEasier } from './ask.ts';
import { storing, wholeOf, type GivenFor } from './store.ts';

/** Are easier variants made and drawn in this run? A contrast arm shows what the loop does by itself. */
export const makesVariants = ({ strategy, experiment }: ImproveSettings): boolean =>
  strategy.variants.mode === 'on' && experiment === 'none';

/** What is wrong with making variants of a task's prompts as the settings want it. */
export function variantProblems({ settings, task }: { settings: ImproveSettings; task: Task }): string[] {
  if (settings.strategy.variants.mode === 'off') return [];
  const of = `strategy.variants.mode: is on, but `;
  return [
    ...(settings.iterations === 1
      ? [`${of}iterations is 1, and variants are drawn by later iterations of the same run`]
      : []),
    ...(task.easier
      ? []
      : judgesBehaviour(task)
        ? [`${of}the answers of the task ${task.name} are programs, of which a model writes no easier ones`]
        : task.debates === 'alone'
          ? [`${of}the model of the task ${task.name} can't be asked for problems: give it easier in code`]
          : []),
  ];
}

/** The prompts of an iteration that variants are made of: the hardest first, the same ones whenever it is asked. */
async function parentsOf(db: Db, { iteration, settings }: IterationContext): Promise<StoredPrompt[]> {
  const unsettled = await unsettledPrompts(db, iteration.id);
  return shuffled(unsettled, `${iteration.plan.seed}/variants`, ({ key }) => key)
    .toSorted((a, b) => (b.level ?? -Infinity) - (a.level ?? -Infinity) || 0)
    .slice(0, settings.strategy.variants.prompts);
}

export type Made = { variants: number; usable: number };

/** Makes the variants of a page of prompts. @returns how many there are of them, and how many can be used */
export async function makeVariants(
  db: Db,
  context: IterationContext,
  page: { first: number; count: number },
): Promise<Made> {
  const { iteration, settings, task } = context;
  const { each } = settings.strategy.variants;
  const parents = (await parentsOf(db, context)).slice(page.first, page.first + page.count);
  const ids = parents.map(({ id }) => id);
  const before = new Set((await variantsOf(db, ids)).map(({ promptId }) => promptId));
  const open = parents.filter(({ id }) => !before.has(id));
  if (open.length > 0) {
    const store = await storing(db, context);
    if (task.easier) {
      const easier = open.map((parent): GivenFor => {
        const prompt = { ...parent, level: parent.level ?? undefined };
        const given = task.easier!(prompt, seedOf(iteration.plan.seed, 'variants', parent.key));
        return { parent, by: 'task', given: wholeOf(given, each) };
      });
      await db.transaction((tx) => store(tx, easier));
    } else await askForEasier(db, context, open, { first: page.first, each, store });
  }
  const all = await variantsOf(db, ids);
  return { variants: all.length, usable: all.filter(({ outcome }) => outcome === 'usable').length };
}
