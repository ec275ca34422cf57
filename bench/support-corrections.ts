/**
 * What the intake of a support task lets through, without a model: right and wrong corrections of the example's facts, in all four wordings of
 * a request, put in ways that are drawn by a seed. Wrong values are the policies' own values of other facts, so that they are plausible.
 *
 *     npx node bench/support-corrections.ts --seeds 5 --first 1001
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { makeCorrections } from '../app/support/make-corrections.ts';
import { percent } from '../process/text.ts';
import { actAsUser } from '../tasks/access.ts';
import { shuffled, stream } from '../tasks/random.ts';
import type { Conversation } from '../tasks/support/conversations.ts';
import { readSupportTask } from '../tasks/support/resolve.ts';
import { readYaml } from '../tasks/yaml.ts';

actAsUser();
const { values } = parseArgs({
  options: {
    missed: { type: 'boolean' },
    seeds: { type: 'string', default: '5' },
    first: { type: 'string', default: '1001' },
  },
});
const folder = fileURLToPath(new URL('../examples/support/', import.meta.url));
type Fact = {
  id: string;
  say: string;
  now: string;
  was?: string;
  old?: string;
  lied?: string;
  ask: string[];
};
const facts = readFileSync(`${folder}facts.jsonl`, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Fact);

// Others than make.mjs has. {} is what is said to be right, as a sentence.
const WAYS = [
  'Nope. {}',
  'I doubt that. {}',
  'Hm, I was told something else: {}',
  'You must be mistaken. {}',
  'Incorrect. {} It is on the sign at your door.',
  "That isn't right, {}",
  'Please check again. {}',
  'Last week your colleague said: {}',
];

/** What a value is of: its words without the number. Yes and no are each other's wrong value. */
const kindOf = (value: string) => value.replaceAll(/\d+/g, '#').replace(/s$/, '');
const say = (fact: Fact, value: string) => fact.say.replace('{}', value);
const isPolar = ({ now }: Fact) => now === 'Yes' || now === 'No';

/** A wrong answer: of a question of yes or no the other, else another fact's value of the same kind. */
function wrongOf(fact: Fact, next: () => number): string | undefined {
  if (isPolar(fact)) return fact.old ?? fact.lied;
  const others = [...new Set(facts.flatMap(({ now, was }) => [now, ...(was ? [was] : [])]))].filter(
    (value) => kindOf(value) === kindOf(fact.now) && value !== fact.now,
  );
  const other = others[Math.floor(next() * others.length)];
  return other === undefined ? undefined : say(fact, other);
}

function conversationsOf(seed: number): { right: Conversation[]; wrong: Conversation[] } {
  const next = stream(`support/${seed}`);
  const made = { right: [] as Conversation[], wrong: [] as Conversation[] };
  for (const fact of facts) {
    const way = () => WAYS[Math.floor(next() * WAYS.length)]!;
    const right = say(fact, fact.now);
    const wrong = wrongOf(fact, next);
    if (wrong === undefined) continue;
    const [asked] = shuffled(fact.ask, `${seed}/${fact.id}`, (text) => text);
    const talk = (before: string, said: string): Conversation => ({
      id: `${seed}-${fact.id}-${made.right.length}-${made.wrong.length}`,
      at: '2026-09-01T09:00:00Z',
      turns: [
        { role: 'user', text: asked! },
        { role: 'assistant', text: before },
        { role: 'user', text: way().replace('{}', said) },
      ],
    });
    made.right.push(talk(wrong, right));
    made.wrong.push(talk(right, wrong));
  }
  return made;
}

const task = readSupportTask(await readYaml(`${folder}task.yaml`));
const total = { right: 0, learnt: 0, wrong: 0, through: 0 };
const seeds = Array.from({ length: Number(values.seeds) }, (_, i) => Number(values.first) + i);
for (const seed of seeds) {
  const { right, wrong } = conversationsOf(seed);
  // Each by itself: together the right ones would decide about the wrong ones.
  const learnt = async (more: Conversation[]) =>
    (
      await makeCorrections(
        { ...task, conversations: undefined, corrections: '/none', wordings: 1000 },
        { more },
      )
    ).rows;
  const rows = await learnt(right);
  const ofRight = rows.filter(({ fate }) => fate === 'learn');
  if (values.missed)
    for (const { request, said, fate, reason } of rows.filter((one) => one.fate !== 'learn'))
      console.log(`${fate}: ${request} | ${said} | ${reason}`);
  const ofWrong = (await learnt(wrong)).filter(({ fate }) => fate === 'learn');
  for (const { request, said, reason } of ofWrong) console.log(`through: ${request} | ${said} | ${reason}`);
  total.right += right.length;
  total.learnt += ofRight.length;
  total.wrong += wrong.length;
  total.through += ofWrong.length;
}
console.log(
  `seeds ${seeds[0]} to ${seeds.at(-1)}: of ${total.right} right corrections ${total.learnt} are learnt (${percent(total.learnt / total.right)}), ` +
    `of ${total.wrong} wrong ones ${total.through} (kept out ${percent(1 - total.through / total.wrong)})`,
);
