/** What a task file may verify: equations, by a program for each sample, or by a reward function for a page of them. */
import { z } from 'zod';
import { limitsSchema } from '../../sandbox/job.ts';

const command = z.array(z.string().min(1).max(4000)).min(1).max(50);
const files = z
  .array(z.string().min(1))
  .max(50)
  .default([])
  .describe('files for it, found below /task by their names');
const runs = z.int().min(1).max(9).default(1).describe('how often: where verdicts differ, nothing holds');

export const verify = z.union([
  z.strictObject({
    equations: z
      .literal(true)
      .describe('every equation of numbers in a rationale must hold; without one it is unscored'),
  }),
  z.strictObject({
    command: command.describe(
      'a program and its arguments, run in a sandbox for each sample (docs/sandbox.md)',
    ),
    files,
    runs,
    limits: limitsSchema.prefault({}),
  }),
  z
    .strictObject({
      reward: z
        .literal('trl')
        .describe(
          "the command has TRL's signature: prompts and completions in, a number or null for each out",
        ),
      command: command.describe(
        "a program and its arguments, run for each page of samples in the task file's folder",
      ),
      threshold: z.number().default(0.5).describe('least reward with which a sample holds'),
      sandbox: z.boolean().default(false).describe('run it in a sandbox, for each sample'),
      files,
      runs,
      limits: limitsSchema.prefault({}).describe('outside of the sandbox: seconds alone'),
    })
    .refine(({ sandbox, files: given }) => sandbox || given.length === 0, {
      path: ['files'],
      message: 'are for the sandbox: outside of it the command runs in the folder of the task file',
    }),
]);
export type Reward = Extract<z.output<typeof verify>, { reward: 'trl' }>;
