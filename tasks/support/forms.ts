/** Other ways to put a request that change nothing of what is asked: what is learnt of one wording should hold in others. */
import { shuffled } from '../random.ts';
import type { Prompt, Rewrite } from '../task.ts';

const lower = (text: string): string =>
  /^(?:I\b|\p{Lu}{2})/u.test(text) ? text : text.charAt(0).toLowerCase() + text.slice(1);

const FORMS: Record<string, (text: string) => string> = {
  'as-is': (text) => text,
  greeting: (text) => `Hello, ${lower(text)}`,
  quick: (text) => `Quick question: ${lower(text)}`,
  typed: (text) => text.toLowerCase().replace(/[?.!]+$/, ''),
  polite: (text) => `${text} Thanks in advance.`,
};

export const formTexts = (text: string): string[] => Object.values(FORMS).map((form) => form(text));

export function formsOfRequest({ text }: Prompt, seed: number): Rewrite[] {
  const forms = Object.entries(FORMS).map(([key, form]): Rewrite => ({
    key,
    text: form(text),
    mapBack: (answer) => answer,
  }));
  return shuffled(forms, `support/${seed}`, ({ key }) => key);
}
