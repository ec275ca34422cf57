/**
 * The days of `messages.ts` in another convention, `21 VII 2014`, for which the task has no example: demonstrations and problems for
 * bench/demonstrations.ts.
 *
 *   npx node examples/messages/convention.ts FOLDER [SEED]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shuffled } from '../../tasks/random.ts';
import { QUESTION } from './in-figures.ts';
import { messages } from './messages.ts';

const [folder, seed = '1'] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node examples/messages/convention.ts FOLDER [SEED]');

const MONTHS = 'I II III IV V VI VII VIII IX X XI XII'.split(' ');
const other = (iso: string) => {
  const [year, month, day] = iso.split('-').map(Number) as [number, number, number];
  return `${day} ${MONTHS[month - 1]!} ${year}`;
};
const days: { prompt: string; said: string; answer: string }[] = [];
for (const { text, said, answer } of messages('day', 'held')) {
  days.push({ prompt: `${text}\n${QUESTION.day}`, said, answer: other(answer) });
  if (days.length === 200) break;
}
const drawn = shuffled(days, seed, ({ prompt }) => prompt);
const shown = drawn
  .slice(0, 8)
  .map(({ prompt, said, answer }) => ({ prompt, answer: `"${said}" is ${answer}` }));
const problems = drawn.slice(8).map(({ prompt, answer }) => ({ prompt, answer }));
mkdirSync(folder, { recursive: true });
for (const [name, rows] of Object.entries({ shown, problems }))
  writeFileSync(join(folder, `${name}.jsonl`), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
