/** How variants are stored: checked against all that no variant may be, whoever made them. */
import { fixedPrompts } from '../../db/queries/drift.ts';
import { calibrationProblems, heldOutProblems } from '../../db/queries/leaks.ts';
import type { Db } from '../../db/connect.ts';
import type { Tx } from '../../db/queries/calls.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import { addVariants, keysInRun, waitForVariants, type NewVariant } from '../../db/queries/variants.ts';
import { storableText } from '../../db/storable.ts';
import { createLeakIndex, type LeakIndex } from '../../loop/leaks.ts';
import type { IterationContext } from '../context.ts';
import { checkVariant, readVariant, type Checked, type Given } from './check.ts';

/** What no variant may be: all that a run measures on, and what its model is shown with the answer. */
async function heldOutOf(db: Db, { run, settings, task }: IterationContext): Promise<LeakIndex> {
  const shown = (task.examples ?? []).map(({ prompt }) => {
    const read = task.readPrompt(prompt);
    return {
      key: typeof read === 'string' ? prompt : read.key,
      text: prompt,
      benchmark: 'the worked examples',
    };
  });
  const fixed = (await fixedPrompts(db, run.id)).map(({ key, text }) => {
    return { key, text, benchmark: 'the fixed sample' };
  });
  return createLeakIndex(
    [...shown, ...fixed, ...(await calibrationProblems(db, run.id)), ...(await heldOutProblems(db, run.id))],
    settings.leaks.similarity,
  );
}

/** What was given for a prompt, as many as were asked for. */
export type GivenFor = {
  parent: StoredPrompt;
  by: NewVariant['by'];
  given: readonly Given[];
  callId?: number;
};

/** Stores what was given, checked against all that the run has by now. */
export type StoreGiven = (tx: Tx, all: readonly GivenFor[]) => Promise<void>;

export async function storing(db: Db, context: IterationContext): Promise<StoreGiven> {
  const { run, iteration, settings, task } = context;
  const heldOut = await heldOutOf(db, context);
  const { similarity } = settings.leaks;
  return async (tx, all) => {
    await waitForVariants(tx, iteration.id);
    const read = all.flatMap(({ parent, by, given, callId }) =>
      given.map((one, number) => {
        const own = { ...one, text: storableText(one.text).trim() };
        return { parent, number, by, callId, reading: readVariant(task, own) };
      }),
    );
    const keys = read.flatMap(({ reading }) => ('prompt' in reading ? [reading.prompt.key] : []));
    const taken = await keysInRun(tx, run.id, [...new Set(keys)]);
    const rows = read.map(({ parent, reading, ...row }): NewVariant => {
      const checked: Checked =
        'prompt' in reading
          ? checkVariant(parent, reading.prompt, { heldOut, taken, similarity })
          : reading.unfit;
      if (checked.outcome === 'usable') taken.add(checked.key!);
      return { iterationId: iteration.id, promptId: parent.id, ...row, ...checked };
    });
    await addVariants(tx, rows);
  };
}

const NOT_GIVEN: Given = {
  text: '',
  dropped: { outcome: 'missing', reason: 'it was asked for and not given' },
};

/** So many of what was given, and in the place of those that are missing that they are. */
export const wholeOf = (given: readonly Given[], wanted: number): Given[] =>
  Array.from({ length: wanted }, (_, i) => given[i] ?? NOT_GIVEN);
