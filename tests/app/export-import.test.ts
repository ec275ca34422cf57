/** What is exported imports unchanged, whatever characters a model wrote: lines of every format, through a file and back. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { acceptedLine, pairLine, type Format } from '../../app/exports/lines.ts';
import { readWorked } from '../../app/imports/read-line.ts';
import type { AcceptedRow } from '../../db/queries/export.ts';
import { storableText } from '../../db/storable.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import { loadTask } from '../../tasks/index.ts';
import { readJsonl } from '../../tasks/jsonl.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-export-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const taskOf = (more: object) =>
  loadTask({
    kind: 'file',
    path: '/task.yaml',
    task: fileTaskSchema.parse({
      name: 'words',
      prompts: { file: '/p.jsonl' },
      benchmarks: [{ name: 'exam', role: 'target', file: '/e.jsonl' }],
      answer: { read: 'last-number' },
      ...more,
    }),
  });
const tasks = [
  taskOf({}),
  taskOf({ system: 'Be brief.\u2028Be right.', template: 'Question: {prompt}\nAnswer:' }),
  taskOf({ template: '{prompt}\u0085', examples: [{ prompt: '1 + 1', answer: '2' }] }),
];

/** Any text that the database can hold, with what splits lines, quotes and escapes more often than chance would have it. */
const character = fc.oneof(
  fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }),
  fc.constantFrom(
    '\u2028',
    '\u2029',
    '\u0085',
    '\r',
    '\n',
    '\r\n',
    '"',
    '\\',
    '\\n',
    '\u000b',
    '\u001e',
    '\uFEFF',
    '{',
    '}',
  ),
);
const text = fc.array(character, { maxLength: 25 }).map((all) => storableText(all.join('')));
const asked = text.filter((one) => one.trim() !== '');

const rowOf = (request: string, rationale: string, answer: string): AcceptedRow =>
  ({
    runId: 'run',
    iteration: 1,
    checkpoint: 1,
    exampleId: 1,
    sampleId: 1,
    promptId: 1,
    kind: 'first',
    answer,
    agreement: 0.5,
    revoked: false,
    key: 'key',
    prompt: request,
    level: null,
    request,
    strategy: 'plain',
    rationale,
  }) as unknown as AcceptedRow;

let files = 0;
async function through(lines: string[]) {
  const path = join(folder, `${++files}.jsonl`);
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''));
  const read = [];
  for await (const one of readJsonl('file', path)) read.push(one);
  return read;
}

describe.each<Exclude<Format, 'trl-preference' | 'critic' | 'patches'>>(['openai', 'trl-sft', 'jsonl'])(
  '--format %s',
  (format) => {
    it('comes back line by line, with the problem and the work as they were', async () => {
      const examples = fc.array(fc.tuple(asked, asked, text), { minLength: 1, maxLength: 6 });
      await fc.assert(
        fc.asyncProperty(fc.constantFrom(...tasks), examples, async (task, all) => {
          const lines = all.map((one) => acceptedLine(format, task, rowOf(...one), []).text);
          // As other programs split lines, too.
          for (const line of lines) expect(line).not.toMatch(/[\n\r\u0085\u2028\u2029]/);
          const read = await through(lines);
          expect(read.map(({ line }) => line)).toEqual(all.map((_, i) => i + 1));
          for (const [i, [request, rationale, answer]] of all.entries()) {
            const worked = readWorked(task, read[i]!.value!);
            expect(worked).toEqual({
              text: request,
              rationale,
              ...(format === 'jsonl' ? { answer } : {}),
            });
          }
        }),
        { numRuns: 150 },
      );
    });
  },
);

it('--format trl-preference comes back with what was chosen', async () => {
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...tasks), asked, asked, asked, async (task, request, good, bad) => {
      const chosen = rowOf(request, good, '1');
      const rejected = { ...rowOf(request, bad, '2'), trusted: '1' } as never;
      const [read] = await through([pairLine(task, { chosen, rejected }, () => []).text]);
      expect(readWorked(task, read!.value!)).toEqual({ text: request, rationale: good });
    }),
    { numRuns: 100 },
  );
});
