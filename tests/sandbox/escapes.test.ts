/** What a model wrote tries to get out, to stay, to take more than its share, or to pass without having done its work. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { findBubblewrap } from '../../sandbox/bubblewrap.ts';
import { limitsSchema, OUTPUT_CHARACTERS, SandboxUnavailable, type SandboxJob } from '../../sandbox/job.ts';
import { runInSandbox } from '../../sandbox/run.ts';
import { runCheck } from '../../sandbox/verdict.ts';
import { hasSandbox, processesWith } from '../support/sandbox.ts';
import { until } from '../support/wait.ts';

const limits = limitsSchema.parse({ seconds: 5, memoryMb: 128, processes: 16, diskMb: 8 });
const shell = (script: string, more: Partial<SandboxJob> = {}) =>
  runInSandbox({ command: ['sh', '-c', script], files: {}, stdin: '', ...more }, limits);

/** A process that was killed stands in the list for a moment more. */
const gone = (command: string) => until(`no ${command}`, () => Promise.resolve(processesWith(command) === 0));

test('without bubblewrap nothing is run', () => {
  expect(() => findBubblewrap('/nowhere')).toThrow(SandboxUnavailable);
  expect(() => findBubblewrap('/nowhere')).toThrow(/install bubblewrap/);
});

describe.skipIf(!hasSandbox)('in a container', () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(request.url!);
    response.end('out');
  });
  beforeAll(() => new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve)));
  afterAll(() => server.close());

  test('it reads its files and its input, and writes to /work', async () => {
    const script = 'cat /task/a.txt > copy; cat copy -; echo problem >&2; exit 7';
    const outcome = await shell(script, { files: { 'a.txt': 'one ' }, stdin: 'two' });
    expect(outcome).toMatchObject({ ended: 'exited', code: 7, stdout: 'one two', stderr: 'problem\n' });
  });

  test.each([
    [
      'files of the machine',
      'cat /etc/passwd || cat /root/.bashrc || ls /home || cat /proc/1/root/etc/passwd',
    ],
    [
      'the environment',
      'env | grep -v -e ^PATH= -e ^LANG= -e ^HOME= -e ^PWD= -e ^PYTHON -e ^_= -e ^SHLVL= -e ^OLDPWD=',
    ],
    ['writing to the system', 'touch /usr/x || touch /x || touch /task/x'],
    [
      'changing what checks it',
      'echo x > /task/check || chmod u+w /task/check || mv /task/check /task/b || rm -f /task/check',
    ],
    ['another user', 'test "$(id -u)" = 0 || unshare -Ur true || mount -t tmpfs none /work'],
    ['processes of others', 'kill -9 1 2>/dev/null; ls /proc | grep -c "^[0-9]*$" | grep -v "^[1-9]$"'],
  ])('it gets nothing from %s', async (_, script) => {
    const { code, ended } = await shell(`${script}; exit $?`, { files: { check: 'x' } });
    expect({ ended, code: code === 0 }).toEqual({ ended: 'exited', code: false });
  });

  test.each(process.getuid?.() === 0 ? ['/tmp', '/work'] : ['/tmp'])(
    'programs of a folder below %s are found',
    async (above) => {
      mkdirSync(above, { recursive: true });
      const tools = mkdtempSync(join(above, 'ratchet-tools-'));
      chmodSync(tools, 0o755);
      mkdirSync(join(tools, 'bin'));
      writeFileSync(join(tools, 'bin/say-hello'), '#!/bin/sh\necho hello\n', { mode: 0o755 });
      vi.stubEnv('RATCHET_SANDBOX_TOOLS', tools);
      expect(await shell('say-hello')).toMatchObject({ code: 0, stdout: 'hello\n' });
      vi.unstubAllEnvs();
      rmSync(tools, { recursive: true });
    },
  );

  test('it has no network', async () => {
    const { port } = server.address() as AddressInfo;
    const js = `fetch('http://127.0.0.1:${port}/leak').then(() => process.exit(0), () => process.exit(9))`;
    const outcome = await runInSandbox(
      { command: ['node', '-e', js], files: {}, stdin: '' },
      { ...limits, memoryMb: 1024 },
    );
    expect(outcome).toMatchObject({ ended: 'exited', code: 9 });
    expect(asked).toEqual([]);
  });

  test('it takes no more than its time, and leaves nobody behind', async () => {
    const quick = { ...limits, seconds: 1 };
    const sleeper = 'setsid sleep 987 & (sleep 987 &) ; trap "" TERM XCPU; sleep 987';
    const slept = await runInSandbox({ command: ['sh', '-c', sleeper], files: {}, stdin: '' }, quick);
    expect(slept.ended).toBe('timeout');
    expect(slept.seconds).toBeLessThan(10);
    const spun = await runInSandbox(
      { command: ['sh', '-c', 'while :; do :; done'], files: {}, stdin: '' },
      quick,
    );
    expect(spun.ended).toBe('timeout');
    await gone('sleep 987');
    // Who ends early takes along what it has left in the background.
    expect(await shell('setsid sleep 988 >/dev/null 2>&1 & exit 0')).toMatchObject({
      ended: 'exited',
      code: 0,
    });
    await gone('sleep 988');
  });

  test('it forks only so often', async () => {
    const outcome = await shell('for i in $(seq 1 200); do sleep 20 & done; echo done');
    expect(outcome.stderr).toMatch(/fork/i);
    expect(outcome.stdout).not.toContain('done');
    await gone('sleep 20');
  });

  test('it takes no more than its memory, in one process or in many', async () => {
    const eat = (mb: number) =>
      `node -e "const all=[];for(let i=0;i<${mb};i++)all.push(Buffer.alloc(2**20,1));setTimeout(()=>{},3000)"`;
    const wide = { ...limits, processes: 64 };
    const one = await runInSandbox({ command: ['sh', '-c', eat(400)], files: {}, stdin: '' }, wide);
    expect(one).not.toMatchObject({ ended: 'exited', code: 0 });
    const disk = await shell(
      'head -c 100000000 /dev/zero > big; head -c 5000000 /dev/zero > a; head -c 5000000 /dev/zero > b; exit $?',
    );
    expect(disk).not.toMatchObject({ ended: 'exited', code: 0 });
  });

  test('it does not fill the worker with output', async () => {
    const outcome = await shell('yes');
    expect(['output', 'timeout']).toContain(outcome.ended);
    expect(outcome.stdout.length).toBeLessThanOrEqual(OUTPUT_CHARACTERS);
  });

  test('it is stopped when nobody wants it any more', async () => {
    const abort = new AbortController();
    const job = { command: ['sleep', '986'], files: {}, stdin: '' };
    const end = runInSandbox(job, limits, abort.signal);
    setTimeout(() => abort.abort(new Error('no longer wanted')), 300);
    await expect(end).rejects.toThrow('no longer wanted');
    await gone('sleep 986');
  });

  describe('a verdict', () => {
    const quick = { ...limits, seconds: 1 };
    const check = (script: string, runs = 1) =>
      runCheck(
        { command: ['sh', '/task/check'], files: { check: script }, limits: quick, runs },
        { input: '{"answer":"1"}' },
      );
    const token = `read line; token=\${line#*token\\":\\"}; token=\${token%%\\"*}`;
    const say = (json: string) => `${token}; echo "{\\"token\\":\\"$token\\",${json}}"`;

    test('is a line with the token that the check alone was given', async () => {
      expect(await check(say('\\"ok\\":true,\\"score\\":0.5,\\"reason\\":\\"fine\\"'))).toEqual({
        ok: true,
        score: 0.5,
        reason: 'fine',
      });
      expect(await check(say('\\"ok\\":false,\\"reason\\":\\"no\\",\\"finding\\":\\"lint\\"'))).toMatchObject(
        {
          reason: 'no',
          finding: 'lint',
        },
      );
      // A word that is none of ours is the check's own affair.
      const other = await check(say('\\"ok\\":false,\\"reason\\":\\"no\\",\\"finding\\":\\"odd\\"'));
      expect(other).toEqual({ ok: false, score: null, reason: 'no' });
      expect(await check(say('\\"ok\\":null'))).toEqual({
        ok: null,
        score: null,
        reason: 'nothing to verify',
      });
    });

    test.each([
      ['exits with 0 early', 'exit 0', /ended with code 0 and no verdict/],
      ['says so itself, without the token', 'echo "{\\"token\\":\\"x\\",\\"ok\\":true}"', /no verdict/],
      ['breaks', 'echo broken >&2; exit 3', /ended with code 3 and no verdict: broken/],
      ['is killed', 'kill -9 $$', /crashed/],
      ['speaks and then never ends', `${say('\\"ok\\":true')}; sleep 60`, /timeout: not done in 1 s/],
    ])('is that nothing holds where it %s', async (_, script, reason) => {
      expect(await check(script)).toMatchObject({
        ok: false,
        finding: 'out-of-bounds',
        reason: expect.stringMatching(reason),
      });
    });

    test('does not hold where its runs disagree', async () => {
      // The clock is the only thing that differs from run to run.
      const odd = `${token}; if [ $(( $(date +%N | tail -c 2) % 2 )) = 0 ]; then ok=true; else ok=false; fi; echo "{\\"token\\":\\"$token\\",\\"ok\\":$ok}"`;
      expect(await check(odd, 9)).toMatchObject({
        ok: false,
        finding: 'flaky',
        reason: expect.stringMatching(/^flaky: 9 runs disagree/),
      });
    });
  });
});
