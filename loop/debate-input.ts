/** Debates about prompts that samples disagree on, and the search for what fools the critics: parts of `strategy` of the input of `improve`. */
import { z } from 'zod';
import { endpointSchema } from '../process/endpoint-input.ts';

const agentSchema = z.strictObject({
  temperature: z.number().min(0).max(2).optional().describe('default: sampling.temperature'),
  strategy: z.string().min(1).optional().describe("way of asking by name; default: the task's own in turn"),
  checkpoint: z
    .enum(['best', 'earlier', 'base'])
    .default('best')
    .describe(
      'of the run’s own, which checkpoint answers: the best, the one promoted before it, or the one that the run started from',
    ),
  endpoint: endpointSchema
    .extend({ model: z.string().min(1).describe('model name as the endpoint lists it') })
    .optional()
    .describe(
      "another model, which argues and votes; its work never trains. What is not named of it is the generator's",
    ),
});

export const debateSchema = z
  .strictObject({
    mode: z
      .enum(['off', 'on'])
      .default('off')
      .describe(
        '`on`: agents argue about prompts, and the vote of their last round takes the place of the first samples’: docs/methods.md',
      ),
    agents: z
      .array(agentSchema)
      .min(2)
      .max(16)
      .default([
        { temperature: 0.5, checkpoint: 'best' },
        { temperature: 0.8, checkpoint: 'best' },
        { temperature: 1.1, checkpoint: 'best' },
      ])
      .describe('who argues, each in its own way'),
    rounds: z.int().min(1).max(8).default(3).describe('most rounds; the first is each agent alone'),
    prompts: z
      .enum(['split', 'all'])
      .default('split')
      .describe('`split`: those alone whose first samples agree too little to be trusted'),
    share: z.number().gt(0).max(1).default(1).describe('share of these prompts that is argued about'),
    calls: z
      .int()
      .min(2)
      .max(1000)
      .default(32)
      .describe('most model calls of one debate, those of its critics among them'),
    votes: z
      .int()
      .min(1)
      .max(1024)
      .default(256)
      .describe('most samples of the vote that is held beside each debate with as many tokens'),
  })
  .refine(({ agents, calls }) => calls >= agents.length, {
    path: ['calls'],
    error: 'must allow each agent its first call',
  });

export const selfPlaySchema = z.strictObject({
  mode: z
    .enum(['off', 'on'])
    .default('off')
    .describe(
      '`on`: an adversary alters good work until the critics pass it though it is known to be bad: docs/methods.md',
    ),
  works: z.int().min(1).max(1000).default(8).describe('works per iteration that it sets out from'),
  tries: z.int().min(1).max(32).default(4).describe('most alterations of one work'),
  plant: z
    .int()
    .min(0)
    .max(100)
    .default(4)
    .describe('of what it found, planted among the probes of each later iteration'),
});
