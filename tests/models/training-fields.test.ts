import { describe, expect, it } from 'vitest';
import { improveInputSchema } from '../../loop/input.ts';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { createJob, hyperparameters, resolvedParameters } from '../../models/fine-tuning.ts';
import type { Job } from '../../models/job.ts';

const at = (baseURL: string) => resolveEndpoint('trainer', { baseURL }, 'some-model');
const all = { epochs: 3, batchSize: 8, learningRate: 2e-4, loraRank: 16, emaDecay: 0.9 };

describe('hyperparameters of a job', () => {
  it('are those that somebody set, and no others', () => {
    const { training } = improveInputSchema.parse({});
    for (const name of Object.keys(all)) expect(training).not.toHaveProperty(name);
    expect(hyperparameters(at('http://127.0.0.1:1/v1'), {})).toEqual({});
    expect(hyperparameters(at('http://127.0.0.1:1/v1'), all)).toEqual({
      n_epochs: 3,
      batch_size: 8,
      learning_rate: 2e-4,
      lora_rank: 16,
      ema_decay: 0.9,
    });
  });

  it.each(['https://api.openai.com/v1', 'https://mine.openai.azure.com/openai/v1'])(
    'are only the standard ones for %s',
    (url) => expect(hyperparameters(at(url), all)).toEqual({ n_epochs: 3, batch_size: 8 }),
  );

  it('are read back from the job as the trainer chose them', () => {
    const job = { hyperparameters: { n_epochs: 3, batch_size: 'auto', lora_rank: 16 } } as unknown as Job;
    expect(resolvedParameters(job)).toEqual({ epochs: 3, loraRank: 16 });
  });
});

it.each([
  ['https://api.together.xyz/v1', 'Together'],
  ['https://api.fireworks.ai/inference/v1', 'Fireworks'],
])('%s is refused by name, before anything is sent', async (url, name) => {
  const job = { key: 'k', model: 'm', dataset: '', parameters: {}, seed: 1, suffix: 's' };
  await expect(createJob(at(url), job, new AbortController().signal)).rejects.toThrow(name);
});
