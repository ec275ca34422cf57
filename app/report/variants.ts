/** The easier variants of a run (LADDER), iteration by iteration: what they were made of, what became of them, and what was learnt of them. */
import type { Db } from '../../db/connect.ts';
import { variantCounts, variantsDrawn } from '../../db/queries/variants.ts';
import { VARIANT_OUTCOMES, type VariantOutcome } from '../../loop/words.ts';

type Dropped = Record<Exclude<VariantOutcome, 'usable'>, number>;

export type VariantRow = {
  iteration: number;
  /** Prompts without a trusted vote of which the iteration made variants. */
  parents: number;
  /** Variants that were asked for; of these those that a model was asked for, and those that can be used. */
  made: number;
  byModel: number;
  usable: number;
  /** Why others can't be. */
  dropped: Dropped;
  /** Variants of earlier iterations in this one's pool, and those among them that something was accepted of. */
  drawn: number;
  accepted: number;
};

export type VariantReport = { iterations: VariantRow[]; total: Omit<VariantRow, 'iteration'> };

const DROPPED = VARIANT_OUTCOMES.filter((outcome) => outcome !== 'usable');

/** Null for a run without variants. */
export async function variantReport(db: Db, runId: string): Promise<VariantReport | null> {
  const made = await variantCounts(db, runId);
  if (made.length === 0) return null;
  const drawn = await variantsDrawn(db, runId);
  const count = (own: typeof made, pools: typeof drawn): Omit<VariantRow, 'iteration'> => {
    const of = (outcome: VariantOutcome) => own.filter((one) => one.outcome === outcome).length;
    return {
      parents: new Set(own.map(({ promptId }) => promptId)).size,
      made: own.length,
      byModel: own.filter(({ by }) => by === 'model').length,
      usable: of('usable'),
      dropped: Object.fromEntries(DROPPED.map((outcome) => [outcome, of(outcome)])) as Dropped,
      drawn: pools.reduce((sum, one) => sum + one.drawn, 0),
      accepted: pools.reduce((sum, one) => sum + one.accepted, 0),
    };
  };
  const indices = [...new Set([...made, ...drawn].map(({ iteration }) => iteration))].toSorted(
    (a, b) => a - b,
  );
  return {
    iterations: indices.map((iteration) => {
      const here = (one: { iteration: number }) => one.iteration === iteration;
      return { iteration, ...count(made.filter(here), drawn.filter(here)) };
    }),
    total: count(made, drawn),
  };
}

/** What came of them, in a sentence. */
export function variantSentence({ total }: VariantReport): string {
  const { parents, made, usable, drawn, accepted } = total;
  return (
    `Of ${made} easier variants of ${parents} prompts without a trusted vote ${usable} could be used. Later pools drew ${drawn} of them, ` +
    `and of ${accepted} something was accepted.`
  );
}
