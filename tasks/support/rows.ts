/** A correction as a row of a JSONL file: what `ratchet corrections` found in a conversation, and what became of it. For people to read, and for runs. */
import { z } from 'zod';
import { readRows } from '../code/rows.ts';
import { textProblem } from '../jsonl.ts';

const text = z.string().max(20_000);

/**
 * `learn`: runs learn from it; `hold`: learnt in other wordings, so this one is held out and tells whether it stays learnt; `keep`: an answer
 * that held, practised along; the others teach nothing.
 */
export const FATES = ['learn', 'hold', 'keep', 'refused', 'review', 'superseded'] as const;
export type Fate = (typeof FATES)[number];

const correctionSchema = z.strictObject({
  id: z.string().min(1).max(300).describe('the conversation and the turn that was corrected'),
  kind: z.enum(['feedback', 'correction', 'clarification', 'thanks', 'hostile']).describe('how it was found'),
  request: text.min(1).describe('what was asked'),
  before: text.describe('what was answered'),
  said: text.describe('what was said of it'),
  answer: z.string().max(2000).optional().describe('what is right by that, as answers are compared'),
  by: z.string().min(1).max(200),
  at: z.string().min(1).max(60),
  score: z.number().optional().describe('how clearly it is of its kind'),
  passage: z
    .strictObject({ id: z.string(), text })
    .optional()
    .describe('the policy that it was checked against'),
  fate: z.enum(FATES),
  reason: z.string().max(4000),
  supersededBy: z.string().optional(),
  decidedBy: z.string().max(200).optional().describe('who decided it, where a person did'),
});
export type CorrectionRow = z.output<typeof correctionSchema>;

/**
 * All rows of a file that `ratchet corrections` made.
 *
 * @throws InvalidInputError naming bad rows, and ids that stand there twice
 */
export const readCorrections = (file: string): Promise<CorrectionRow[]> =>
  readRows(
    'corrections file',
    file,
    correctionSchema,
    'is not as `ratchet corrections` writes it',
    (row) => textProblem('request', row.request) ?? textProblem('said', row.said),
  );
