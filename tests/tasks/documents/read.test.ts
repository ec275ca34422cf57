/** Documents from files: what is read of them, and what is refused with the reason. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actAsUser } from '../../../tasks/access.ts';
import { readDocuments } from '../../../tasks/documents/read.ts';
import { pdfOf } from '../../support/pdf.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-documents-'));
beforeAll(() => actAsUser());
afterAll(() => rmSync(folder, { recursive: true }));

const SENTENCE = 'The lighthouse of Norrby has 211 steps and two lamps.';
const write = (name: string, content: string | Buffer): string => {
  const file = join(folder, name);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  return file;
};
const read = (given: string[], options = {}) => readDocuments(given, { from: folder, ...options });
const refusal = (given: string[]) =>
  read(given).then(
    () => 'it was read',
    (error: Error) => error.message,
  );

describe('a PDF', () => {
  it('has headings by the size of letters, paragraphs by the space between lines, and no running heads', async () => {
    const page = (n: number, lines: { text: string; y: number; size?: number }[]) => [
      { text: 'Norrby Guide', y: 820, size: 9 },
      ...lines,
      { text: `Page ${n} of 3`, y: 20, size: 9 },
    ];
    const file = write(
      'guide.pdf',
      pdfOf([
        page(1, [
          { text: 'Sights', y: 780, size: 20 },
          { text: 'The lighthouse', y: 750, size: 15 },
          { text: 'The lighthouse of Norrby was fin-', y: 725 },
          { text: 'ished in 1874 and has 211 steps.', y: 711 },
          { text: 'It opens at nine and costs four (4) crowns, so the keeper', y: 680 },
        ]),
        page(2, [
          { text: 'says.', y: 780 },
          { text: 'The harbour', y: 740, size: 15 },
          { text: 'Boats to the islands leave at noon from the third quay.', y: 715 },
        ]),
        page(3, []),
      ]),
    );
    const { passages, notes } = await read([file]);
    expect(passages.map(({ id, heading, text, page: at }) => ({ id, heading, text, at }))).toEqual([
      {
        id: 'guide.pdf#1',
        heading: 'Sights, The lighthouse',
        text: 'The lighthouse of Norrby was finished in 1874 and has 211 steps.\nIt opens at nine and costs four (4) crowns, so the keeper says.',
        at: 1,
      },
      {
        id: 'guide.pdf#2',
        heading: 'Sights, The harbour',
        text: 'Boats to the islands leave at noon from the third quay.',
        at: 2,
      },
    ]);
    expect(notes).toEqual([]);
  });

  it('with pages that are pictures says how many', async () => {
    const { notes } = await read([write('half.pdf', pdfOf([[{ text: SENTENCE, y: 700 }], [], []]))]);
    expect(notes).toEqual([`document ${join(folder, 'half.pdf')}: 2 of 3 pages have no text`]);
  });

  it.each([
    [
      'scanned',
      pdfOf([[]]),
      'has no text on its 1 page: it may be scanned; give it text first (ocrmypdf does)',
    ],
    [
      'encrypted',
      pdfOf([[{ text: SENTENCE, y: 700 }]], { encrypted: true }),
      'is encrypted: save it without',
    ],
    [
      'cut off',
      pdfOf([[{ text: SENTENCE, y: 700 }]]).subarray(0, 60),
      'is damaged, or no PDF in spite of its name',
    ],
    ['none', Buffer.from('hello'), 'is damaged, or no PDF in spite of its name'],
  ])('that is %s is refused', async (_, bytes, said) => {
    const file = write('odd.pdf', bytes);
    expect(await refusal([file])).toContain(`document ${file}: ${said}`);
  });
});

describe('a folder', () => {
  it('gives all its documents in order, each passage once', async () => {
    write('all/b.txt', `${SENTENCE}\n`);
    write('all/a/c.md', `---\ntitle: x\n---\n# Norrby\n${SENTENCE}\n\n# Short\nYes.\n`);
    write('all/a/d.markdown', SENTENCE);
    write('all/.git/e.md', SENTENCE);
    write('all/node_modules/p/f.md', SENTENCE);
    write('all/g.json', '{}');
    const found = await read([join(folder, 'all'), join(folder, 'all/b.txt')]);
    expect(found.passages.map(({ id, heading }) => [id, heading])).toEqual([
      ['all/a/c.md#1', 'Norrby'],
      ['all/a/d.markdown#1', ''],
    ]);
    expect(found).toMatchObject({ files: 3, short: 1, repeated: 1 });
    expect(found.notes).toEqual([
      '1 files of the folders are no documents (.md, .markdown, .txt, .text or .pdf)',
    ]);
  });

  it('without any is refused, and so is what is no document, and what is not there', async () => {
    mkdirSync(join(folder, 'empty'));
    expect(await refusal([join(folder, 'empty'), write('a.docx', ''), join(folder, 'gone.md')])).toBe(
      [
        `folder ${join(folder, 'empty')}: has no document: .md, .markdown, .txt, .text or .pdf`,
        `document ${join(folder, 'a.docx')}: is none that can be read: .md, .markdown, .txt, .text or .pdf`,
        `document ${join(folder, 'gone.md')}: there is no such file`,
      ].join('\n'),
    );
  });

  it('names all that can’t be read at once, or leaves it out where that is wanted', async () => {
    const bad = write('mixed/binary.txt', Buffer.from([0x41, 0xff, 0xfe, 0x00, 0x00, 0x80]));
    const utf16 = write('mixed/old.md', Buffer.from(`\uFEFF${SENTENCE}`, 'utf16le'));
    const nul = write('mixed/nul.md', 'a\0b'.repeat(20));
    const empty = write('mixed/empty.md', ' \n');
    write('mixed/good.md', SENTENCE);
    const said = (await refusal([join(folder, 'mixed')])).split('\n');
    expect(said).toEqual([
      expect.stringMatching(`^document ${bad}: is not UTF-8`),
      `document ${empty}: is empty`,
      expect.stringMatching(`^document ${nul}: .*U\\+0000`),
      `document ${utf16}: is UTF-16: save it as UTF-8, with iconv -f UTF-16 -t UTF-8`,
    ]);
    const { passages, notes } = await read([join(folder, 'mixed')], { skipUnreadable: true });
    expect(passages.map(({ id }) => id)).toEqual(['mixed/good.md#1']);
    expect(notes).toEqual(said);
  });

  it('in which nothing is long enough to ask about is refused', async () => {
    expect(await refusal([write('short.md', '# Only a heading\n\nYes.')])).toMatch(
      /no passage that is long enough/,
    );
  });
});
