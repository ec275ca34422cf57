/** Lines of JSON from files of any bytes: each is what it says, or is refused by its number. */
import { createHash, randomBytes } from 'node:crypto';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { decodeUtf8 } from '../../tasks/decode.ts';
import { isExact, MAX_DEPTH, parseExactly } from '../../tasks/exact-json.ts';
import { readJsonl, type JsonLine } from '../../tasks/jsonl.ts';
import { MAX_LINE_BYTES, readLines } from '../../tasks/lines.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-jsonl-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function all<T>(lines: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const line of lines) found.push(line);
  return found;
}

let files = 0;
function fileOf(content: string | Buffer): string {
  const path = join(folder, `${++files}.jsonl`);
  writeFileSync(path, content);
  return path;
}
async function read(content: string | Buffer): Promise<JsonLine[]> {
  return all(readJsonl('prompts file', fileOf(content)));
}
const refusal = (content: string | Buffer) =>
  read(content).then(
    () => expect.unreachable('it was read'),
    (error: Error) => error.message.replace(/^prompts file \S+ /, ''),
  );

describe('a line', () => {
  it('ends at line feeds and returns alone, and is counted as editors count', async () => {
    const rows = [{ a: 'x\u2028y\u2029z\u0085' }, { a: 'b' }, { a: 'c' }, { a: 'd' }];
    const text = rows.map((row) => JSON.stringify(row));
    expect(await read(`${text[0]}\n${text[1]}\r\n\n${text[2]}\r${text[3]}`)).toEqual([
      { line: 1, value: rows[0] },
      { line: 2, value: rows[1] },
      { line: 4, value: rows[2] },
      { line: 5, value: rows[3] },
    ]);
  });

  it('is cut nowhere, wherever the blocks of the file end', async () => {
    const block = 1 << 18;
    for (const length of [block - 12, block - 11, block - 10, block - 9, block - 8, 3 * block]) {
      const value = { a: 'é'.repeat(length / 2), b: 1 };
      expect(await read(`${JSON.stringify(value)}\r\n{"last": true}`)).toEqual([
        { line: 1, value },
        { line: 2, value: { last: true } },
      ]);
    }
  });

  it('that is longer than any may be is refused, and the next ones are read', async () => {
    const path = join(folder, 'long.jsonl');
    const file = openSync(path, 'w');
    const part = Buffer.alloc(1 << 20, 'x');
    for (let i = 0; i < MAX_LINE_BYTES / part.length; i++) writeSync(file, part);
    writeSync(file, 'x\n{"a": 1}\n');
    closeSync(file);
    expect(await all(readJsonl('prompts file', path))).toEqual([
      { line: 1, problem: 'has more than 16 MiB' },
      { line: 2, value: { a: 1 } },
    ]);
  });

  it('may have as many bytes as the limit, and not one more', async () => {
    const path = fileOf('12345\n123456\n12345\r\n\n1');
    const lines = await all(readLines('file', path, 5));
    expect(lines.map(({ line, bytes }) => [line, bytes?.toString()])).toEqual([
      [1, '12345'],
      [2, undefined],
      [3, undefined],
      [5, '1'],
    ]);
  });

  it.each<[string, string, string]>([
    ['a word', 'hello', 'is not JSON'],
    ['an end that is missing', '{"a": 1', 'is not JSON (column 8)'],
    ['a list', '[1]', 'is not a JSON object'],
    ['a number', '5', 'is not a JSON object'],
    ['a comma too many', '{"a": 1,}', 'is not JSON (column 9)'],
    ['a key twice', '{"a": 1, "a": 2}', 'has a key twice (column 10): "a"'],
    ['a key twice, once escaped', '{"a": 1, "\\u0061": 2}', 'has a key twice (column 10): "a"'],
    ['a key twice within', '{"m": [{"role": "u", "role": "v"}]}', 'has a key twice (column 22): "role"'],
    [
      'too much within',
      `{"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
      'is nested more than 100 deep (column 106)',
    ],
  ])('with %s is refused', async (_, text, problem) => {
    const [first, second] = await read(`${text}\n{"a": 1}`);
    expect(first!.problem).toMatch(problem.endsWith('JSON') ? /^is not JSON/ : /./);
    if (!problem.endsWith('JSON')) expect(first).toEqual({ line: 1, problem });
    expect(second).toEqual({ line: 2, value: { a: 1 } });
  });

  it('quotes nothing of what it holds', async () => {
    for (const text of [
      'hunter2',
      '{"a": hunter2}',
      '{"a": "hunter2" "b"}',
      '{"k": 1, "b": hunter2',
      '"hunter2"',
    ])
      expect((await read(text))[0]!.problem).not.toContain('hunter');
  });

  it('may be nested as deep as the limit', () => {
    const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
    expect(parseExactly(nested(MAX_DEPTH)).problem).toBeUndefined();
    expect(parseExactly(nested(MAX_DEPTH + 1)).problem).toMatch(/nested more than 100/);
  });

  it('with equal keys in different objects, and strings that look like keys, is read', async () => {
    const value = {
      a: { x: 1 },
      b: [{ x: 2 }, { x: 3 }],
      c: '"a": 1, "a": 2',
      d: ['a', 'a', ':', 'a'],
      '\\': '\\"',
    };
    expect(await read(JSON.stringify(value))).toEqual([{ line: 1, value }]);
  });
});

describe('numbers', () => {
  it.each([
    ['9007199254740992', 9007199254740992],
    ['9007199254740993', '9007199254740993'],
    ['-9007199254740993', '-9007199254740993'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['3.14159265358979323846', '3.14159265358979323846'],
    ['3.3333333333333335', 3.3333333333333335],
    ['0.1', 0.1],
    ['1.0', 1],
    ['1e2', 100],
    ['-0', -0],
    ['0e5', 0],
    ['1e999', '1e999'],
    ['1e-999', '1e-999'],
    ['100000000000000000000', 1e20],
    ['1e21', 1e21],
  ])('%s is %s: exact, or a text of its digits', async (source, value) => {
    expect(await read(`{"answer": ${source}, "in": [${source}]}`)).toEqual([
      { line: 1, value: { answer: value, in: [value] } },
    ]);
  });

  it('are exact where JavaScript writes them itself', () => {
    fc.assert(fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (n) => isExact(String(n))));
  });

  it('of whole digits are exact just where a big integer agrees', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 25n), max: 10n ** 25n }), (n) => {
        // What a double holds is compared as it is written, which is what becomes of it.
        const shown = BigInt(Number(n).toLocaleString('fullwide', { useGrouping: false }));
        expect(isExact(String(n))).toBe(shown === n);
      }),
    );
  });
});

describe('a file', () => {
  const row = '{"prompt": "é"}\n';
  it.each<[string, Buffer, RegExp]>([
    ['gzip', gzipSync(row), /is packed \(gzip\): .* unpack it first, with gunzip/],
    ['zip', Buffer.from('PK\u0003\u0004rest of it'), /is packed \(zip\)/],
    ['zstd', Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]), /is packed \(zstd\)/],
    ['Parquet', Buffer.from('PAR1....'), /is Parquet/],
    ['UTF-16', Buffer.from(`\uFEFF${row}`, 'utf16le'), /is UTF-16.*iconv/],
    ['UTF-16, high byte first', Buffer.from(`\uFEFF${row}`, 'utf16le').swap16(), /is UTF-16/],
    ['UTF-16 without its mark', Buffer.from(row, 'utf16le'), /is UTF-16/],
    ['the same, high byte first', Buffer.from(row, 'utf16le').swap16(), /is UTF-16/],
    ['UTF-32', Buffer.from([0xff, 0xfe, 0, 0, 0x7b, 0, 0, 0]), /is UTF-32/],
  ])('in %s says so', async (_, bytes, said) => {
    expect(await refusal(bytes)).toMatch(said);
  });

  it('in Latin-1 is refused line by line, with the place', async () => {
    const bytes = Buffer.concat([Buffer.from('{"a": 1}\n'), Buffer.from('{"a": "caf\xe9"}\n', 'latin1')]);
    expect(await read(bytes)).toEqual([
      { line: 1, value: { a: 1 } },
      { line: 2, problem: expect.stringMatching(/^is not UTF-8: byte 11 is 0xE9; save the file as UTF-8/) },
    ]);
  });

  it('with a byte-order mark, without an end, or empty is read', async () => {
    expect(await read('\uFEFF{"a": 1}')).toEqual([{ line: 1, value: { a: 1 } }]);
    expect(await read('')).toEqual([]);
    expect(await read('\n\r\n \n')).toEqual([]);
  });

  it('that is none is named', async () => {
    await expect(all(readJsonl('prompts file', join(folder, 'none')))).rejects.toThrow(/no such file/);
    await expect(all(readJsonl('prompts file', folder))).rejects.toThrow(/is a folder/);
  });

  it('of lines that never end is given up', async () => {
    await expect(all(readLines('file', '/dev/zero'))).rejects.toThrow(/UTF|no file of lines/);
  });

  it('of any bytes is read to its end, or refused in words', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }).map((all) => Buffer.from(all)),
      fc.string({ unit: 'binary', maxLength: 200 }).map((text) => Buffer.from(text)),
      fc.json().map((text) => Buffer.from(text)),
      fc
        .array(fc.json({ noUnicodeString: false }), { maxLength: 6 })
        .map((all) => Buffer.from(all.join('\r\n'))),
    );
    await fc.assert(
      fc.asyncProperty(bytes, async (content) => {
        const lines = await read(content).catch((error: unknown) => {
          expect(error).toMatchObject({ name: 'InvalidInputError' });
          return [];
        });
        for (const { line, value, problem } of lines) {
          expect(line).toBeGreaterThan(0);
          expect(value === undefined).toBe(problem !== undefined);
        }
      }),
      { numRuns: 300 },
    );
  });

  it('of what JSON.stringify writes comes back as it was', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), { maxLength: 5 }),
        async (rows) => {
          const back = await read(rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
          expect(back.map(({ value }) => JSON.stringify(value))).toEqual(
            rows.map((row) => JSON.stringify(row)),
          );
        },
      ),
      { numRuns: 200 },
    );
  });
});

it('bytes are UTF-8 just where Node says so, and the place is that of the first bad one', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 40 }),
    fc.string({ unit: 'grapheme', maxLength: 20 }).map((text) => new Uint8Array(Buffer.from(text))),
  );
  fc.assert(
    fc.property(bytes, (given) => {
      const read = decodeUtf8(given);
      const valid = Buffer.from(given).toString('utf8');
      if ('text' in read) expect(read.text).toBe(valid);
      else {
        const at = Number(/byte (\d+)/.exec(read.problem)![1]) - 1;
        expect(decodeUtf8(given.subarray(0, at))).toHaveProperty('text');
        expect(at).toBeLessThan(given.length);
        for (let more = 1; more <= 4 && at + more <= given.length; more++)
          expect(decodeUtf8(given.subarray(0, at + more))).toHaveProperty('problem');
      }
    }),
    { numRuns: 2000 },
  );
});

it('a large file is read within little memory', async () => {
  const path = join(folder, 'large.jsonl');
  const file = openSync(path, 'w');
  const text = randomBytes(1 << 19).toString('hex');
  const row = Buffer.from(`${JSON.stringify({ text })}\n`);
  for (let i = 0; i < 100; i++) writeSync(file, row);
  closeSync(file);
  const digest = createHash('sha256').update(text).digest('hex');
  let rows = 0;
  for await (const { value } of readJsonl('file', path)) {
    rows += 1;
    if (rows === 100) expect(createHash('sha256').update(String(value!.text)).digest('hex')).toBe(digest);
  }
  expect(rows).toBe(100);
  expect(process.memoryUsage().rss).toBeLessThan(1.5 * 2 ** 30);
});
