/**
 * A scripted model that reads: of sentences such as "The lighthouse of Norrby has 211 steps." it writes questions, and it answers them
 * from a passage that says so. What a sentence is about decides what goes wrong.
 */
import type { Script, ScriptedRequest } from './scripted-endpoint.ts';

const FACT = /^(The (\w+) of \w+) has (\d+ (\w+))\.$/;

/** By what a sentence is about, what a bad writer makes of it. */
const FAULTS: Record<string, (question: Written) => Written> = {
  tower: (one) => ({ ...one, question: `According to the passage, ${one.question}` }),
  bridge: (one) => ({ ...one, quote: one.quote.replace('has', 'has about') }),
  canal: (one) => ({ ...one, answer: 'very many' }),
  square: (one) => ({ ...one, question: `Is it ${one.answer} that ${one.question}` }),
};

type Written = { quote: string; question: string; answer: string };

const part = (text: string, name: string): string[] =>
  new RegExp(`(===== ${name} \\w+ =====)\\n([\\s\\S]*?)\\n\\1`)
    .exec(text)?.[2]
    ?.split('\n')
    .map((line) => line.replace(/^\d+\| /, '')) ?? [];

const sentencesOf = (lines: string[]) => lines.flatMap((line) => line.split(/(?<=\.) /));

function writtenOf(sentence: string): Written[] {
  const [, subject, noun, answer, things] = FACT.exec(sentence) ?? [];
  if (subject === undefined) return [];
  const one = {
    quote: sentence,
    question: `How many ${things} has ${subject.replace('The', 'the')}?`,
    answer: answer!,
  };
  return [FAULTS[noun!]?.(one) ?? one];
}

function answerOf(question: string, sentences: string[]): string {
  const said = sentences.find((one) => writtenOf(one)[0]?.question === question);
  const answer = said === undefined ? '' : FACT.exec(said)![3]!;
  // Of mills it says something else each time.
  return question.includes('mill') ? `${answer} or more` : answer;
}

function replyOf({ messages }: Pick<ScriptedRequest, 'messages'>): string {
  const text = messages.at(-1)!.content;
  const sentences = sentencesOf(part(text, 'PASSAGE'));
  const [question] = part(text, 'QUESTION');
  if (question !== undefined) return JSON.stringify({ answer: answerOf(question, sentences) });
  // Asked without a passage, it knows churches only.
  if (sentences.length === 0) return JSON.stringify({ answer: text.includes('church') ? '7 bells' : '' });
  if (sentences.some((one) => one.includes('gibberish'))) return 'Sure! Here are some questions.';
  return JSON.stringify({ questions: sentences.flatMap(writtenOf) });
}

export const readingWriter: Script = { baseModel: 'writer', answer: replyOf };
