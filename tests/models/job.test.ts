/** What a trainer says of its jobs is used as far as it is what it should be, and never looks like a bug of ours. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { APIError } from 'openai';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { resolveEndpoint } from '../../models/endpoint.ts';
import {
  cancelJob,
  createJob,
  findJob,
  getJob,
  resolvedParameters,
  trainingProgress,
} from '../../models/fine-tuning.ts';
import { progressIn, readJob } from '../../models/job.ts';

let body: unknown;
const server = createServer((request, response) => {
  request.resume().on('end', () => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body) ?? 'null');
  });
});
beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());
const trainer = () => {
  const { port } = server.address() as AddressInfo;
  return resolveEndpoint('trainer', { baseURL: `http://127.0.0.1:${port}/v1`, model: 'm' }, undefined);
};
const signal = AbortSignal.timeout(120_000);

it('a job keeps what is what it should be', () => {
  const job = readJob({
    id: 'job',
    status: 'succeeded',
    created_at: 'yesterday',
    finished_at: -5,
    trained_tokens: 3e9,
    fine_tuned_model: 7,
    error: 'no room',
    metadata: null,
    seed: 3,
  });
  expect(job).toMatchObject({
    id: 'job',
    status: 'succeeded',
    finished_at: null,
    trained_tokens: 3e9,
    fine_tuned_model: null,
    error: { message: 'no room' },
    seed: 3,
  });
  expect(Math.abs(job.created_at - Date.now() / 1000)).toBeLessThan(5);
  expect(resolvedParameters(job)).toEqual({});
});

it.each([null, [], 'job', {}, { id: 'x' }, { id: 5, status: 'running' }, { id: '', status: 'running' }])(
  'the answer %j is no job, which is said and may be asked again',
  (raw) => expect(() => readJob(raw)).toThrow(/^The trainer answers with no job/),
);

it('progress is whole, finite and within what is stored', () => {
  const metrics = (data: unknown) => ({ type: 'metrics', data });
  expect(
    progressIn([metrics(null), metrics({ step: 'x' }), metrics({ step: 2.4, total_steps: 1e12 })]),
  ).toEqual({
    step: 2,
    total: 2 ** 31 - 1,
  });
  expect(progressIn([metrics({ step: 3, total_steps: -1, train_loss: Number.NaN })])).toEqual({
    step: 3,
    total: 0,
  });
  expect(progressIn([{ type: 'message', data: { step: 3 } }])).toBeUndefined();
});

it('no answer of a trainer is taken for a bug', async () => {
  const field = fc.constantFrom(
    'id',
    'status',
    'data',
    'metadata',
    'error',
    'method',
    'has_more',
    'created_at',
    'type',
  );
  const answers = fc.oneof(
    fc.jsonValue({ maxDepth: 2 }),
    fc.dictionary(field, fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('running', 'succeeded'))),
    fc.record({ data: fc.array(fc.dictionary(field, fc.jsonValue({ maxDepth: 1 })), { maxLength: 3 }) }),
  );
  const calls = [
    () => getJob(trainer(), 'job', signal),
    () => findJob(trainer().client, 'key', signal),
    () => trainingProgress(trainer(), 'job', signal),
    () => cancelJob(trainer(), 'job', signal),
    () =>
      createJob(
        trainer(),
        { key: 'k', model: 'm', dataset: '{}', parameters: {}, seed: 1, suffix: 's' },
        signal,
      ),
  ];
  await fc.assert(
    fc.asyncProperty(answers, fc.constantFrom(...calls), async (answer, call) => {
      body = answer;
      const error = await call().then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (error !== undefined) expect(error).toBeInstanceOf(APIError);
    }),
    { numRuns: 300 },
  );
});
