/** Documents of a user: Markdown, plain text and PDF, files or folders in, passages out. */
import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, relative, resolve, sep } from 'node:path';
import { allowedFile } from '../access.ts';
import { collectProblems, fileProblem, InvalidInputError } from '../errors.ts';
import { textProblem } from '../jsonl.ts';
import { readText } from '../yaml.ts';
import { blocksOf, paragraphsOf, type Block } from './blocks.ts';
import { passagesIn, saysEnough, type DocumentPassage } from './passages.ts';

export type Documents = {
  passages: DocumentPassage[];
  files: number;
  /** Passages that are left out: too short to ask about, or standing elsewhere already. */
  short: number;
  repeated: number;
  /** What is left out beside them, a sentence each. */
  notes: string[];
};

const DOCUMENT = /\.(?:md|markdown|txt|text|pdf)$/i;
const FORMS = '.md, .markdown, .txt, .text or .pdf';
const MEBIBYTE = 1024 * 1024;
const MOST_MEBIBYTES = 64;

/**
 * The passages of documents, each once, in the order of the files.
 *
 * @param given files, and folders of which every document is read, those below names that begin with a dot excepted
 * @param options.skipUnreadable what can't be read is named in the notes
 * @throws InvalidInputError naming all that can't be read, and where there is nothing to ask about
 */
export async function readDocuments(
  given: readonly string[],
  { skipUnreadable = false, from = process.cwd() } = {},
): Promise<Documents> {
  const { files, others } = documentsOf(given);
  const problems = collectProblems();
  const notes: string[] = others > 0 ? [`${others} files of the folders are no documents (${FORMS})`] : [];
  const passages = new Map<string, DocumentPassage>();
  let [read, short, repeated] = [0, 0, 0];
  for (const file of files) {
    try {
      const { blocks, note } = await readDocument(file);
      if (note) notes.push(`document ${file}: ${note}`);
      const all = passagesIn(relative(from, file).split(sep).join('/'), blocks);
      if (all.length === 0) throw new InvalidInputError([`document ${file}: is empty`]);
      read += 1;
      for (const one of all) {
        if (!saysEnough(one)) short += 1;
        else if (passages.has(one.digest)) repeated += 1;
        else passages.set(one.digest, one);
      }
    } catch (error) {
      if (!(error instanceof InvalidInputError)) throw error;
      for (const problem of error.problems)
        if (skipUnreadable) notes.push(problem);
        else problems.add(problem);
    }
  }
  problems.throwIfAny();
  if (passages.size === 0)
    throw new InvalidInputError([
      ...notes,
      short > 0
        ? 'The documents have no passage that is long enough to ask about: there must be a sentence or two.'
        : 'None of the documents could be read.',
    ]);
  return { passages: [...passages.values()], files: read, short, repeated, notes };
}

/** @throws InvalidInputError where a path is not there, is no document, or is a folder without any */
function documentsOf(given: readonly string[]): { files: string[]; others: number } {
  const problems = collectProblems();
  const files = new Set<string>();
  let others = 0;
  for (const path of given.map((one) => resolve(one))) {
    try {
      if (!statSync(path).isDirectory()) {
        if (DOCUMENT.test(path)) files.add(path);
        else problems.add(`document ${path}: is none that can be read: ${FORMS}`);
        continue;
      }
      const all = readdirSync(path, { recursive: true, withFileTypes: true })
        .filter((one) => one.isFile())
        .map((one) => join(one.parentPath, one.name))
        .filter((file) => !/(?:^|[/\\])(?:\.|node_modules[/\\])/.test(relative(path, file)))
        .toSorted();
      const documents = all.filter((file) => DOCUMENT.test(file));
      if (documents.length === 0) problems.add(`folder ${path}: has no document: ${FORMS}`);
      others += all.length - documents.length;
      for (const file of documents) files.add(file);
    } catch (error) {
      problems.add(fileProblem('document', path, error));
    }
  }
  problems.throwIfAny();
  return { files: [...files], others };
}

/** @throws InvalidInputError where it can't be read, or holds no text */
async function readDocument(given: string): Promise<{ blocks: Block[]; note?: string }> {
  const file = await allowedFile('document', given);
  const refuse = (why: string) => new InvalidInputError([`document ${given}: ${why}`]);
  const { size } = statSync(file);
  if (size > MOST_MEBIBYTES * MEBIBYTE)
    throw refuse(`has ${Math.ceil(size / MEBIBYTE)} MiB, more than ${MOST_MEBIBYTES}: cut it up first`);
  if (/\.pdf$/i.test(given)) return readPdfFile(file, refuse);
  const text = await readText('document', file);
  const odd = textProblem('text', text);
  if (odd) throw refuse(odd);
  const isMarkdown = /\.(?:md|markdown)$/i.test(given);
  return { blocks: isMarkdown ? blocksOf(withoutFrontMatter(text), { tables: true }) : paragraphsOf(text) };
}

async function readPdfFile(
  file: string,
  refuse: (why: string) => InvalidInputError,
): Promise<{ blocks: Block[]; note?: string }> {
  // A library that most commands never need.
  const { PdfProblem, readPdf } = await import('./pdf.ts');
  try {
    const { blocks, pages, without } = await readPdf(await readFile(file));
    if (blocks.length === 0)
      throw refuse(
        `has no text on its ${pages} page${pages === 1 ? '' : 's'}: it may be scanned; give it text first (ocrmypdf does)`,
      );
    return { blocks, ...(without > 0 ? { note: `${without} of ${pages} pages have no text` } : {}) };
  } catch (error) {
    throw error instanceof PdfProblem ? refuse(error.message) : error;
  }
}

/** Without the YAML that some programs keep before the text. */
const withoutFrontMatter = (text: string): string =>
  text.replace(/^---\r?\n(?=[\w-]+:).*?\r?\n---(?:\r?\n|$)/s, '');
