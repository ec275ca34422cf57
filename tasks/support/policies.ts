/** Policy documents: Markdown files in, sentences with the headings above them out, and the words that name things in them. */
import { readdirSync } from 'node:fs';
import { join, relative } from 'node:path';
import { allowedFile } from '../access.ts';
import { blocksOf } from '../documents/blocks.ts';
import { collectProblems, fileProblem, InvalidInputError } from '../errors.ts';
import { textProblem } from '../jsonl.ts';
import { readText } from '../yaml.ts';
import { claimsOf } from './claims.ts';

/** One sentence of a policy. */
export type Passage = {
  /** `returns.md#4`: the file and the sentence's number in it. */
  id: string;
  /** The headings that it stands under. */
  heading: string;
  text: string;
};

/** A run keeps them all, so that later edits do not change it. */
const MOST_CHARACTERS = 1_000_000;
const sentences = new Intl.Segmenter('en', { granularity: 'sentence' });

/** The sentences of a document, each with its headings. Tables, code and HTML comments say nothing here. */
export function passagesOf(file: string, text: string): Passage[] {
  const said = blocksOf(text).flatMap(({ headings, lines }) =>
    [...sentences.segment(lines.join(' '))]
      .filter(({ segment }) => /\p{L}/u.test(segment))
      .map(({ segment }) => ({ heading: headings.join(', '), text: segment.trim() })),
  );
  return said.map((one, i) => ({ id: `${file}#${i + 1}`, ...one }));
}

/** Words that name something: those with a capital within a sentence. */
export function namesOf(passages: readonly Passage[]): Set<string> {
  const names = passages.flatMap(({ text }) => claimsOf(text).claims.filter(({ kind }) => kind === 'name'));
  return new Set(names.map(({ value }) => value.toLowerCase()));
}

/** The Markdown files below a folder. @throws InvalidInputError where there is no such folder */
export function policyFiles(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => /\.(?:md|markdown)$/i.test(name))
      .toSorted()
      .map((name) => join(folder, name));
  } catch (error) {
    throw new InvalidInputError([fileProblem('policies folder', folder, error)]);
  }
}

/**
 * All Markdown files below a folder.
 *
 * @throws InvalidInputError naming what can't be read, and a folder without any
 */
export async function readPolicies(folder: string): Promise<Passage[]> {
  const files = policyFiles(folder);
  const problems = collectProblems();
  const passages: Passage[] = [];
  let characters = 0;
  for (const given of files) {
    const file = await allowedFile('policy document', given);
    const name = relative(folder, given);
    const text = await readText('policy document', file);
    const odd = textProblem('text', text);
    if (odd) problems.add(`policy document ${file} ${odd}`);
    characters += text.length;
    passages.push(...passagesOf(name, text));
  }
  if (characters > MOST_CHARACTERS)
    problems.add(`policies folder ${folder}: has ${characters} characters, ${MOST_CHARACTERS} are allowed`);
  if (passages.length === 0)
    problems.add(
      `policies folder ${folder}: has no sentence in a Markdown file (.md): corrections are checked against these`,
    );
  problems.throwIfAny();
  return passages;
}
