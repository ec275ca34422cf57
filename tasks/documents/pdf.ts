/**
 * The text of a PDF as blocks: lines, put together to paragraphs by the space between them, under headings told by the size of their
 * letters. In: bytes. Out: blocks with the page that each begins on.
 *
 * Covers: text that a program wrote. Does not cover: pages that are pictures (they have no text, and are counted), tables, several columns
 * that the file does not give one after the other, and fonts that need character maps of their own (Chinese, Japanese and Korean ones).
 */
import { getDocumentProxy, extractTextItems, type StructuredTextItem } from 'unpdf';
import type { Block } from './blocks.ts';

type Line = { text: string; page: number; y: number; size: number };

/** `without`: how many of the pages have no text. */
export type PdfText = { blocks: Block[]; pages: number; without: number };

/** Letters so much larger than those of most of the text are a heading's. */
const HEADING_SIZE = 1.15;
const LONGEST_HEADING = 150;
/** A gap of so many sizes of letters ends a paragraph. */
const PARAGRAPH_GAP = 1.7;
/** A line at the end of a page that stands on so many, and on half of all, is a running head or foot. */
const RUNNING_PAGES = 3;
/** At either end of a page. */
const OUTER_LINES = 2;

/** What is wrong with a PDF, in words that follow its name. */
export class PdfProblem extends Error {}

/** @throws PdfProblem where it is encrypted, or can't be read as a PDF */
export async function readPdf(bytes: Uint8Array): Promise<PdfText> {
  let pages: StructuredTextItem[][];
  try {
    // A copy: the library takes the bytes for its own.
    const document = await getDocumentProxy(new Uint8Array(bytes), { verbosity: 0 });
    try {
      ({ items: pages } = await extractTextItems(document));
    } finally {
      await document.loadingTask.destroy();
    }
  } catch (error) {
    const { name, message } = error as Error;
    throw new PdfProblem(
      name === 'PasswordException'
        ? 'is encrypted: save it without its password first (qpdf --decrypt does)'
        : `is damaged, or no PDF in spite of its name (${message})`,
    );
  }
  const lines = pages.map((items, i) => linesOf(items, i + 1));
  return {
    blocks: blocksOfLines(withoutRunning(lines)),
    pages: pages.length,
    without: lines.filter((own) => own.length === 0).length,
  };
}

function linesOf(items: readonly StructuredTextItem[], page: number): Line[] {
  const lines: Line[] = [];
  let line: Line | undefined;
  for (const { str, y, fontSize, hasEOL } of items) {
    const text = str.replaceAll(/\0|\p{Surrogate}/gu, '');
    if (line === undefined && text.trim() !== '') {
      line = { text, page, y, size: fontSize };
      lines.push(line);
    } else if (line) {
      line.text += text;
      if (text.trim() !== '') line.size = Math.max(line.size, fontSize);
    }
    if (hasEOL) line = undefined;
  }
  return lines.map((one) => ({ ...one, text: one.text.replaceAll(/\s+/g, ' ').trim() }));
}

/** All lines but running heads and feet, the number of the page among them. */
function withoutRunning(pages: readonly Line[][]): Line[] {
  const formOf = ({ text }: Line) => text.replaceAll(/\d+/g, '#');
  const isOuter = (lines: readonly Line[], i: number) => i < OUTER_LINES || i >= lines.length - OUTER_LINES;
  const counts = new Map<string, number>();
  for (const lines of pages)
    for (const form of new Set(lines.filter((_, i) => isOuter(lines, i)).map(formOf)))
      counts.set(form, (counts.get(form) ?? 0) + 1);
  const least = Math.max(RUNNING_PAGES, pages.length / 2);
  return pages.flatMap((lines) =>
    lines.filter((line, i) => !isOuter(lines, i) || (counts.get(formOf(line)) ?? 0) < least),
  );
}

function blocksOfLines(lines: readonly Line[]): Block[] {
  const usual = usualSize(lines);
  const blocks: Block[] = [];
  let headings: { text: string; size: number }[] = [];
  let block: Block | undefined;
  let before: Line | undefined;
  for (const line of lines) {
    const near =
      before !== undefined &&
      (before.page === line.page && before.y > line.y
        ? before.y - line.y <= PARAGRAPH_GAP * Math.max(line.size, before.size)
        : // Over the end of a page or a column a sentence goes on.
          !/[.!?:]["')\]”’]*$/.test(before.text));
    if (isHeading(line, usual)) {
      const above = headings.at(-1);
      if (block === undefined && near && above?.size === line.size) above.text += ` ${line.text}`;
      else headings = [...headings.filter(({ size }) => size > line.size), { ...line }];
      block = undefined;
    } else if (block && near) block.lines.push(line.text);
    else {
      block = { headings: headings.map(({ text }) => text), lines: [line.text], page: line.page };
      blocks.push(block);
    }
    before = line;
  }
  return blocks.map((one) => ({ ...one, lines: [undivided(one.lines)] }));
}

const isHeading = ({ text, size }: Line, usual: number): boolean =>
  size >= HEADING_SIZE * usual && text.length <= LONGEST_HEADING && /\p{L}/u.test(text);

/** The size in which most characters are set. */
function usualSize(lines: readonly Line[]): number {
  const characters = new Map<number, number>();
  for (const { size, text } of lines) characters.set(size, (characters.get(size) ?? 0) + text.length);
  return [...characters].reduce((most, one) => (one[1] > most[1] ? one : most), [0, 0])[0];
}

/** The lines of a paragraph as one. A word that was divided at the end of a line is one again. */
const undivided = (lines: readonly string[]): string =>
  lines.reduce((text, line, i) => {
    const isDivided = /\p{Ll}-$/u.test(line) && /^\p{Ll}/u.test(lines[i + 1] ?? '');
    return text + (isDivided ? line.slice(0, -1) : `${line} `);
  }, '');
