/**
 * What an answer is asked with: a prompt of a task, how many samples vote on it, and when and on what the model may adapt to it
 * first (test-time training, Akyürek et al. 2024, arXiv 2411.07279).
 */
import { z } from 'zod';

const demonstrationSchema = z.strictObject({
  prompt: z.string().min(1).describe('A problem like the one that is asked'),
  answer: z.string().min(1).describe('Its whole solution, as the model should write it'),
});
export type Demonstration = z.infer<typeof demonstrationSchema>;

/** Fewer teach a model of this size nothing that holds on another problem. */
export const LEAST_DEMONSTRATIONS = 2;

const adaptSchema = z.strictObject({
  mode: z
    .enum(['auto', 'off', 'always'])
    .default('auto')
    .describe('auto: where the samples agree less than `below`, or the model misses the demonstrations'),
  below: z
    .number()
    .min(0)
    .max(1)
    .default(0.75)
    .describe('Share of the samples (of the demonstrations) that is enough'),
  seconds: z
    .number()
    .positive()
    .max(3600)
    .default(60)
    .describe('Training is cancelled after so many seconds'),
  steps: z.number().int().min(1).max(1000).default(80),
  learningRate: z.number().positive().optional().describe('Left to the trainer where it is not given'),
  loraRank: z
    .number()
    .int()
    .positive()
    .default(4)
    .describe(
      'Of an adapter on the base; few examples, so few weights. One that goes on from a checkpoint keeps its rank',
    ),
  demonstrations: z.array(demonstrationSchema).max(200).default([]),
  related: z
    .number()
    .int()
    .min(0)
    .max(200)
    .default(16)
    .describe('Accepted examples of the task to learn from, where no demonstrations are given'),
});

export const answerInputSchema = z.strictObject({
  task: z.string().min(1).describe('A task that has runs: its served checkpoint answers, or its base'),
  prompt: z.string().min(1).max(100_000),
  samples: z.number().int().min(1).max(64).default(8),
  temperature: z.number().min(0).max(2).default(0.8),
  adapt: adaptSchema.prefault({}),
});

export type AnswerInput = z.input<typeof answerInputSchema>;
export type AnswerSettings = z.infer<typeof answerInputSchema>;

/** How a model did before it adapted: the share of its samples that agree, and of the demonstrations that it solves. */
export type FirstLook = { agreement: number; solved?: number };

/** Why the model should adapt to a prompt, or why it should not. */
export function adapts(
  { adapt }: AnswerSettings,
  { agreement, solved }: FirstLook,
): { adapt: boolean; reason: string } {
  const share = (value: number) => value.toFixed(2);
  if (adapt.mode === 'off') return { adapt: false, reason: 'adapting is off' };
  if (adapt.mode === 'always') return { adapt: true, reason: 'adapting is always on' };
  if (solved !== undefined && solved < adapt.below)
    return { adapt: true, reason: `solves ${share(solved)} < ${share(adapt.below)} of the demonstrations` };
  if (solved === undefined && agreement < adapt.below)
    return { adapt: true, reason: `agreement ${share(agreement)} < ${share(adapt.below)}` };
  const enough =
    solved === undefined ? `agreement ${share(agreement)}` : `solves ${share(solved)} of the demonstrations`;
  return { adapt: false, reason: `${enough} ≥ ${share(adapt.below)}` };
}

/** Epochs that come to about so many steps. */
export const epochsFor = (steps: number, lines: number, batchSize: number): number =>
  Math.max(1, Math.round(steps / Math.ceil(lines / batchSize)));
