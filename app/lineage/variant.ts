/** Which prompts are easier variants of others, and which variants were made of a prompt. */
import type { Db } from '../../db/connect.ts';
import { madeVariants, variantOrigins } from '../../db/queries/variants.ts';
import type { VariantOutcome } from '../../loop/words.ts';

/** What a prompt is an easier variant of. */
export type VariantOrigin = {
  /** The prompt without a trusted vote, by its id and text, and the iteration that had it and made the variant. */
  of: number;
  text: string;
  iteration: number;
  by: 'task' | 'model';
  /** Null where no model was asked. */
  model: string | null;
  /** Why it counts as easier. */
  reason: string;
};

/** A variant made of a prompt, whatever became of it. */
export type VariantMade = {
  number: number;
  by: 'task' | 'model';
  text: string;
  outcome: VariantOutcome;
  reason: string;
  /** The prompt that a later iteration drew it as. */
  drawn: number | null;
};

/** Of what these prompts are variants, by the id of the variant. */
export async function variantOriginsOf(
  db: Db,
  of: readonly { variantId: number | null }[],
): Promise<Map<number, VariantOrigin>> {
  const ids = [...new Set(of.flatMap(({ variantId }) => variantId ?? []))];
  return new Map(
    (await variantOrigins(db, ids)).map(({ variant, parent, iteration, model }) => [
      variant.id,
      { of: parent.id, text: parent.text, iteration, by: variant.by, model, reason: variant.reason },
    ]),
  );
}

export async function variantsMadeOf(db: Db, promptId: number): Promise<VariantMade[]> {
  return (await madeVariants(db, promptId)).map(({ variant, drawn }) => {
    const { number, by, text, outcome, reason } = variant;
    return { number, by, text, outcome, reason, drawn };
  });
}

/** `of prompt:12, iteration 1, by the model m: level 3 below 4` */
export const originText = ({ of, iteration, by, model, reason }: VariantOrigin): string =>
  `of prompt:${of}, iteration ${iteration}, by the ${by}${model === null ? '' : ` ${model}`}: ${reason}`;

export const madeText = ({ by, text, outcome, reason, drawn }: VariantMade): string =>
  `${text} (by the ${by}; ${outcome}: ${reason}${drawn === null ? '' : `; drawn as prompt:${drawn}`})`;
