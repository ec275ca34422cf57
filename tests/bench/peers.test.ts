import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const command = fileURLToPath(new URL('../../bench/peers.ts', import.meta.url));
const home = mkdtempSync(join(tmpdir(), 'ratchet-peers-test-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

function peers(args: string[], env: Record<string, string> = {}) {
  const all = { ...process.env, RATCHET_HOME: home, ...env };
  const { status, stdout, stderr } = spawnSync(process.execPath, [command, ...args], {
    env: all,
    encoding: 'utf8',
  });
  const rows = stdout
    .split('\n')
    .filter((line) => line.startsWith('| ') && !line.startsWith('| |'))
    .map((line) => line.split(' | ').map((cell) => cell.replaceAll('|', '').trim()));
  return { status, stdout, stderr, rows };
}

describe.runIf(process.platform === 'linux')('bench/peers.ts', () => {
  it('measures what each was asked: all samples one by one, or of a prompt at once', () => {
    const { status, rows } = peers([
      '--prompts=5',
      '--samples=3',
      '--in-flight=4',
      '--latency=20',
      '--only=node,node-n',
    ]);
    expect(status).toBe(0);
    const [single, atOnce] = rows;
    expect([single![0], single![2], single![4]]).toEqual(['plain Node', '20', '4']);
    expect([atOnce![0], atOnce![2]]).toEqual(['plain Node (`n`)', '10']);
    for (const [, wall, , , , cpu, , , mb] of rows) {
      expect(Number(wall)).toBeGreaterThan(0.1);
      expect(Number(cpu)).toBeGreaterThan(0);
      expect(Number(mb)).toBeGreaterThan(20);
    }
  });

  it('runs ratchet on a stack of its own, with the endpoint’s `n` and without', () => {
    const { status, rows } = peers([
      '--prompts=10',
      // Enough that no vote is a tie, which ratchet puts to no critic.
      '--samples=8',
      '--in-flight=8',
      '--latency=5',
      '--only=ratchet,ratchet-single',
    ]);
    expect(rows.map(([title, wall]) => [title, wall])).toEqual([
      ['ratchet (`n`)', expect.stringMatching(/^[\d.]+$/)],
      ['ratchet', expect.stringMatching(/^[\d.]+$/)],
    ]);
    const [atOnce, single] = rows.map((row) => ({
      calls: Number(row[2]),
      inFlight: Number(row[4]),
      servers: Number(row[6]),
    }));
    // Ten calls are the samples, or eighty and those that were refused; the rest is critiques and held-out problems.
    expect(single!.calls - atOnce!.calls).toBeGreaterThanOrEqual(60);
    expect(Math.max(atOnce!.inFlight, single!.inFlight)).toBeLessThanOrEqual(8);
    expect(Math.min(atOnce!.servers, single!.servers)).toBeGreaterThan(0);
    expect(status).toBe(0);
  });

  it('shows one that can’t be installed with the reason, beside those that ran', () => {
    const { status, rows } = peers(['--prompts=2', '--samples=1', '--latency=1', '--only=dspy,node'], {
      RATCHET_PYTHON: '/no/such/python',
    });
    expect(status).toBe(1);
    expect(rows[0]![1]).toContain('not measured: RATCHET_PYTHON=/no/such/python does not run.');
    expect(rows[1]![2]).toBe('4');
  });

  it('ends one that takes too long', () => {
    const { rows } = peers([
      '--prompts=40',
      '--samples=8',
      '--in-flight=1',
      '--latency=500',
      '--timeout=1',
      '--only=node',
    ]);
    expect(rows[0]![1]).toContain('not measured: no end within 1 s');
  });

  it('says what it does not know', () => {
    expect(peers(['--only=node,trl']).stderr).toContain(
      '--only: there is no "trl". There are: node, node-n, ratchet,',
    );
    expect(peers(['--samples=0']).stderr).toContain('--samples must be a whole number above 0, not "0".');
  });
});
