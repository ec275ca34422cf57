/** Passages: what of a document is put before a model at once, under the headings that it stands under. */
import { digestOf } from '../../process/digest.ts';
import { ROW, type Block } from './blocks.ts';

export type DocumentPassage = {
  /** `manual.md#4`: the file and the passage's number in it. */
  id: string;
  file: string;
  /** The headings above it, from the outermost in; empty where there are none. */
  heading: string;
  /** Lines: a paragraph, a list item or a row of a table each. */
  text: string;
  /** Of heading and text: the same wherever it stands. */
  digest: string;
  /** Where it begins, of a PDF. */
  page?: number;
};

/** Longest passage, in characters: a page of a book has two of them. */
export const MOST_CHARACTERS = 1500;
/** With fewer letters there is nothing to ask about. */
const LEAST_LETTERS = 30;
const LONGEST_HEADING = 500;

const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** Blocks under the same headings, put together as far as they go into one passage; longer ones are cut between sentences. */
export function passagesIn(file: string, blocks: readonly Block[]): DocumentPassage[] {
  const sections: { heading: string; texts: string[]; length: number; page?: number }[] = [];
  for (const { headings, lines, page } of blocks) {
    const heading = tidy(headings.join(', ')).slice(0, LONGEST_HEADING);
    for (const text of piecesOf(textOf(lines))) {
      const last = sections.at(-1);
      const length = text.length + 1;
      if (last?.heading === heading && last.length + length <= MOST_CHARACTERS) {
        last.texts.push(text);
        last.length += length;
      } else
        sections.push({
          heading,
          texts: [text],
          length: text.length,
          ...(page === undefined ? {} : { page }),
        });
    }
  }
  return sections.map(({ heading, texts, page }, i) => {
    const text = texts.join('\n');
    return {
      id: `${file}#${i + 1}`,
      file,
      heading,
      text,
      digest: digestOf(JSON.stringify([heading, text])),
      ...(page === undefined ? {} : { page }),
    };
  });
}

/** Is there enough in it to ask about? */
export const saysEnough = ({ text }: DocumentPassage): boolean =>
  (text.match(/\p{L}/gu)?.length ?? 0) >= LEAST_LETTERS;

const tidy = (text: string): string => text.replaceAll(/\s+/g, ' ').trim();

/** Lines of prose as one; rows of a table stay apart. */
const textOf = (lines: readonly string[]): string =>
  lines.reduce((text, line) => {
    const own = tidy(line);
    if (text === '' || own === '') return text + own;
    return `${text}${ROW.test(line) ? '\n' : ' '}${own}`;
  }, '');

/** A text in pieces that are no longer than a passage: cut between sentences, else between words, else anywhere. */
function piecesOf(text: string): string[] {
  const pieces: string[] = [];
  for (const part of partsOf(text)) {
    const last = pieces.at(-1);
    if (last !== undefined && last.length + part.trimEnd().length <= MOST_CHARACTERS)
      pieces[pieces.length - 1] = last + part;
    else pieces.push(part);
  }
  return pieces.map((piece) => piece.trim()).filter(Boolean);
}

function partsOf(text: string): string[] {
  if (text.length <= MOST_CHARACTERS) return [text];
  return Array.from(sentences.segment(text), ({ segment }) => segment)
    .flatMap((sentence) =>
      sentence.length <= MOST_CHARACTERS ? [sentence] : (sentence.match(/\s*\S+\s*/g) ?? []),
    )
    .flatMap((word) => (word.length <= MOST_CHARACTERS ? [word] : chunksOf(word)));
}

/** No character is cut in two. */
function chunksOf(word: string): string[] {
  const chunks: string[] = [''];
  for (const character of word) {
    if (chunks.at(-1)!.length + character.length > MOST_CHARACTERS) chunks.push('');
    chunks[chunks.length - 1] += character;
  }
  return chunks;
}
