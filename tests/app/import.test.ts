/** `ratchet import`: which lines are taken, which are refused by name, and what later runs make of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { sql } from 'drizzle-orm';
import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { datasetText } from '../../activities/adapt/dataset.ts';
import { importFile, type ImportedAs } from '../../app/imports/import.ts';
import { lineRanges } from '../../app/imports/problems.ts';
import { readProblem, readWorked } from '../../app/imports/read-line.ts';
import { addRevocations } from '../../db/queries/revoke.ts';
import * as t from '../../db/schema.ts';
import { fileTaskSchema } from '../../tasks/file/schema.ts';
import { fileTask } from '../../tasks/file/index.ts';
import { loadTask } from '../../tasks/index.ts';
import type { Task } from '../../tasks/task.ts';
import { ratchet } from '../support/cli-process.ts';
import { asked } from '../support/exports.ts';
import { useLoop } from '../support/loop.ts';
import { adder, longAddition } from '../support/scripted-adder.ts';

const loop = useLoop(adder);
const folder = mkdtempSync(join(tmpdir(), 'ratchet-import-'));
afterAll(() => rmSync(folder, { recursive: true }));

const arithmetic = loadTask({ kind: 'arithmetic' });

let files = 0;
function fileOf(rows: (object | string)[]): string {
  const file = join(folder, `${++files}.jsonl`);
  writeFileSync(file, rows.map((row) => `${typeof row === 'string' ? row : JSON.stringify(row)}\n`).join(''));
  return file;
}

const take = (rows: (object | string)[], as: ImportedAs, more: object = {}, task: Task = arithmetic) =>
  importFile(loop.database.db, task, fileOf(rows), { as, by: 'ada', similarity: 0.8, ...more });

const chat = (request: string, rationale = longAddition(request)) => ({
  messages: [
    { role: 'user', content: request },
    { role: 'assistant', content: rationale },
  ],
});

async function counts() {
  const { db } = loop.database;
  return { prompts: await db.$count(t.storedPrompts), given: await db.$count(t.givenExamples) };
}

describe('reading lines', () => {
  const words = fileTask({
    kind: 'file',
    path: '/task.yaml',
    task: fileTaskSchema.parse({
      name: 'words',
      prompts: { file: '/p.jsonl' },
      benchmarks: [{ name: 'exam', role: 'target', file: '/e.jsonl' }],
      system: 'Be brief.',
      template: 'Question: {prompt}\nAnswer:',
      answer: { read: 'last-number' },
    }),
  });
  const asks = [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: 'Question: How many?\nAnswer:' },
  ];

  test.each([
    [{ messages: [...asks, { role: 'assistant', content: '4' }] }],
    [{ prompt: asks, completion: [{ role: 'assistant', content: '4' }] }],
    [{ prompt: asks, chosen: [{ role: 'assistant', content: '4' }], rejected: [] }],
    [{ prompt: 'How many?', completion: '4' }],
    [{ prompt: 'Other form', request: 'How many?', rationale: '4', answer: '9', metadata: {} }],
  ])('the way of asking is taken off %j', (row) => {
    expect(readWorked(words, row)).toEqual({ text: 'How many?', rationale: '4' });
    expect(readProblem(words, row)).toEqual({ text: 'How many?' });
  });

  test.each([
    [{ text: 'How many?' }, 'has no field "prompt" or "messages"'],
    [{ prompt: 'How many?' }, 'has no answer of the assistant'],
    [{ messages: [{ role: 'tool', content: '' }] }, 'with the role "\\"tool\\""'],
    [{ messages: [{ role: 'user', content: 3 }] }, 'whose content is no text'],
    [
      { messages: [{ role: 'system', content: 'Rhyme.' }, asks[1], { role: 'assistant', content: '4' }] },
      "a system message that is not the task's",
    ],
    [
      {
        messages: [
          asks[1],
          { role: 'assistant', content: '4' },
          asks[1],
          { role: 'assistant', content: '4' },
        ],
      },
      'conversation',
    ],
    [{ prompt: 'How many?', completion: '4', answer: [4] }, 'no text or number'],
  ])('%j is refused', (row, why) => expect(readWorked(words, row)).toContain(why));

  test('lines are named in ranges', () => expect(lineRanges([3, 4, 5, 9, 11, 12])).toBe('3–5, 9, 11–12'));
});

describe('a file', () => {
  beforeEach(async () => {
    await loop.database.db.delete(t.storedPrompts);
  });

  test('of CSV is taken by its rows, and a cell without text is nothing', async () => {
    const file = join(folder, 'worked.csv');
    const good = asked('90017+80019');
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    const write = (more: string) =>
      writeFileSync(
        file,
        `prompt,completion,rationale\n${quoted(good)},${quoted(longAddition(good))},\n${more}`,
      );
    const options = { as: 'examples', by: 'ada', similarity: 0.8 } as const;
    const { db } = loop.database;
    write('two plus two,4,\n');
    await expect(importFile(db, arithmetic, file, options)).rejects.toThrow(
      /1 of 2 rows can't be used:\n {2}row 2 is no sum of two whole numbers/,
    );
    write('');
    expect(await importFile(db, arithmetic, file, options)).toMatchObject({ lines: 1, added: 1 });
    const [stored] = await db
      .select()
      .from(t.givenExamples)
      .where(sql`origin like 'worked.csv%'`);
    expect(stored!.origin).toBe('worked.csv, row 1');
  });

  test('with bad lines is refused whole, each line by its number', async () => {
    const before = await counts();
    const good = asked('90017+80019');
    const rows = [
      chat(good),
      'no json',
      chat('90017+80019'),
      chat(good, 'I think 170036.'),
      { prompt: good, completion: longAddition(good), answer: '7' },
      chat(good, longAddition(good, 2)),
      ...Array.from({ length: 20 }, () => ({ prompt: 'two plus two', completion: '4' })),
    ];
    const refused = await take(rows, 'examples').catch((error: Error) => error.message);
    expect(refused).toContain('25 of 26 lines');
    expect(refused).toContain('line 2 is not JSON');
    expect(refused).toContain('line 3 asks in a form that the task does not use: "90017+80019"');
    expect(refused).toContain("line 4 is not in the task's format");
    expect(refused).toContain('line 5 leads to "170036", not to its "answer" "7"');
    expect(refused).toContain('line 6 gives another answer than line 1');
    expect(refused).toContain('line 7 is no sum of two whole numbers');
    expect(refused).toContain('and so are lines 22–26');
    expect(await counts()).toEqual(before);
  });

  test('is taken once: equal lines and equal files add nothing', async () => {
    const rows = [{ prompt: '81234+71111' }, { prompt: '71111+81234' }, { prompt: '81234+71112', extra: 1 }];
    expect(await take(rows, 'prompts')).toMatchObject({
      lines: 3,
      added: 2,
      known: 1,
      heldOut: [],
      leftAside: { extra: 1 },
    });
    expect(await take(rows, 'prompts')).toMatchObject({ lines: 3, added: 0, known: 3, heldOut: [] });
    expect(await counts()).toMatchObject({ prompts: 2 });
  });

  test('with held-out problems is refused, unless they are to be left out', async () => {
    const items = [];
    for await (const item of arithmetic.benchmarks[0]!.items()) items.push(item);
    const rows = [{ prompt: '81234+71111' }, { prompt: items[0]!.text }, chat(items[1]!.text)];
    await expect(take(rows, 'prompts')).rejects.toThrow(
      /line 2 is a held-out problem of the benchmark target\n.*line 3 is a held-out problem/,
    );
    expect(await counts()).toMatchObject({ prompts: 0 });
    expect(await take(rows, 'prompts', { skipHeldOut: true })).toMatchObject({ added: 1, heldOut: [2, 3] });
  });

  test('that contradicts what was given before is refused', async () => {
    const request = asked('55001+44002');
    await loop.database.db.insert(t.givenExamples).values({
      task: 'arithmetic',
      key: '44002+55001',
      text: request,
      rationale: 'r',
      answer: '1',
      source: 'gateway',
      origin: 'request 1',
      by: 'bob',
    });
    await expect(take([chat(request)], 'examples')).rejects.toThrow(
      'line 1 gives another answer than was given before: 99003, not 1',
    );
    await loop.database.db.delete(t.givenExamples);
  });
});

const poolOf = (run: string) =>
  loop.rows<{ text: string; purpose: string; key: string }>(
    sql`select p.text, p.purpose, p.key from prompts p join iterations i on i.id = p.iteration_id where i.run_id = ${run} order by p.position`,
  );

describe('later runs', () => {
  const cli = (args: string[]) =>
    ratchet(args, { env: { DATABASE_URL: loop.database.url, RATCHET_HOME: join(folder, 'home') } });

  test('draw the prompts first, and learn from the examples, which why and revoke know', async () => {
    const { db } = loop.database;
    const stored = ['1234+1111', '1234+2221', '1234+3331', '1234+4441'];
    const given = ['91234+81111', '91234+82222'].map((problem) => asked(problem));
    const promptFile = fileOf(stored.map((prompt) => ({ prompt })));
    const exampleFile = fileOf(given.map((request) => chat(request)));
    const taken = await cli(['import', promptFile, '--task', 'arithmetic', '--as', 'prompts']);
    expect(taken).toMatchObject({ code: 0, stderr: '' });
    expect(taken.stdout).toContain('4 prompts of');
    const examples = await cli([
      'import',
      exampleFile,
      '--task',
      'arithmetic',
      '--as',
      'examples',
      '--by',
      'ada',
      '--note',
      'by hand',
    ]);
    expect(examples).toMatchObject({ code: 0, stderr: '' });

    await loop.improve('taught', loop.small());
    const pool = await poolOf('taught');
    expect(
      pool
        .filter((one) => one.purpose === 'learn')
        .slice(0, 4)
        .map((one) => one.text)
        .toSorted(),
    ).toEqual(stored);
    expect(pool.filter((one) => one.purpose === 'learn')).toHaveLength(24);
    expect(pool.filter((one) => one.purpose === 'given').map((one) => one.text)).toEqual(given);

    const [drawn] = await loop.rows<{ id: number }>(
      sql`select p.id::int from prompts p join iterations i on i.id = p.iteration_id where i.run_id = 'taught' and p.text = ${stored[2]!}`,
    );
    const origin = await cli(['why', `prompt:${drawn!.id}`]);
    expect(origin.stdout).toMatch(new RegExp(`imported +${basename(promptFile)}, line 3`));

    const [example] = await loop.rows<{ id: number; datasetId: number }>(
      sql`select e.id::int, m.dataset_id::int as "datasetId" from examples e join dataset_examples m on m.example_id = e.id where e.run_id = 'taught' and e.kind = 'human' order by e.id`,
    );
    expect(await datasetText(db, arithmetic, example!.datasetId)).toContain(
      JSON.stringify({ messages: chat(given[0]!).messages }),
    );
    const why = await cli(['why', `example:${example!.id}`]);
    expect(why.stdout).toContain(`given by ada: ${basename(exampleFile)}, line 1; by hand`);
    expect(why.stdout).toContain('no model was asked: a person wrote it');

    // Exported, they say who vouches for them, and that no checkpoint wrote them.
    const { stdout } = await cli(['export', 'taught', '--format', 'jsonl']);
    const rows = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(rows.filter((row) => row.kind === 'human')).toMatchObject([
      { answer: '172345', checkpoint: 0, strategy: 'given', gates: [{ gate: 'human', outcome: 'pass' }] },
      { answer: '173456', checkpoint: 0 },
    ]);

    // Revoked, it is in no later run's training set either.
    await addRevocations(db, [example!.id], { reason: 'wrong', by: 'ada' });
    await loop.improve('later', loop.small());
    const learnt = await loop.rows<{ request: string }>(
      sql`select s.request from dataset_examples m join examples e on e.id = m.example_id join samples s on s.id = e.sample_id where e.run_id = 'later' and e.kind = 'human'`,
    );
    expect(learnt.map((one) => one.request)).toEqual([given[1]]);
  }, 300_000);

  test('may leave both alone, and contrast arms learn from nobody’s word', async () => {
    await loop.improve('alone', {
      ...loop.small(),
      pool: { prompts: 24, rehearsal: 4, stored: 'off' },
      experiment: 'ungated',
    });
    const pool = await poolOf('alone');
    expect(pool.map((one) => one.text)).not.toContain('1234+1111');
    expect(pool.filter((one) => one.purpose === 'given')).toEqual([]);
    await loop.improve('only', {
      ...loop.small(),
      pool: { prompts: 24, rehearsal: 4, stored: 'only' },
      training: { given: false },
    });
    const only = await poolOf('only');
    expect(only.filter((one) => one.purpose === 'learn')).toHaveLength(4);
    expect(only.filter((one) => one.purpose === 'given')).toEqual([]);
  }, 300_000);
});
