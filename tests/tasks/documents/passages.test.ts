/** Documents as passages: nothing is lost, nothing is too long, and any bytes are read or refused by name. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { actAsUser } from '../../../tasks/access.ts';
import { blocksOf, paragraphsOf } from '../../../tasks/documents/blocks.ts';
import { MOST_CHARACTERS, passagesIn } from '../../../tasks/documents/passages.ts';
import { readDocuments } from '../../../tasks/documents/read.ts';
import { InvalidInputError } from '../../../tasks/errors.ts';
import { pdfOf } from '../../support/pdf.ts';

const folder = mkdtempSync(join(tmpdir(), 'ratchet-passages-'));
beforeAll(() => actAsUser());
afterAll(() => rmSync(folder, { recursive: true }));

const inMarkdown = (text: string) => passagesIn('a.md', blocksOf(text, { tables: true }));
const squeezed = (text: string) => text.replaceAll(/\s+/g, '');

/** Lines of all that Markdown has, and long ones. */
const lines = fc.array(
  fc.oneof(
    fc.string({ unit: 'grapheme', maxLength: 60 }),
    fc.constantFrom('', '# One', '## Two', '### Three', '- item', '1. item', '| a | b |', '|---|---|', '```'),
    fc.lorem({ maxCount: 40 }),
    fc.string({ unit: 'grapheme', minLength: 1000, maxLength: 4000 }),
    fc.constantFrom('x'.repeat(5000), '👩‍👩‍👧'.repeat(900), 'one two. '.repeat(600)),
  ),
  { maxLength: 30 },
);

describe('passages', () => {
  it('stand under their headings, list items and rows of tables on lines of their own', () => {
    const text = `# Returns ##
An order may be
sent back.

- Within 30 days.
## Abroad
| Country | Days |
|---|---|
| Norway | 60 |

<!-- not yet -->
# Stores
Open.`;
    expect(inMarkdown(text).map(({ id, heading, text: said }) => [id, heading, said])).toEqual([
      ['a.md#1', 'Returns', 'An order may be sent back.\nWithin 30 days.'],
      ['a.md#2', 'Returns, Abroad', '| Country | Days |\n| Norway | 60 |'],
      ['a.md#3', 'Stores', 'Open.'],
    ]);
  });

  it('of text without marks are paragraphs, as far as they fit', () => {
    const long = 'A sentence of thirty letters. '.repeat(40);
    const all = passagesIn('a.txt', paragraphsOf(`# no heading\r\n\r\n${long}\n\n \n${long}`));
    expect(all.map(({ heading, text }) => [heading, text.length])).toEqual([
      ['', 13 + long.trim().length],
      ['', long.trim().length],
    ]);
  });

  it('hold all that a document says, in order, and none is too long', () => {
    fc.assert(
      fc.property(lines, (all) => {
        const text = all.join('\n');
        for (const blocks of [blocksOf(text, { tables: true }), paragraphsOf(text)]) {
          const passages = passagesIn('a.md', blocks);
          expect(squeezed(passages.map((one) => one.text).join(''))).toBe(
            squeezed(blocks.flatMap((block) => block.lines).join('')),
          );
          for (const one of passages) {
            expect(one.text.length).toBeLessThanOrEqual(MOST_CHARACTERS);
            expect(one.text).toBe(one.text.trim());
            expect(one.text).not.toBe('');
          }
          expect(new Set(passages.map(({ id }) => id)).size).toBe(passages.length);
        }
      }),
    );
  });

  it('have one digest for one text under one heading, whatever stands around them', () => {
    fc.assert(
      fc.property(fc.lorem({ maxCount: 20 }), fc.lorem({ maxCount: 20 }), (one, other) => {
        const [alone] = inMarkdown(`# A\n${one}`);
        const among = inMarkdown(`# B\n${other}\n# A\n${one}`);
        expect(among.map(({ digest }) => digest)).toContain(alone!.digest);
        expect(inMarkdown(`# C\n${one}`)[0]!.digest).not.toBe(alone!.digest);
      }),
    );
  });

  it('are cut in little time, whatever was made to take long', () => {
    for (const text of [
      `# a${'#'.repeat(500_000)}b`,
      `# a${' '.repeat(500_000)}b`,
      '<!--'.repeat(250_000),
      '- a\n'.repeat(100_000),
      'x'.repeat(1_000_000),
      '.'.repeat(1_000_000),
      '\n'.repeat(1_000_000),
    ]) {
      const began = performance.now();
      inMarkdown(text);
      passagesIn('a.txt', paragraphsOf(text));
      expect(performance.now() - began, text.slice(0, 10)).toBeLessThan(15_000);
    }
  }, 60_000);

  it('come of any bytes, or the file is refused by its name', async () => {
    const pdf = pdfOf([[{ text: 'A page of text that says something about a thing.', y: 700 }]]);
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 400 }),
      lines.map((all) => Buffer.from(all.join('\n'))),
      // A PDF with a few bytes that are others, or cut off.
      fc
        .tuple(fc.array(fc.tuple(fc.nat(pdf.length - 1), fc.nat(255)), { maxLength: 8 }), fc.nat(pdf.length))
        .map(([changes, length]) => {
          const changed = Buffer.from(pdf);
          for (const [at, byte] of changes) changed[at] = byte;
          return changed.subarray(0, length);
        }),
    );
    await fc.assert(
      fc.asyncProperty(fc.constantFrom('a.md', 'a.txt', 'a.pdf'), bytes, async (name, content) => {
        const file = join(folder, name);
        writeFileSync(file, content);
        try {
          const { passages } = await readDocuments([file], { from: folder });
          expect(passages.length).toBeGreaterThan(0);
          for (const { id, text } of passages) {
            expect(id).toMatch(/^a\.(?:md|txt|pdf)#\d+$/);
            expect(text).not.toMatch(/\0|\p{Surrogate}/u);
          }
        } catch (error) {
          if (!(error instanceof InvalidInputError)) throw error;
          expect(error.message).toMatch(/document|passage/);
        }
      }),
      { numRuns: 300 },
    );
  }, 60_000);
});
