/**
 * Questions about passages: the model writes them, what can be told by rule is checked, and the model answers each again from its
 * passage alone. In: passages, and what keeps replies. Out: rows of a prompts file, and how many were dropped for what.
 */
import pLimit from 'p-limit';
import { createLeakIndex } from '../../loop/leaks.ts';
import {
  answerRequest,
  readAnswered,
  readWritten,
  writeRequest,
  type Asking,
  type Written,
} from '../../tasks/documents/ask.ts';
import { checked, factOf, formOf, type Dropped } from '../../tasks/documents/objections.ts';
import type { DocumentPassage } from '../../tasks/documents/passages.ts';
import type { PromptSource } from '../../tasks/documents/source.ts';
import { shuffled } from '../../tasks/random.ts';
import type { Replies } from './replies.ts';

/** A line of the prompts file: a prompt for tasks, with its answer for those that hold it out. */
export type QuestionRow = { prompt: string; answer: string; source: PromptSource };

export type WrittenQuestions = {
  rows: QuestionRow[];
  /** Passages that were asked about. */
  passages: number;
  dropped: Tally[];
};

/** `example`: the first of them, or what was wrong with it. */
export type Tally = { reason: Dropped; count: number; example: string };
type Drop = { reason: Dropped; example: string };

export type WriteSettings = Asking & {
  model: string;
  /** At most so many rows. */
  limit: number;
  /** Only what the model can't answer without the passage. */
  unknown: boolean;
};

/** Passages that are asked about at once. */
const AT_ONCE = 8;
/** As held-out problems are told from prompts (`leaks.similarity`). */
const NEAR = 0.8;
/** A passage has fewer characters, but for marks that don't count. */
const LONGEST_QUOTE = 2000;

/**
 * The same passages, settings and replies give the same rows. Passages are taken in an order that depends on the seed, so that a limit
 * takes from all documents; the rows come in the order of the passages.
 *
 * @param told called after each passage
 * @throws as `Replies.ask`, once what was under way has ended
 */
export async function writeQuestions(
  passages: readonly DocumentPassage[],
  settings: WriteSettings,
  replies: Replies,
  told: (done: number, kept: number) => void = () => {},
): Promise<WrittenQuestions> {
  const dropped: Drop[] = [];
  const kept: { passage: DocumentPassage; row: QuestionRow }[] = [];
  const near = createLeakIndex([], NEAR);
  const facts = new Set<string>();
  const limit = pLimit({ concurrency: AT_ONCE, rejectOnClear: true });
  const order = shuffled(passages, `questions/${settings.seed}`, ({ digest }) => digest);
  const pages = order.map((passage) => limit(() => questionsAbout(passage, settings, replies)));
  // Whoever waits for a page hears of its failure; of those that are given up nobody needs to.
  for (const page of pages) page.catch(() => {});
  let done = 0;
  try {
    for (const [i, page] of pages.entries()) {
      if (kept.length === settings.limit) break;
      const passage = order[i]!;
      const { questions, dropped: own } = await page;
      dropped.push(...own);
      for (const question of questions.slice(0, settings.limit - kept.length)) {
        const text = question.question;
        if (near.find({ text }) || facts.has(factOf(question)))
          dropped.push({ reason: 'nearCopy', example: text });
        else {
          facts.add(factOf(question));
          near.add({ key: text, text, benchmark: passage.id });
          kept.push({ passage, row: rowOf(question, passage, settings.model) });
        }
      }
      done += 1;
      told(done, kept.length);
    }
  } finally {
    limit.clearQueue();
    // What is under way is paid for, and kept for another time.
    await Promise.allSettled(pages);
  }
  const place = new Map(passages.map((passage, i) => [passage, i]));
  const rows = kept.toSorted((a, b) => place.get(a.passage)! - place.get(b.passage)!).map(({ row }) => row);
  return { rows, passages: done, dropped: talliesOf(dropped) };
}

/** Most frequent first. */
const talliesOf = (dropped: readonly Drop[]): Tally[] =>
  [...Map.groupBy(dropped, ({ reason }) => reason)]
    .map(([reason, own]) => ({ reason, count: own.length, example: own[0]!.example }))
    .toSorted((a, b) => b.count - a.count);

/** The questions about one passage that hold, and of the others why each does not. */
async function questionsAbout(
  passage: DocumentPassage,
  settings: WriteSettings,
  replies: Replies,
): Promise<{ questions: Written[]; dropped: Drop[] }> {
  const reply = await replies.ask(writeRequest(passage, settings));
  if ('refused' in reply) return { questions: [], dropped: [{ reason: 'refused', example: reply.refused }] };
  const written = readWritten(reply.text);
  if ('problem' in written)
    return { questions: [], dropped: [{ reason: 'unread', example: written.problem }] };
  const questions: Written[] = [];
  const dropped: Drop[] = [];
  for (const one of written.value.slice(0, settings.perPassage)) {
    const found = checked(one, passage);
    const reason = 'dropped' in found ? found.dropped : await objectionTo(found.value, questions);
    if (reason !== undefined) dropped.push({ reason, example: one.question });
    else if ('value' in found) questions.push(found.value);
  }
  return { questions, dropped };

  async function objectionTo(question: Written, kept: readonly Written[]): Promise<Dropped | undefined> {
    const form = formOf(question.answer);
    if (kept.some(({ answer }) => formOf(answer) === form)) return 'sameFact';
    if ((await answerTo(question, passage)) !== form) return 'notFromPassage';
    return settings.unknown && (await answerTo(question, undefined)) === form ? 'known' : undefined;
  }

  /** In the form in which answers are compared; undefined where there is none. */
  async function answerTo(
    { question }: Written,
    shown: DocumentPassage | undefined,
  ): Promise<string | undefined> {
    const answer = await replies.ask(answerRequest(question, shown, settings));
    const read = 'refused' in answer ? undefined : readAnswered(answer.text);
    return read && 'value' in read ? formOf(read.value) : undefined;
  }
}

function rowOf({ question, answer, quote }: Written, passage: DocumentPassage, model: string): QuestionRow {
  const { id, file, heading, digest, page } = passage;
  return {
    prompt: question,
    answer,
    source: {
      file,
      passage: id,
      digest,
      ...(heading === '' ? {} : { heading }),
      ...(page === undefined ? {} : { page }),
      quote: quote.slice(0, LONGEST_QUOTE),
      model,
    },
  };
}
