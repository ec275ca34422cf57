/** `ratchet review` as a person and as a script use it. */
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addReviews, listReviews, reviewable } from '../../db/queries/reviews.ts';
import { createTestDatabase } from '../support/database.ts';
import { addCheckpoint, addIteration, addPool, addRun } from '../cli/fixture.ts';

const main = fileURLToPath(new URL('../../cli/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'ratchet-review-'));
let database: Awaited<ReturnType<typeof createTestDatabase>>;
beforeAll(async () => {
  database = await createTestDatabase();
}, 120_000);
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});

type Ended = { code: number | null; stdout: string; stderr: string };

function run(program: string, args: string[], input = ''): Promise<Ended> {
  const { TEMPORAL_ADDRESS: _, ...inherited } = process.env;
  const env = {
    ...inherited,
    DATABASE_URL: database.url,
    RATCHET_HOME: join(folder, 'home'),
    NO_COLOR: '1',
    USER: 'ada',
  };
  return new Promise((resolve) => {
    const child = spawn(program, args, { env });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.on('close', (code) => resolve({ code, stdout, stderr }));
    child.stdin.end(input);
  });
}

const ratchet = (...args: string[]) => run(process.execPath, [main, ...args]);

/** Runs a command in a pseudo-terminal: waits for each text, then types the keys beside it. */
const TERMINAL = `
import json, os, pty, select, sys, time
script, argv = json.loads(sys.argv[1]), sys.argv[2:]
pid, fd = pty.fork()
if pid == 0:
    os.execvp(argv[0], argv)
seen, deadline = "", time.time() + 60
def read(seconds):
    ready, _, _ = select.select([fd], [], [], seconds)
    if not ready:
        return "" if time.time() < deadline else None
    try:
        return os.read(fd, 65536).decode("utf8", "replace") or None
    except OSError:
        return None
for expected, keys in script:
    while expected not in seen:
        text = read(1)
        if text is None:
            sys.exit("never saw %r in %r" % (expected, seen))
        sys.stdout.write(text)
        seen += text
    seen = seen[seen.index(expected) + len(expected):]
    os.write(fd, keys.encode())
while (text := read(1)) is not None:
    sys.stdout.write(text)
_, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status))
`;

const inTerminal = (script: [string, string][], ...args: string[]) =>
  run('python3', ['-c', TERMINAL, JSON.stringify(script), process.execPath, main, ...args]);

/** A run with so many pseudo-labels, one example each, that wait for reviewers. */
async function waitingRun(id: string, prompts: number): Promise<number[]> {
  const { db } = database;
  await addRun(db, id, { review: { iterations: 1 } }, 'running');
  const base = await addCheckpoint(db, id, 0, { target: 4 });
  const iterationId = await addIteration(db, id, 1, base.id, false);
  const pool = Array.from({ length: prompts }, (_, i) => ({
    text: `${1000 + i}+1000`,
    answer: String(2000 + i),
    agreement: 1,
    samples: 1,
    accepted: 'vote' as const,
  }));
  await addPool(db, id, iterationId, base.id, pool);
  const { accepted } = await reviewable(db, iterationId);
  await addReviews(
    db,
    id,
    iterationId,
    accepted.map(({ sampleId }) => ({ sampleId, reason: 'first-iterations', audit: true })),
  );
  return (await listReviews(db, id)).map((one) => one.review.id);
}

const decisions = async (id: string) =>
  (await listReviews(database.db, id)).map(({ review }) => [review.decision, review.correctedAnswer]);

test('in a terminal one key decides, and the last decision can be taken back', async () => {
  const ids = await waitingRun('typed', 4);
  const keys = 'q quit';
  const { code, stdout } = await inTerminal(
    [
      [keys, 'a'],
      [keys, 'r'],
      ['→ rejected', ''],
      [keys, 'u'],
      [`item ${ids[1]}`, ''],
      [keys, 's'],
      [`item ${ids[2]}`, ''],
      [keys, 'e'],
      ['the right answer', '4711\r'],
      ['your own steps', '\r'],
      ['stored as a correction only', ''],
      [`item ${ids[3]}`, ''],
      [keys, 'r'],
      ['b back to the 1 skipped', 'b'],
      [`item ${ids[1]}`, ''],
      [keys, 'a'],
      ['Everything is decided', 'q'],
    ],
    'review',
    'typed',
  );
  expect(stdout).toContain('prompt     1000+1000');
  expect(stdout).toContain('4 decided, 0 wait');
  // There is no Temporal here: the run finds the decisions itself.
  expect(stdout).toContain('looks itself within the hour');
  expect(code).toBe(0);
  expect(await decisions('typed')).toEqual([
    ['accept', null],
    ['accept', null],
    ['correct', '4711'],
    ['reject', null],
  ]);
}, 240_000);

test('Ctrl-C ends the session, what was decided stays and nothing stays claimed', async () => {
  await waitingRun('left', 2);
  const { code, stdout } = await inTerminal(
    [
      ['q quit', 'a'],
      ['q quit', '\u0003'],
    ],
    'review',
    'left',
  );
  expect(code).toBe(0);
  expect(stdout).toContain('1 decided, 1 wait');
  const rows = await listReviews(database.db, 'left');
  expect(rows.map(({ review }) => [review.decision, review.decision ? '' : review.claimedBy])).toEqual([
    ['accept', ''],
    [null, null],
  ]);
}, 240_000);

test('scripts list and decide', async () => {
  const ids = await waitingRun('scripted', 5);
  const [a, b, c, d] = ids.map(String);
  expect(await ratchet('review', 'scripted')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('This is no terminal: use --list'),
  });
  expect((await ratchet('review', 'scripted', '--list')).stdout).toMatch(
    new RegExp(`${a} +1 +first-iterations +1000\\+1000 +2000 +waits`),
  );
  const decided = await ratchet(
    'review',
    'scripted',
    '--accept',
    a!,
    b!,
    '--reject',
    c!,
    '--correct',
    `${d}=4711`,
    '--note',
    'by hand',
  );
  expect(decided).toMatchObject({ code: 0 });
  expect(decided.stdout).toContain(`item ${d}: stored as a correction only`);
  expect(decided.stdout).toContain('scripted: 4 decided, 1 wait');
  const again = await ratchet('review', 'scripted', '--reject', a!, '999999', '--json');
  expect(again.code).toBe(1);
  expect(JSON.parse(again.stdout)).toEqual([
    { id: ids[0], problem: expect.stringContaining('decided already (accept') },
    { id: 999999, problem: expect.stringContaining('no review item') },
  ]);
  const undone = await ratchet(
    'review',
    'scripted',
    '--undo',
    a!,
    b!,
    '--accept',
    a!,
    b!,
    '--note',
    'by hand',
  );
  expect(undone.stdout).toContain('scripted: 2 decided, 2 taken back, 1 wait');
  expect((await ratchet('review', 'scripted', '--accept', 'rest')).stdout).toContain('1 decided, 0 wait');
  const listed = JSON.parse((await ratchet('review', 'scripted', '--json')).stdout) as unknown[];
  expect(listed.at(-1)).toMatchObject({ item: ids[4], decision: 'accept', unseen: true, waits: false });
  expect(listed[0]).toMatchObject({
    item: ids[0],
    decision: 'accept',
    unseen: false,
    note: 'by hand',
    takenBack: 1,
  });
  expect((await ratchet('review', 'nowhere')).code).toBe(2);
  expect((await ratchet('review', 'scripted', '--correct', '12')).code).toBe(2);
}, 240_000);
