/**
 * The days of `messages.ts` in another convention, `21 VII 2014`, for which the task has no example: demonstrations and problems for
 * bench/demonstrations.ts.
 *
 *   npx node examples/messages/convention.ts FOLDER [SEED]
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { shuffled } from '../../tasks/random.ts';
import { messagesTask } from './in-figures.ts';

const [folder, seed = '1'] = process.argv.slice(2);
if (folder === undefined) throw new Error('usage: node examples/messages/convention.ts FOLDER [SEED]');

const MONTHS = 'I II III IV V VI VII VIII IX X XI XII'.split(' ');
const other = (iso: string) => {
  const [year, month, day] = iso.split('-').map(Number) as [number, number, number];
  return `${day} ${MONTHS[month - 1]!} ${year}`;
};
const days = shuffled(
  messagesTask('apart')
    .benchmarks.filter(({ name }) => name === 'days')
    .flatMap(({ items }) => [...(items() as Iterable<{ key: string; text: string; answer: string }>)]),
  seed,
  ({ key }) => key,
);
