/** The gateway as a part of the stack, and by itself, in front of the real model server. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import OpenAI from 'openai';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startStack } from '../../stack/stack.ts';
import { stackStatus } from '../../app/machine/status.ts';
import { migrate } from '../../db/migrate.ts';
import { connect } from '../../db/connect.ts';
import * as t from '../../db/schema.ts';
import { improveInputSchema } from '../../loop/input.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { startModelServer, type ModelServer } from '../support/model-server.ts';
import { stackEnv, temporaryHome } from '../stack/helpers.ts';

let model: ModelServer;

beforeAll(async () => {
  model = await startModelServer();
}, 300_000);
afterAll(() => model?.close());

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const padded = '0000000345+0000000678';

/** A run that has begun at the built-in model and promoted nothing. */
async function addRun(url: string): Promise<number> {
  await migrate(url);
  const db = connect(url, 1);
  await db.insert(t.runs).values({
    id: 'begun',
    task: 'arithmetic',
    taskSpec: { kind: 'arithmetic' },
    settings: improveInputSchema.parse({}),
    codeVersion: 'test',
  });
  const [base] = await db
    .insert(t.checkpoints)
    .values({ runId: 'begun', iterationIndex: 0, kind: 'base', model: 'arithmetic' })
    .returning();
  await db.$client.end();
  return base!.id;
}

test('it runs in the stack, answers with the real model, and stops with it; ratchet serve runs another', async () => {
  const home = temporaryHome();
  const env = { ...(await stackEnv()), MODEL_BASE_URL: model.url };
  const stack = await startStack({ home, env, parts: ['postgres', 'gateway'] });
  const url = stack.env.RATCHET_GATEWAY_URL!;
  expect(await stackStatus({ home, env })).toMatchObject({
    healthy: true,
    parts: [{ name: 'postgres' }, { name: 'gateway', state: 'running' }],
  });
  const baseId = await addRun(stack.env.DATABASE_URL!);
  const ask = async (baseURL: string) => {
    const client = new OpenAI({ baseURL, apiKey: 'none', maxRetries: 0 });
    const stream = await client.chat.completions.create({
      model: 'arithmetic',
      messages: [{ role: 'user', content: padded }],
      temperature: 0,
      max_tokens: 120,
      stream: true,
    });
    let text = '';
    let print = '';
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? '';
      print = chunk.system_fingerprint ?? print;
    }
    return { text, print };
  };
  // It looks for new runs every two seconds.
  await expect
    .poll(async () => (await fetch(`${url}/models`)).text(), { timeout: 30_000 })
    .toContain('arithmetic');
  const answer = await ask(url);
  expect(answer.text).toBe(longAddition(padded));
  expect(answer.print).toMatch(new RegExp(`^ratchet-${baseId}-fp_`));

  const child = spawn(process.execPath, [main, 'serve', '--port', '0'], {
    env: { ...env, RATCHET_HOME: home, DATABASE_URL: stack.env.DATABASE_URL },
  });
  let output = '';
  child.stdout.on('data', (data: Buffer) => (output += data.toString()));
  await expect.poll(() => output, { timeout: 30_000 }).toMatch(/gateway ready: \S+/);
  expect(await ask(/gateway ready: (\S+)/.exec(output)![1]!)).toEqual(answer);
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  child.kill('SIGTERM');
  expect(await ended).toBe(0);

  const open = spawn(process.execPath, [main, 'serve', '--port', '0', '--host', '0.0.0.0'], {
    env: { ...env, RATCHET_HOME: home, DATABASE_URL: stack.env.DATABASE_URL },
  });
  let refused = '';
  open.stderr.on('data', (data: Buffer) => (refused += data.toString()));
  expect(await new Promise<number | null>((resolve) => open.once('exit', resolve))).toBe(1);
  expect(refused).toContain('RATCHET_GATEWAY_TOKEN: missing');

  await stack.stop();
  await expect(fetch(`${url}/models`)).rejects.toThrow();
}, 300_000);
