/** CSV, Parquet and gzip as data of tasks: the same rows as in JSON Lines, and hostile files refused by name. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { readData, type DataRow } from '../../tasks/data/read.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import { MAX_LINE_BYTES } from '../../tasks/lines.ts';
import { collect } from './collect.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-data-'));
afterAll(() => rmSync(folder, { recursive: true }));

type Options = Parameters<typeof readData>[2];

async function read(path: string, options?: Options): Promise<DataRow[]> {
  const rows: DataRow[] = [];
  for await (const row of readData('prompts file', path, options)) rows.push(row);
  return rows;
}

let files = 0;
function fileOf(ending: string, content: string | Buffer): string {
  const path = join(folder, `${++files}${ending}`);
  writeFileSync(path, content);
  return path;
}
const readAs = (ending: string, content: string | Buffer, options?: Options) =>
  read(fileOf(ending, content), options);
const refusal = (ending: string, content: string | Buffer): Promise<string> =>
  readAs(ending, content).then(
    () => expect.unreachable('it was read'),
    (error: Error) => {
      expect(error).toBeInstanceOf(InvalidInputError);
      return error.message.replace(/^prompts file \S+: /, '');
    },
  );

describe('CSV', () => {
  it('is rows of texts under the names of its first line, each with its place', async () => {
    const text = '\uFEFF,question,answer\r\n0,"a ""b"",\r\nc",007\r\n\r\n1,é\u2028, 5 \r\n';
    expect(await readAs('.csv', text)).toEqual([
      { row: 1, at: 'row 1', value: { question: 'a "b",\r\nc', answer: '007' } },
      { row: 2, at: 'row 2', value: { question: 'é\u2028', answer: ' 5 ' } },
    ]);
    expect(await readAs('.tsv', 'a\tb\nx,y\t"z"')).toMatchObject([{ value: { a: 'x,y', b: 'z' } }]);
  });

  it('has a range of rows, which does not count the header', async () => {
    const rows = await readAs('.csv', 'a\n1\n2\n3\n4', { from: 2, to: 3 });
    expect(rows.map(({ value }) => value!['a'])).toEqual(['2', '3']);
  });

  it('has bad rows named by their place, and goes on behind them', async () => {
    const bytes = Buffer.concat([
      Buffer.from('a,b\n1\n1,caf'),
      Buffer.from([0xe9]),
      Buffer.from('\n1,2,3\nx,y\n'),
    ]);
    expect(await readAs('.csv', bytes)).toEqual([
      { row: 1, at: 'row 1', problem: 'has 1 cells where the first line has 2' },
      {
        row: 2,
        at: 'row 2',
        problem: expect.stringMatching(/^has a "b" that is not UTF-8: byte 4 is 0xE9/),
      },
      { row: 3, at: 'row 3', problem: 'has 3 cells where the first line has 2' },
      { row: 4, at: 'row 4', value: { a: 'x', b: 'y' } },
    ]);
  });

  it.each<[string, string | Buffer, RegExp]>([
    ['a quote that is not closed', 'a,b\n1,"hunter2\n3,4\n', /^a quote is opened and not closed/],
    ['words behind a quote', 'a,b\n1,"x"hunter2\n', /^something stands between a closing quote/],
    ['a quote in mid-cell', 'a,b\n1,hun"ter2\n', /^a quote stands within a cell/],
    ['semicolons', 'a;b\n1;2\n', /^is separated by semicolons/],
    ['tabs', 'a\tb\n1\t2\n', /^is separated by tabs/],
    ['a name twice', 'a,b,a\n1,2,3\n', /^has two columns of one name: "a"/],
    ['UTF-16', Buffer.from('\uFEFFa,b\n', 'utf16le'), /^is UTF-16/],
    ['Parquet', Buffer.from('PAR1....'), /^is Parquet/],
  ])('with %s is refused, and nothing of it is quoted', async (_, content, said) => {
    const problem = await refusal('.csv', content);
    expect(problem).toMatch(said);
    expect(problem).not.toContain('hunter2');
  });

  it('may have a row as long as a line may be, and no longer', async () => {
    expect(await refusal('.csv', `a\n"${'x'.repeat(MAX_LINE_BYTES + 8)}`)).toMatch(
      /^a row has more than 16 MiB/,
    );
    const [row] = await readAs('.csv', `a\n"${'x'.repeat(MAX_LINE_BYTES)}"`);
    expect(row!.value!['a']).toHaveLength(MAX_LINE_BYTES);
  });

  it('comes back as it was written, whatever stands in it', async () => {
    const cell = fc.string({ unit: 'binary', maxLength: 12 });
    const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(cell, cell), { maxLength: 5 }), async (rows) => {
        const lines = [['a', 'b'], ...rows].map((row) => `${row.map(quoted).join(',')}\r\n`);
        const back = await readAs('.csv', lines.join(''));
        expect(back.map(({ value }) => [value!['a'], value!['b']])).toEqual(rows);
      }),
      { numRuns: 100 },
    );
  });
});

describe('gzip', () => {
  const rows = Array.from({ length: 2000 }, (_, i) => `${JSON.stringify({ a: i, b: `${i * i}` })}\n`).join(
    '',
  );

  it('of JSON Lines and CSV is read as what it holds', async () => {
    expect(await readAs('.jsonl.gz', gzipSync('{"a": 1}\n\n{"a": 2}'))).toEqual([
      { row: 1, at: 'line 1', value: { a: 1 } },
      { row: 3, at: 'line 3', value: { a: 2 } },
    ]);
    expect(await readAs('.csv.gz', gzipSync('a\n1'))).toMatchObject([{ value: { a: '1' } }]);
    expect(await readAs('.TSV.GZ', gzipSync('a\tb\n1\t2'))).toMatchObject([{ value: { a: '1', b: '2' } }]);
  });

  it.each<[string, string, Buffer, RegExp]>([
    ['cut off', '.jsonl.gz', gzipSync(rows).subarray(0, 3000), /^ends too early/],
    ['altered', '.jsonl.gz', altered(gzipSync(rows), 3000), /^is damaged/],
    ['not packed', '.jsonl.gz', Buffer.from(rows), /no gzip file in spite of its name/],
    ['packed twice', '.jsonl.gz', gzipSync(gzipSync(rows)), /^is packed \(gzip\)/],
    ['Parquet', '.parquet.gz', gzipSync('PAR1'), /^Parquet packs itself/],
    // 10^8 empty lines would take their time, 10^8 bytes of one line their memory.
    ['a bomb of lines', '.jsonl.gz', gzipSync(Buffer.alloc(2 ** 27, '\n')), /more than 200 times its size/],
    [
      'a bomb of one line',
      '.csv.gz',
      gzipSync(Buffer.alloc(2 ** 27, ' ')),
      /more than 200 times|more than 16 MiB/,
    ],
  ])('that is %s is refused', async (_, ending, bytes, said) => {
    expect(await refusal(ending, bytes)).toMatch(said);
  });

  it('under another name is said to need one', async () => {
    expect(await refusal('.jsonl', gzipSync(rows))).toMatch(/is packed \(gzip\).*ends in \.gz/);
  });
});

function altered(bytes: Buffer, at: number): Buffer {
  const other = Buffer.from(bytes);
  other[at]! ^= 0xff;
  return other;
}

/** Written by PyArrow 22: eight rows in three groups; zstd with pages of the second version. */
const written = (codec: string) => join(import.meta.dirname, 'fixtures/data', `pyarrow-${codec}.parquet`);

describe('Parquet', () => {
  it.each(['snappy', 'zstd', 'gzip', 'brotli'])('that PyArrow has packed with %s is read', async (codec) => {
    const rows = await read(written(codec));
    expect(rows).toHaveLength(8);
    expect(rows[2]).toEqual({
      row: 3,
      at: 'row 3',
      // No share: there was none. The whole number is more than JavaScript can hold.
      value: {
        question: 'What is 3 + 3? é',
        answer: 6,
        big: '9007199254740996',
        messages: [
          { role: 'user', content: 'q3' },
          { role: 'assistant', content: 'a3' },
        ],
        tags: ['x', 'x', 'x'],
        when: '2024-01-04T00:00:00.000Z',
      },
    });
    expect(rows[7]!.value).toMatchObject({ answer: 16, share: 4 });
  });

  it('gives the wanted columns of the wanted rows', async () => {
    const rows = await read(written('snappy'), { from: 3, to: 4, columns: ['answer', 'none'] });
    expect(rows).toEqual([
      { row: 3, at: 'row 3', value: { answer: 6 } },
      { row: 4, at: 'row 4', value: { answer: 8 } },
    ]);
  });

  const bytes = readFileSync(written('snappy'));
  it.each<[string, Buffer, RegExp]>([
    ['no Parquet', Buffer.from('{"a": 1}\n{"a": 2}'), /^is no Parquet file in spite of its name/],
    ['empty', Buffer.alloc(0), /^is no Parquet file/],
    ['cut off', bytes.subarray(0, 3000), /^is cut off: the end/],
    ['without its middle', Buffer.concat([bytes.subarray(0, 100), bytes.subarray(-4000)]), /cut off|damaged/],
    [
      'described without end',
      Buffer.concat([bytes.subarray(0, -8), Buffer.from([0xff, 0xff, 0xff, 0x7f]), Buffer.from('PAR1')]),
      /^is described in more than 64 MiB/,
    ],
  ])('that is %s is refused', async (_, content, said) => {
    expect(await refusal('.parquet', content)).toMatch(said);
  });

  it('in a packing that is not read says so', async () => {
    await expect(read(written('lz4'))).rejects.toThrow(/is packed with LZ4_RAW, which is not read/);
  });

  it('of any altered bytes is read to its end or refused, in little time', { timeout: 60_000 }, async () => {
    const change = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(change, async (changes) => {
        const other = Buffer.from(bytes);
        for (const [at, byte] of changes) other[at] = byte;
        const began = performance.now();
        const outcome = await readAs('.parquet', other).catch((error: unknown) => error);
        if (!Array.isArray(outcome)) expect(outcome).toBeInstanceOf(InvalidInputError);
        expect(performance.now() - began).toBeLessThan(5000);
      }),
      { numRuns: 500 },
    );
  });
});

describe('a task', () => {
  const task = (prompts: string, answers = '{ from: 2, to: 5 }') =>
    fileOf(
      '.yaml',
      `name: mixed
prompts: { file: ${JSON.stringify(prompts)}, field: question }
benchmarks: [{ name: exam, role: target, file: ${JSON.stringify(written('zstd'))}, rows: ${answers} }]
answer: { read: last-number }
`,
    );

  it('takes prompts from packed CSV and problems from Parquet', async () => {
    const prompts = fileOf(
      '.csv.gz',
      gzipSync('question,note\r\n"How many?\nSay.",x\r\nWhat is 9 + 9?,\r\n'),
    );
    const read = loadTask(await resolveTask(task(prompts)));
    expect(await collect(read.benchmarks[0]!.items())).toEqual(
      [2, 3, 4, 5].map((i) => ({
        key: `what is ${i} + ${i}? é`,
        text: `What is ${i} + ${i}? é`,
        answer: `${2 * i}`,
      })),
    );
    const drawn = await collect(read.prompts({ seed: 1, count: 5, exclude: () => false }));
    expect(drawn.map(({ text }) => text).toSorted()).toEqual(['How many?\nSay.', 'What is 9 + 9?']);
  });

  it('has bad rows named by file, row and column', async () => {
    const prompts = fileOf('.csv', 'question,answer\n,1\n');
    await expect(resolveTask(task(prompts))).rejects.toThrow(
      `prompts file ${prompts}, row 1 has an empty "question"`,
    );
    const other = fileOf('.csv', 'prompt\nx\n');
    await expect(resolveTask(task(other))).rejects.toThrow(`${other}, row 1 has no field "question"`);
  });
});
