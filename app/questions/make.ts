/** Prompts from documents: a file of questions that a model wrote, each tied to the passage that answers it. */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { APIError } from 'openai';
import { resolveEndpoint, type EndpointSettings } from '../../models/endpoint.ts';
import { errorText } from '../../models/errors.ts';
import { onlyModel } from '../../models/list.ts';
import { writeWhole } from '../../process/write-whole.ts';
import { DROPPED } from '../../tasks/documents/objections.ts';
import { readDocuments, type Documents } from '../../tasks/documents/read.ts';
import { sourceIn } from '../../tasks/documents/source.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { excerpt, jsonLine, readJsonl } from '../../tasks/jsonl.ts';
import { openReplies, type Replies } from './replies.ts';
import { writeQuestions, type QuestionRow, type Tally, type WriteSettings } from './write.ts';

export type QuestionsAsked = Omit<WriteSettings, 'model'> & {
  documents: readonly string[];
  out: string;
  endpoint: EndpointSettings;
  skipUnreadable: boolean;
};

export type QuestionsMade = {
  out: string;
  /** Where the replies are kept. */
  replies: string;
  model: string;
  rows: QuestionRow[];
  documents: Omit<Documents, 'passages'> & { passages: number };
  /** Passages that were asked about: not all, where the limit was reached. */
  asked: number;
  dropped: Tally[];
  spent: Replies['spent'];
};

/** Characters of one that are shown. */
const EXAMPLE = 100;

/**
 * Reads the documents, asks, and writes the file as a whole. What was asked before is taken from the file beside it (`….replies`), so
 * that the same call again costs nothing, and one that was killed goes on.
 *
 * @param told called after each passage
 * @throws InvalidInputError where documents can't be read, or the file holds something else; EndpointError; Error where the model can't
 *   be asked, or no question could be kept
 */
export async function makeQuestions(
  { documents: given, endpoint: named, skipUnreadable, ...settings }: QuestionsAsked,
  signal: AbortSignal,
  told?: (state: { done: number; passages: number; kept: number }) => void,
): Promise<QuestionsMade> {
  const out = resolve(settings.out);
  const file = `${out}.replies`;
  await refuseOthers(out);
  const { passages, ...documents } = await readDocuments(given, { skipUnreadable });
  const model = named.model ?? (await onlyModel('generator', named));
  const endpoint = resolveEndpoint('generator', named, model);
  const replies = await openReplies(file, endpoint, signal);
  let written;
  try {
    written = await writeQuestions(passages, { ...settings, model }, replies, (done, kept) =>
      told?.({ done, passages: passages.length, kept }),
    );
  } catch (error) {
    if (!(error instanceof APIError) || signal.aborted) throw error;
    throw new Error(
      `Asking ${model} at ${endpoint.baseURL} failed: ${errorText(error)}. The replies so far are in ${file}: the same command goes on from there.`,
      { cause: error },
    );
  }
  const { rows, passages: asked, dropped } = written;
  if (rows.length === 0)
    throw new Error(
      [
        `${model} wrote no question that could be kept, of ${asked} passages; ${out} is as it was.`,
        ...droppedLines(dropped),
        'A larger model, or another --seed, may do.',
      ].join('\n'),
    );
  writeWhole(out, rows.map((row) => `${jsonLine(row)}\n`).join(''));
  return {
    out,
    replies: file,
    model,
    rows,
    documents: { ...documents, passages: passages.length },
    asked,
    dropped,
    spent: replies.spent,
  };
}

/** What was dropped and why, a line each. */
export const droppedLines = (dropped: readonly Tally[]): string[] =>
  dropped.map(
    ({ reason, count, example }) => `  dropped: ${count} × ${DROPPED[reason]} (${excerpt(example, EXAMPLE)})`,
  );

/** A file of other prompts is nobody's to write over. */
async function refuseOthers(out: string): Promise<void> {
  if (!existsSync(out)) return;
  for await (const { value, line } of readJsonl('prompts file', out))
    if (value === undefined || sourceIn(value) === undefined)
      throw new InvalidInputError([
        `prompts file ${out}: line ${line} is not from ratchet questions: name another file with --out`,
      ]);
}
