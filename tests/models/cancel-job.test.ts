/** A cancellation counts once the job is known to have ended, whatever the trainer answers. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveEndpoint } from '../../models/endpoint.ts';
import { cancelJob } from '../../models/fine-tuning.ts';

let cancelStatus = 200;
let job: { status: number; state?: string } = { status: 200, state: 'running' };
const server = createServer((request, response) => {
  const [status, body] =
    request.method === 'POST'
      ? [cancelStatus, cancelStatus === 200 ? { id: 'job' } : { error: { message: 'no' } }]
      : [
          job.status,
          job.status === 200 ? { id: 'job', status: job.state } : { error: { message: 'no job' } },
        ];
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
});

beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
afterAll(() => server.close());

const cancel = () => {
  const { port } = server.address() as AddressInfo;
  const endpoint = resolveEndpoint(
    'trainer',
    { baseURL: `http://127.0.0.1:${port}/v1`, model: 'm' },
    undefined,
  );
  return cancelJob(endpoint, 'job', AbortSignal.timeout(10_000));
};

describe.each([400, 404, 409, 422])('a trainer that answers %i', (status) => {
  it.each(['succeeded', 'failed', 'cancelled'])('is believed where the job has %s', async (state) => {
    cancelStatus = status;
    job = { status: 200, state };
    await expect(cancel()).resolves.toBeUndefined();
  });
  it('is believed where there is no such job', async () => {
    cancelStatus = status;
    job = { status: 404 };
    await expect(cancel()).resolves.toBeUndefined();
  });
  it('is not where the job runs on', async () => {
    cancelStatus = status;
    job = { status: 200, state: 'running' };
    await expect(cancel()).rejects.toMatchObject({ status });
  });
});

it.each([401, 403, 408, 429, 500, 503])('a trainer that answers %i has cancelled nothing', async (status) => {
  cancelStatus = status;
  job = { status: 200, state: 'running' };
  await expect(cancel()).rejects.toMatchObject({ status });
});
