import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { refuseOverlap } from '../../engine/overlap.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { resolveTask } from '../../tasks/index.ts';

let folder: string;
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), 'ratchet-overlap-'))));
afterAll(() => rmSync(folder, { recursive: true }));

const question = (i: number) =>
  `A shop has ${1000 + i} apples and sells ${i} of them on a rainy day in May, mostly to schools. How many are left?`;
const jsonl = (rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');

/** A task file over these prompts and these held-out questions. */
async function problemsOf(prompts: string[], heldOut: string[]): Promise<string[]> {
  const at = (name: string) => join(folder, name);
  writeFileSync(at('prompts.jsonl'), jsonl(prompts.map((prompt) => ({ prompt }))));
  writeFileSync(at('held-out.jsonl'), jsonl(heldOut.map((prompt) => ({ prompt, answer: '1' }))));
  writeFileSync(
    at('task.yaml'),
    `name: shops
prompts: { file: prompts.jsonl }
benchmarks: [{ name: exam, role: target, file: held-out.jsonl }]
answer: { read: last-number }
`,
  );
  const spec = await resolveTask(at('task.yaml'));
  const error = await refuseOverlap(spec).catch((thrown: unknown) => thrown);
  if (error === undefined) return [];
  expect(error).toBeInstanceOf(InvalidInputError);
  return (error as InvalidInputError).problems;
}

const prompts = Array.from({ length: 30 }, (_, i) => question(i));

it('accepts a benchmark of other problems, also of near ones', async () => {
  expect(await problemsOf(prompts, [question(50), question(60), `Well: ${question(3)}`])).toEqual([]);
});

it('refuses one with problems of its own prompts, however written, naming lines and count', async () => {
  const copies = [
    question(7),
    question(8).toUpperCase(),
    question(9).replace('1009', '1,009').replace('?', ' ?!'),
    question(20).replaceAll(' ', '  '),
    question(21),
  ];
  const [problem, ...others] = await problemsOf(prompts, [question(70), ...copies]);
  expect(others).toEqual([]);
  expect(problem).toMatch(
    /^benchmark exam: 5 of its problems stand in the prompts file .*prompts\.jsonl too: line 8, line 9/,
  );
  expect(problem).toMatch(/line 9, line 10 and 2 more; take them out of one of the two/);
});

it('refuses a calibration set with problems of the prompts file or of a benchmark, however written', async () => {
  const at = (name: string) => join(folder, name);
  const problemsWith = async (known: string[]) => {
    writeFileSync(at('known.jsonl'), jsonl(known.map((prompt) => ({ prompt, answer: '1' }))));
    writeFileSync(
      at('calibrated.yaml'),
      `name: shops
prompts: { file: prompts.jsonl }
benchmarks: [{ name: exam, role: target, file: held-out.jsonl }]
calibration: { file: known.jsonl }
answer: { read: last-number }
`,
    );
    const error = await refuseOverlap(await resolveTask(at('calibrated.yaml'))).catch(
      (thrown: unknown) => thrown,
    );
    return error === undefined ? [] : (error as InvalidInputError).problems;
  };
  expect(await problemsOf(prompts, [question(50)])).toEqual([]);
  expect(await problemsWith([question(60)])).toEqual([]);
  expect((await problemsWith([question(60), question(3).replace('1003', '1,003')]))[0]).toMatch(
    /^calibration: 1 of its problems stands in the prompts file/,
  );
  expect((await problemsWith([question(50).replace('1050', '1,050')]))[0]).toMatch(
    /^calibration: line 1 is in benchmark exam too/,
  );
});

it('does not concern a task that makes its own problems', async () => {
  await expect(refuseOverlap(await resolveTask('arithmetic'))).resolves.toBeUndefined();
});
