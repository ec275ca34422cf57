/** A task that tutors: one YAML file names a log of learners' answers. This schema is the only description of it. */
import { z } from 'zod';
import { models, name } from '../file/schema.ts';
import { THINKING } from '../task.ts';
import { SKILLS } from './catalogue.ts';

const FORMS = ['text', 'long-addition'] as const;

export const tutorTaskSchema = z.strictObject({
  kind: z.literal('tutor'),
  name,
  title: z.string().min(1).optional().describe('default: the name'),
  log: z.string().min(1).describe('JSONL file of answers: learner, item, answer; relative to the YAML file'),
  catalogue: z.string().min(1).optional().describe('YAML file with further misconceptions'),
  learners: z.array(z.string().min(1)).min(1).optional().describe('default: all of the log'),
  skills: z
    .array(z.enum(SKILLS.map((skill) => skill.name) as [string, ...string[]]))
    .min(1)
    .optional()
    .describe('default: all in which a misconception was found'),
  form: z
    .enum(FORMS)
    .default('text')
    .describe('how items are put to the model: in words, or as the built-in adder has them'),
  heldOut: z.int().min(10).max(2000).default(200).describe('held-out items of each benchmark'),
  models: models.optional(),
  thinking: z.enum(THINKING).optional(),
  maxTokens: z.int().min(1).max(32_768).default(384).describe('longest answer, in tokens'),
});
export type TutorTask = z.output<typeof tutorTaskSchema>;
