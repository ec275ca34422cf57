import { z } from 'zod';

const text = z.string().min(1).max(2000);

/** Where a prompt comes from: the field `source` of a row, as `ratchet questions` writes it. */
export const promptSource = z.object({
  file: text,
  passage: text.describe('`manual.md#4`: the file and the number of the passage in it'),
  digest: z.string().regex(/^[0-9a-f]{64}$/),
  heading: text.optional(),
  page: z.int().min(1).optional(),
  quote: text.optional().describe('the words of the passage that answer it'),
  model: text.optional().describe('what wrote it'),
});
export type PromptSource = z.output<typeof promptSource>;

/** The source that a row names; undefined where it names none of this form. */
export const sourceIn = (row: Record<string, unknown>): PromptSource | undefined =>
  promptSource.safeParse(row.source).data;
