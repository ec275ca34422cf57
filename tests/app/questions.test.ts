/** Prompts from documents: what is asked, kept and dropped, that nothing is asked twice, and that a task collects them. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { makeQuestions, type QuestionsAsked } from '../../app/questions/make.ts';
import { actAsUser } from '../../tasks/access.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import { ratchet } from '../support/cli-process.ts';
import { pdfOf } from '../support/pdf.ts';
import { readingWriter } from '../support/reading-writer.ts';
import { startScriptedEndpoint, type Script, type ScriptedEndpoint } from '../support/scripted-endpoint.ts';
import { collect } from '../tasks/collect.ts';
import { until } from '../support/wait.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-questions-'));
let endpoint: ScriptedEndpoint;
let files = 0;

beforeAll(() => actAsUser());
afterEach(() => endpoint.close());
afterAll(() => rmSync(folder, { recursive: true }));

const start = async (changes: Partial<Script> = {}) => {
  endpoint = await startScriptedEndpoint({ ...readingWriter, ...changes });
};
const write = (content: string | Buffer, ending = 'md') => {
  const file = join(folder, `${++files}.${ending}`);
  writeFileSync(file, content);
  return file;
};
const outFile = () => join(folder, `${++files}.jsonl`);
const make = (documents: string[], out: string, changes: Partial<QuestionsAsked> = {}) =>
  makeQuestions(
    {
      documents,
      out,
      endpoint: { baseURL: endpoint.url },
      perPassage: 10,
      limit: Infinity,
      seed: 1,
      unknown: false,
      skipUnreadable: false,
      ...changes,
    },
    new AbortController().signal,
  );
const rowsIn = (out: string) =>
  readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { prompt: string; answer: string; source: Record<string, unknown> });
const dropped = (made: Awaited<ReturnType<typeof make>>) =>
  Object.fromEntries(made.dropped.map(({ reason, count }) => [reason, count]));

const NORRBY = `# Norrby
## Sights
The lighthouse of Norrby has 211 steps. The tower of Norrby has 4 clocks.
The bridge of Norrby has 9 arches. The canal of Norrby has 3 locks.

The square of Norrby has 12 trees. The mill of Norrby has 5 sails.
The belfry of Norrby has 211 steps.

# Churches
The church of Norrby has 7 bells. Nobody rings them on a Monday.
`;

describe('questions', () => {
  it('are kept with their passage, and what is dropped is counted by its reason', async () => {
    await start();
    const document = write(NORRBY);
    const pdf = write(
      pdfOf([
        [
          { text: 'Harbour', y: 780, size: 18 },
          { text: 'The harbour of Soderby has 30 boats. All of them are blue.', y: 750 },
        ],
      ]),
      'pdf',
    );
    const bad = write('The market has gibberish for sale, and nothing but that, every day.', 'txt');
    const out = outFile();
    const made = await make([document, pdf, bad], out);
    expect(dropped(made)).toEqual({
      leans: 1,
      quote: 1,
      answer: 1,
      givesAway: 1,
      notFromPassage: 1,
      sameFact: 1,
      unread: 1,
    });
    expect(made).toMatchObject({ model: 'writer', asked: 4, documents: { files: 3, passages: 4 } });
    expect(rowsIn(out)).toEqual([
      {
        prompt: 'How many steps has the lighthouse of Norrby?',
        answer: '211 steps',
        source: {
          file: expect.stringMatching(/\.md$/),
          passage: expect.stringMatching(/\.md#1$/),
          digest: expect.stringMatching(/^[0-9a-f]{64}$/),
          heading: 'Norrby, Sights',
          quote: 'The lighthouse of Norrby has 211 steps.',
          model: 'writer',
        },
      },
      expect.objectContaining({ prompt: 'How many bells has the church of Norrby?', answer: '7 bells' }),
      expect.objectContaining({
        answer: '30 boats',
        source: expect.objectContaining({ heading: 'Harbour', page: 1 }),
      }),
    ]);
    // One request for each passage, one for each question that no rule speaks against.
    expect(endpoint.requests).toHaveLength(4 + 4);
  });

  it('that the model answers without the passage are left out where that is wanted', async () => {
    await start();
    const made = await make([write(NORRBY)], outFile(), { unknown: true });
    expect(made.rows.map(({ answer }) => answer)).toEqual(['211 steps']);
    expect(dropped(made)).toMatchObject({ known: 1 });
  });

  it('are no near copies of each other, and no more than are wanted', async () => {
    const sentence = (place: string) =>
      `The place${place} of Norrby has 3 things. Anybody who comes by may look at the place${place}.`;
    await start({
      answer: ({ messages }) => {
        const text = messages.at(-1)!.content;
        if (text.includes('QUESTION')) return JSON.stringify({ answer: '3 things' });
        const place = /The (place\w+) of Norrby/.exec(text)![1]!;
        const question = `How many of the things that everybody in all of the land comes to look at are there in Norrby at the ${place}?`;
        return JSON.stringify({
          questions: [{ quote: `The ${place} of Norrby has 3 things`, question, answer: '3 things' }],
        });
      },
    });
    const documents = ['A', 'B', 'C'].map((place) => write(sentence(place)));
    const made = await make(documents, outFile());
    expect(made.rows).toHaveLength(1);
    expect(dropped(made)).toEqual({ nearCopy: 2 });

    await endpoint.close();
    await start();
    const twice = [NORRBY, `${NORRBY}\nNothing else is known of its churches.`].map((text) => write(text));
    expect(dropped(await make(twice, outFile()))).toMatchObject({ nearCopy: 1 });
    const many = Array.from({ length: 40 }, (_, i) =>
      write(`The house of Place${i} has ${i} rooms. ${'It is old. '.repeat(9)}`),
    );
    const limited = await make(many, outFile(), { limit: 5 });
    expect(limited.rows).toHaveLength(5);
    // Those under way when it was enough are asked to their end; no other is begun.
    expect(limited.spent.requests).toBeLessThan(2 * (5 + 2 * 8));
    const other = await make(many, outFile(), { limit: 5, seed: 2 });
    expect(other.rows).not.toEqual(limited.rows);
  });

  it('are prompts of a task, each with its passage', async () => {
    await start();
    const out = outFile();
    await make([write(NORRBY)], out);
    const task = write(
      `name: norrby
prompts: { file: ${out} }
benchmarks: [{ name: exam, role: target, file: exam.jsonl }]
answer: { read: boxed, compare: normalised }
`,
      'yaml',
    );
    writeFileSync(
      join(folder, 'exam.jsonl'),
      '{"prompt": "How many doors has the town hall?", "answer": "2"}\n',
    );
    const loaded = loadTask(await resolveTask(task));
    const prompts = await collect(loaded.prompts({ seed: 1, count: 10, exclude: () => false }));
    expect(Object.fromEntries(prompts.map(({ text, source }) => [text, source?.heading]))).toEqual({
      'How many bells has the church of Norrby?': 'Churches',
      'How many steps has the lighthouse of Norrby?': 'Norrby, Sights',
    });
    expect(prompts.every(({ source }) => source!.quote !== undefined)).toBe(true);
  });
});

describe('asking', () => {
  it('is done once: the same again costs nothing, another document only itself', async () => {
    await start();
    const [document, out] = [write(NORRBY), outFile()];
    await make([document], out);
    const [first, requests] = [readFileSync(out, 'utf8'), endpoint.requests.length];
    // As a `kill -9` in mid-line leaves it.
    appendFileSync(`${out}.replies`, '{"key":"0123');
    const again = await make([document], out);
    expect(readFileSync(out, 'utf8')).toBe(first);
    expect(endpoint.requests).toHaveLength(requests);
    expect(again.spent).toMatchObject({ requests: 0, kept: requests });
    const more = await make([document, write('The quay of Norrby has 17 rings. One of them is rusty.')], out);
    expect(more.rows).toHaveLength(3);
    expect(endpoint.requests).toHaveLength(requests + 2);
    // What was added stands on lines of its own.
    const last = await make([document, write('The quay of Norrby has 17 rings. One of them is rusty.')], out);
    expect(last.spent.requests).toBe(0);
    // Other settings are other questions.
    expect((await make([document], outFile(), { seed: 2 })).spent.requests).toBe(requests);
  });

  it('takes the plainer forms of an endpoint that refuses a schema, and waits where it is limited', async () => {
    let limited = 0;
    await start({
      fault: ({ body }) => {
        if (body.response_format !== undefined)
          return { status: 400, message: "response_format 'json_schema' is not supported" };
        return ++limited === 1 ? { status: 429, headers: { 'retry-after-ms': '20' } } : undefined;
      },
    });
    const made = await make([write(NORRBY)], outFile());
    expect(made.rows).toHaveLength(2);
    expect(limited).toBeGreaterThan(1);
  });

  it('leaves out a passage that the endpoint refuses', async () => {
    await start({
      fault: ({ messages }) =>
        messages.at(-1)!.content.includes('Churches')
          ? { status: 400, code: 'content_filter', message: 'filtered' }
          : undefined,
    });
    const made = await make([write(NORRBY)], outFile());
    expect(made.rows.map(({ answer }) => answer)).toEqual(['211 steps']);
    expect(made.dropped.find(({ reason }) => reason === 'refused')).toMatchObject({
      count: 1,
      example: expect.stringContaining('filtered'),
    });
  });

  it('ends where the endpoint fails, with what to do, and goes on from there', async () => {
    let broken = true;
    await start({
      fault: (_, count) => (broken && count > 3 ? { status: 401, message: 'no key' } : undefined),
    });
    const [document, out] = [write(NORRBY), outFile()];
    await expect(make([document], out)).rejects.toThrow(
      /^Asking writer at http.* failed: .*no key.*the same command goes on from there/,
    );
    expect(existsSync(out)).toBe(false);
    const asked = endpoint.requests.length;
    broken = false;
    const made = await make([document], out);
    expect(made.rows).toHaveLength(2);
    expect(made.spent.kept).toBe(asked);
  });
});

describe('the command', () => {
  const type = (args: string[], started?: Parameters<typeof ratchet>[1]['started']) =>
    ratchet(['questions', ...args], {
      cwd: folder,
      env: { RATCHET_HOME: join(folder, 'home'), MODEL_BASE_URL: endpoint.url },
      ...(started ? { started } : {}),
    });

  it('says what was kept, dropped and spent', async () => {
    await start();
    write(NORRBY);
    writeFileSync(join(folder, 'norrby.md'), NORRBY);
    const { code, stdout } = await type(['norrby.md', '--out', 'norrby.jsonl', '--per-passage', '8']);
    expect(stdout).toMatch(
      /^2 questions in .*norrby\.jsonl, of 8 that writer wrote about 2 of 2 passages in 1 documents$/m,
    );
    expect(stdout).toMatch(/^ *dropped: 1 × it gives its answer away \("Is it 12 trees that/m);
    expect(stdout).toMatch(/^5 requests, .* tokens; 0 replies were there already$/m);
    expect(code).toBe(0);
    expect(rowsIn(join(folder, 'norrby.jsonl'))[0]!.source).toMatchObject({
      file: 'norrby.md',
      passage: 'norrby.md#1',
    });
  });

  it('goes on after a kill -9, and asks again only what was under way', async () => {
    await start({ latencyMs: 100 });
    const documents = Array.from({ length: 30 }, (_, i) =>
      write(`The house of Hamlet${i} has ${i + 2} rooms. Nobody has counted its windows yet.`),
    );
    const out = outFile();
    const args = [...documents, '--out', out];
    const { code } = await type(args, (child) => {
      void until('some replies', async () => endpoint.requests.length >= 20, 60_000).then(() =>
        child.kill('SIGKILL'),
      );
    });
    expect(code).toBeNull();
    expect(existsSync(out)).toBe(false);
    const ended = await type(args);
    expect(ended.stdout).toMatch(/^30 questions/m);
    const twice = endpoint.requests.length - new Set(endpoint.requests).size;
    expect(new Set(endpoint.requests).size).toBe(60);
    expect(twice).toBeLessThanOrEqual(8);
    expect(rowsIn(out).map(({ answer }) => answer)).toEqual(documents.map((_, i) => `${i + 2} rooms`));
  });

  it('ends at Ctrl-C, and says how to go on', async () => {
    await start({ latencyMs: 500 });
    writeFileSync(join(folder, 'norrby.md'), NORRBY);
    const { code, stderr } = await type(['norrby.md', '--out', 'later.jsonl'], (child) => {
      void until('a question', async () => endpoint.arrivals.length > 0, 60_000).then(() =>
        child.kill('SIGINT'),
      );
    });
    expect(stderr).toContain('the same command goes on from there');
    expect(code).toBe(130);
    expect(existsSync(join(folder, 'later.jsonl'))).toBe(false);
  });

  it('ends in no empty success, and writes over nobody’s prompts', async () => {
    await start({ answer: () => '{"questions": []}' });
    writeFileSync(join(folder, 'own.jsonl'), '{"prompt": "What is mine?"}\n');
    writeFileSync(join(folder, 'norrby.md'), NORRBY);
    const none = await type(['norrby.md', '--out', 'none.jsonl']);
    expect(none.stderr).toMatch(/^✗ writer wrote no question that could be kept, of 2 passages/);
    expect(none.code).toBe(1);
    expect(existsSync(join(folder, 'none.jsonl'))).toBe(false);
    const own = await type(['norrby.md', '--out', 'own.jsonl']);
    expect(own.stderr).toMatch(
      /own\.jsonl: line 1 is not from ratchet questions: name another file with --out/,
    );
    expect(own.code).toBe(2);
    const nothing = await type(['gone.md', '--out', 'none.jsonl']);
    expect(nothing.stderr).toMatch(/document .*gone\.md: there is no such file/);
    expect(nothing.code).toBe(2);
    expect((await type(['norrby.md', '--out', 'x.jsonl', '--extra', '[1]'])).code).toBe(2);
  });
});
