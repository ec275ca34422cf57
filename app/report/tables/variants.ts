/** Easier variants, by iteration. */
import { VARIANT_OUTCOMES } from '../../../loop/words.ts';
import type { VariantReport, VariantRow } from '../variants.ts';
import { numbers, type Table } from './table.ts';

export const variantTable = ({ iterations, total }: VariantReport): Table<VariantRow> => {
  // Most reasons never occur: what has none takes no column.
  const dropped = VARIANT_OUTCOMES.filter((one) => one !== 'usable').filter((one) => total.dropped[one] > 0);
  return {
    title: 'Easier variants',
    rows: iterations,
    columns: numbers<VariantRow>({
      iteration: (one) => one.iteration,
      prompts: (one) => one.parents,
      variants: (one) => one.made,
      usable: (one) => one.usable,
      ...Object.fromEntries(
        dropped.map((outcome) => [
          outcome.replace('-', ' '),
          (one: VariantRow) => (one.made === 0 ? null : one.dropped[outcome]),
        ]),
      ),
      drawn: (one) => one.drawn,
      accepted: (one) => one.accepted,
    }),
  };
};
