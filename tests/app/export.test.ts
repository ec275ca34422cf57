/** `ratchet export`: what is in the files, in which order, and what never is. */
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { addRevocations } from '../../db/queries/revoke.ts';
import { decide } from '../../db/queries/review-decisions.ts';
import { addReviews, listReviews } from '../../db/queries/reviews.ts';
import { DATASETS } from '../../app/exports/lines.ts';
import * as t from '../../db/schema.ts';
import { ratchet as runRatchet } from '../support/cli-process.ts';
import { createTestDatabase } from '../support/database.ts';
import { addExportRun, asked, exampleIds } from '../support/exports.ts';
import { longAddition } from '../support/scripted-adder.ts';
import { addSynthetic } from '../support/synthetic-lineage.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-export-'));
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let out: string;

beforeAll(async () => {
  database = await createTestDatabase();
}, 120_000);
afterAll(async () => {
  await database.drop();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  out = mkdtempSync(join(folder, 'out-'));
});

const ratchet = (args: string[], options: Partial<Parameters<typeof runRatchet>[1]> = {}) =>
  runRatchet(args, {
    ...options,
    env: { DATABASE_URL: database.url, RATCHET_HOME: join(folder, 'home') },
  });

type Json = any;
const parsed = (text: string): Json[] =>
  text
    .trimEnd()
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Json);
const read = (file: string) => parsed(readFileSync(join(out, file), 'utf8'));
const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

/** Three prompts: one plainly right, one with a rejected sample of the same request, one with doubtful ones only. */
async function addThree(id: string, input = {}) {
  return addExportRun(
    database.db,
    id,
    [
      {
        text: '1234+1111',
        truth: '2345',
        samples: [
          { request: asked('1234+1111'), answer: '2345', outcome: 'accepted' },
          { request: asked('1234+1111', 1), answer: '2345', outcome: 'unscored' },
        ],
      },
      {
        text: '1234+2222',
        truth: '3456',
        samples: [
          { request: asked('1234+2222', 1), answer: '9', rationale: 'other form', outcome: 'failed' },
          { request: asked('1234+2222'), answer: '9', rationale: 'same form', outcome: 'failed' },
          { request: asked('1234+2222'), answer: '3456', outcome: 'accepted' },
          {
            request: asked('1234+2222', 2),
            answer: '3456',
            rationale: 'hard one',
            outcome: 'accepted',
            kind: 'hard',
          },
        ],
      },
      {
        text: '1234+3333',
        truth: '4567',
        samples: [
          { request: asked('1234+3333'), answer: '4567', outcome: 'accepted' },
          { request: asked('1234+3333'), answer: null, rationale: '', outcome: 'failed' },
          { request: asked('1234+3333'), answer: '4567', rationale: 'advised against', outcome: 'advised' },
        ],
      },
    ],
    input,
  );
}

describe('the formats', () => {
  beforeAll(() => addThree('three'));

  test('openai: the training lines alone, with metadata and digests in files beside them', async () => {
    const file = join(out, 'a.jsonl');
    const { code, stdout, stderr } = await ratchet(['export', 'three', '--format', 'openai', '--out', file]);
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' });
    const text = readFileSync(file, 'utf8');
    expect(stderr).toContain(`sha256 ${sha256(text)}`);
    expect(stderr).toContain('4 lines');
    expect(text.split('\n')[0]).toBe(
      JSON.stringify({
        messages: [
          { role: 'user', content: asked('1234+1111') },
          { role: 'assistant', content: longAddition(asked('1234+1111')) },
        ],
      }),
    );
    const ids = await exampleIds(database.db, 'three');
    const metadata = read('a.jsonl.metadata.jsonl');
    expect(metadata.map((one) => one.example)).toEqual(ids);
    expect(metadata[0]).toMatchObject({
      task: 'arithmetic',
      run: 'three',
      iteration: 1,
      kind: 'vote',
      answer: '2345',
      agreement: 0.625,
      revoked: false,
      gates: [
        {
          gate: 'agreement',
          outcome: 'pass',
          advisory: false,
          reason: 'agreement 0.63 ≥ 0.38 (5 of 8 samples)',
        },
        { gate: 'critique', outcome: 'pass' },
      ],
    });
    expect(metadata[0]!.checkpoint).toBeGreaterThan(0);
    expect(readFileSync(`${file}.sha256`, 'utf8')).toBe(
      `${sha256(text)}  a.jsonl\n${sha256(readFileSync(`${file}.metadata.jsonl`))}  a.jsonl.metadata.jsonl\n`,
    );
    expect(readdirSync(out).toSorted()).toEqual(['a.jsonl', 'a.jsonl.metadata.jsonl', 'a.jsonl.sha256']);
  });

  test('standard output has the lines alone, the same bytes each time; standard error has the digest', async () => {
    const first = await ratchet(['export', 'three', '--format', 'trl-sft']);
    const second = await ratchet(['export', 'three', '--format', 'trl-sft']);
    expect(second.stdout).toBe(first.stdout);
    expect(first.stderr).toContain(sha256(first.stdout));
    const [line] = parsed(first.stdout);
    expect(line).toMatchObject({
      prompt: [{ role: 'user', content: asked('1234+1111') }],
      completion: [{ role: 'assistant' }],
      metadata: { run: 'three', iteration: 1 },
    });
  });

  test('jsonl tells everything, with the scores', async () => {
    const { stdout } = await ratchet(['export', 'three', '--format', 'jsonl']);
    expect(parsed(stdout)[3]).toMatchObject({
      prompt: '1234+3333',
      request: asked('1234+3333'),
      rationale: longAddition(asked('1234+3333')),
      level: 4,
      answer: '4567',
      gates: [{ gate: 'agreement', score: 0.625, threshold: 0.375 }, { gate: 'critique' }],
    });
  });

  test('a number that may be a fraction is written as one', async () => {
    await database.db.update(t.votes).set({ agreement: 1 }).where(eq(t.votes.agreement, 0.625));
    const { stdout } = await ratchet(['export', 'three', '--format', 'jsonl']);
    await database.db.update(t.votes).set({ agreement: 0.625 });
    expect(stdout).toContain('"agreement":1.0,');
  });

  test('pairs: the same request before another form, and nothing that is only unscored, advised against or empty', async () => {
    const { stdout, stderr } = await ratchet(['export', 'three', '--format', 'trl-preference']);
    const pairs = parsed(stdout);
    expect(pairs.map((one) => [one.chosen[0].content, one.rejected[0].content, one.metadata.pair])).toEqual([
      [longAddition(asked('1234+2222')), 'same form', 'same request'],
      ['hard one', 'other form', 'same prompt'],
    ]);
    expect(pairs[0]).toMatchObject({
      prompt: [{ role: 'user', content: asked('1234+2222') }],
      metadata: {
        answer: '3456',
        rejectedRequest: asked('1234+2222'),
        rejected: { answer: '9', gates: [{ gate: 'agreement', outcome: 'fail' }, {}] },
      },
    });
    expect(stderr).toContain('2 accepted examples have no rejected sample');
    const same = await ratchet(['export', 'three', '--format', 'trl-preference', '--same-request']);
    expect(parsed(same.stdout)).toHaveLength(1);
  });
});

test('a planted sample comes out of no format, on no side', async () => {
  const { db } = database;
  const { iterationId } = await addThree('planted');
  const [host] = await db
    .select()
    .from(t.samples)
    .innerJoin(t.prompts, eq(t.prompts.id, t.samples.promptId))
    .where(and(eq(t.prompts.iterationId, iterationId), eq(t.samples.rationale, 'same form')));
  const { id: hostSampleId, ...copy } = host!.samples;
  // Of the request of an accepted sample, and failed as a probe should be: the best rejected side that there is.
  const [sample] = await db
    .insert(t.samples)
    .values({ ...copy, origin: 'planted', round: 0, index: 0, rationale: 'PLANTED' })
    .returning();
  await db
    .insert(t.probes)
    .values({ sampleId: sample!.id, iterationId, kind: 'wrong-answer', origin: 'task', hostSampleId });
  const of = await db.query.verdicts.findMany({ where: eq(t.verdicts.sampleId, hostSampleId) });
  await db.insert(t.verdicts).values(of.map((one) => ({ ...one, sampleId: sample!.id })));
  for (const format of DATASETS) {
    const file = join(out, format);
    const { code } = await ratchet(['export', 'planted', '--format', format, '--out', file]);
    expect(code, format).toBe(0);
    const written = readdirSync(out).filter((name) => name.startsWith(format));
    const text = written.map((name) => readFileSync(join(out, name), 'utf8')).join('');
    expect(text, format).toContain('hard one');
    expect(text, format).not.toContain('PLANTED');
  }
  expect(readFileSync(join(out, 'trl-preference'), 'utf8')).toContain('same form');
});

describe('what is never exported as accepted', () => {
  test('revoked examples, in no format', async () => {
    await addThree('revoked');
    const ids = await exampleIds(database.db, 'revoked');
    await addRevocations(database.db, [ids[1]!], { reason: 'wrong', by: 'ada' });
    for (const format of ['trl-sft', 'jsonl', 'trl-preference']) {
      const { stdout } = await ratchet(['export', 'revoked', '--format', format]);
      expect(stdout, format).not.toContain(JSON.stringify(longAddition(asked('1234+2222'))).slice(1, -1));
      expect(stdout, format).toContain('hard one');
    }
  });

  test('what reviewers reject goes with its siblings; in pairs it stands on the other side', async () => {
    const { iterationId } = await addThree('reviewed', { review: { auditShare: 0.5, required: false } });
    const { db } = database;
    const [, example] = await db
      .select({ sampleId: t.examples.sampleId })
      .from(t.examples)
      .where(eq(t.examples.runId, 'reviewed'))
      .orderBy(t.examples.id);
    await addReviews(db, 'reviewed', iterationId, [
      { sampleId: example!.sampleId, reason: 'audit', audit: true },
    ]);
    const [item] = await listReviews(db, 'reviewed');
    await decide(db, 'reviewed', [item!.review.id], { decision: 'reject' }, { reviewer: 'ada' });
    const { stdout } = await ratchet(['export', 'reviewed', '--format', 'jsonl']);
    expect(parsed(stdout).map((one) => one.prompt)).toEqual(['1234+1111', '1234+3333']);
    const pairs = await ratchet(['export', 'reviewed', '--format', 'trl-preference']);
    expect(pairs.stdout).toBe('');
  });
});

describe('a checkpoint', () => {
  let checkpointId: number;
  let datasetId: number;
  beforeAll(async () => {
    ({ checkpointId, datasetId } = await addSynthetic(database.db, 'trained', 700));
  });

  test('gives exactly the bytes that trained it, revoked ones too, and says so', async () => {
    const [id] = await exampleIds(database.db, 'trained');
    await addRevocations(database.db, [id!], { reason: 'wrong', by: 'ada' });
    const file = join(out, 'c.jsonl');
    const { code, stderr } = await ratchet([
      'export',
      '--checkpoint',
      String(checkpointId),
      '--format',
      'openai',
      '--out',
      file,
    ]);
    expect(code).toBe(0);
    const dataset = await database.db.query.datasets.findFirst({ where: eq(t.datasets.id, datasetId) });
    expect(sha256(readFileSync(file))).toBe(dataset!.digest);
    expect(stderr).toContain('1 of them have been revoked since');
    expect(read('c.jsonl.metadata.jsonl')[0]).toMatchObject({ example: id, revoked: true });
    const { stdout } = await ratchet(['export', 'trained', '--format', 'trl-sft']);
    expect(parsed(stdout)).toHaveLength(699);
  });

  test('that can not be built again as it was leaves no file', async () => {
    const file = join(out, 'c.jsonl');
    const old = await database.db.query.datasets.findFirst({ where: eq(t.datasets.id, datasetId) });
    await database.db.update(t.datasets).set({ digest: 'other' }).where(eq(t.datasets.id, datasetId));
    const { code, stderr } = await ratchet([
      'export',
      '--checkpoint',
      `checkpoint:${checkpointId}`,
      '--format',
      'openai',
      '--out',
      file,
    ]);
    await database.db.update(t.datasets).set({ digest: old!.digest }).where(eq(t.datasets.id, datasetId));
    expect(code).toBe(1);
    expect(stderr).toContain("can't be built again as it was");
    expect(readdirSync(out)).toEqual([]);
  });

  test.each([
    [['three', '--format', 'csv'], 'openai, trl-sft, trl-preference, jsonl'],
    [['nowhere', '--format', 'jsonl'], 'There is no run "nowhere"'],
    [['trained', '--format', 'jsonl', '--iteration', '7'], 'has no iteration 7'],
    [['--format', 'jsonl', '--checkpoint', '1', '--iteration', '1'], 'name different things'],
    [['--format', 'trl-preference', '--checkpoint', 'best'], 'no pair did'],
    [['--format', 'jsonl', '--same-request'], '--same-request is for'],
  ])('%j is refused with %j', async (args, message) => {
    const { code, stdout, stderr } = await ratchet(['export', ...args]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
  });
});

describe('size', () => {
  const rows = 60_000;
  beforeAll(() => addSynthetic(database.db, 'big', rows), 300_000);

  /** As much heap as the command needs for a hundred rows, and little more. */
  const node = ['--max-old-space-size=64'];

  test('as many rows as you like, in the memory of a few', async () => {
    const file = join(out, 'big.jsonl');
    const { code, stderr } = await ratchet(['export', 'big', '--format', 'jsonl', '--out', file], { node });
    expect({ code, stderr: stderr.split('\n')[0] }).toMatchObject({ code: 0 });
    // One equals an example that was revoked above.
    expect(stderr).toContain(`${rows - 1} lines`);
    // Rows, verdicts and text together are far more than the heap: held as a whole they would not fit.
    expect(statSync(file).size).toBeGreaterThan(35 * 1024 * 1024);
  }, 300_000);

  test('the memory of the process does not grow with the rows', async () => {
    await addSynthetic(database.db, 'few', rows / 60);
    const told = 'process.on("exit",()=>console.error("resident",process.resourceUsage().maxRSS))';
    const measure = async (run: string) => {
      const file = join(out, `${run}.jsonl`);
      const { code, stderr } = await ratchet(['export', run, '--format', 'jsonl', '--out', file], {
        node: [...node, '--import', `data:text/javascript,${told}`],
      });
      expect(code).toBe(0);
      const residentMiB = Number(/resident (\d+)/.exec(stderr)![1]) / 1024;
      return { residentMiB, fileMiB: statSync(file).size / 1024 / 1024 };
    };
    const [few, big] = [await measure('few'), await measure('big')];
    expect(big.fileMiB / few.fileMiB).toBeGreaterThan(50);
    // Less than the text alone would take.
    expect(big.residentMiB - few.residentMiB).toBeLessThan(big.fileMiB - few.fileMiB);
  }, 300_000);

  test('an interrupted export leaves what was there before', async () => {
    const file = join(out, 'big.jsonl');
    writeFileSync(file, 'before');
    const part = () => readdirSync(out).find((name) => name.endsWith('.part'));
    const { code } = await ratchet(['export', 'big', '--format', 'jsonl', '--out', file], {
      started: (child) =>
        void until('the export to be under way', async () => {
          const name = part();
          return (
            name !== undefined && existsSync(join(out, name)) && statSync(join(out, name)).size > 1_000_000
          );
        }).then(() => child.kill('SIGINT')),
    });
    expect(code).toBe(130);
    expect(readdirSync(out)).toEqual(['big.jsonl']);
    expect(readFileSync(file, 'utf8')).toBe('before');
  }, 120_000);
});
