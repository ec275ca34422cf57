/** The web page as a part of the local stack. */
import { expect, test } from 'vitest';
import { startStack } from '../../stack/stack.ts';
import { stackStatus } from '../../app/machine/status.ts';
import { recordSteps, stackEnv, temporaryHome } from '../stack/helpers.ts';
import { freePort } from '../support/ports.ts';

test('starts with the stack, answers, is told by status, and stops with it', async () => {
  const home = temporaryHome();
  const port = await freePort();
  const env = await stackEnv({ RATCHET_WEB_PORT: String(port), RATCHET_WEB_HOST: '', RATCHET_WEB_TOKEN: '' });
  const { onStep, lines } = recordSteps();
  const stack = await startStack({ home, env, parts: ['postgres', 'temporal', 'web'], onStep });
  const url = `http://127.0.0.1:${port}`;
  try {
    expect(stack.env.RATCHET_WEB_URL).toBe(url);
    expect(lines()).toContainEqual(expect.stringMatching(`^Web page done .*at ${url}$`));
    const page = await fetch(url);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain('There are no runs yet');
    const { parts } = await stackStatus({ home, env });
    expect(parts.find(({ name }) => name === 'web')).toMatchObject({
      state: 'running',
      healthy: true,
      address: url,
    });
  } finally {
    await stack.stop();
  }
  await expect(fetch(url)).rejects.toThrow();
}, 180_000);
