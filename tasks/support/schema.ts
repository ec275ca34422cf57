/** A task that learns from users' corrections: one YAML file names policies, conversations and held-out problems. This schema is the only description of it. */
import { z } from 'zod';
import { REDACTED_KINDS } from '../../process/redact.ts';
import { models, name } from '../file/schema.ts';
import { THINKING } from '../task.ts';

const file = z.string().min(1).describe('path, relative to the YAML file');
const text = z.string().min(1).max(20_000);

export const supportTaskSchema = z.strictObject({
  kind: z.literal('support'),
  name,
  title: z.string().min(1).optional().describe('default: the name'),
  policies: z.string().min(1).describe('folder of Markdown documents: what answers are checked against'),
  conversations: file
    .optional()
    .describe('JSONL file of conversations; without it those of the gateway alone'),
  corrections: file.describe('JSONL file that `ratchet corrections` makes'),
  benchmarks: z
    .array(z.strictObject({ name, role: z.enum(['target', 'guard', 'final']), file }))
    .min(1)
    .refine((all) => all.some(({ role }) => role === 'target'), 'one must have the role target')
    .refine(
      (all) => new Set(all.map((one) => one.name)).size === all.length,
      'two of them have the same name',
    )
    .describe('JSONL files of held-out requests: prompt, answer'),
  common: z
    .array(z.string().min(1).max(200))
    .max(1000)
    .default([])
    .describe('names that say nothing as an answer, and are no personal data: the company and its products'),
  wordings: z
    .int()
    .min(1)
    .max(1000)
    .default(3)
    .describe(
      'most wordings of what one policy sentence answers that are learnt; later ones are held out, as a guard against relapses',
    ),
  unsupported: z
    .enum(['refuse', 'review'])
    .default('refuse')
    .describe('what becomes of a correction on which the policies say nothing'),
  redact: z
    .array(z.enum(REDACTED_KINDS))
    .default([...REDACTED_KINDS])
    .describe('personal data that is taken out of conversations before anything is stored'),
  system: text.optional().describe('system message, in samples and in use'),
  critics: z
    .strictObject({
      measured: file.describe('JSON file that `ratchet critics` makes: how well each can tell'),
      accuracy: file.optional(),
      tone: file.optional(),
      empathy: file.optional(),
    })
    .optional()
    .describe(
      'critics that a model gives, each with a JSONL file of labelled replies: request, reply, holds',
    ),
  models: models.optional(),
  thinking: z.enum(THINKING).optional(),
  maxTokens: z.int().min(1).max(32_768).default(96).describe('longest answer, in tokens'),
});
export type SupportTask = z.output<typeof supportTaskSchema>;
