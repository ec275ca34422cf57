/** Policies as sentences, the sentence that a request is about, and what it says of an answer. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { actAsUser } from '../../../tasks/access.ts';
import { createAccuracyCheck, type AccuracyCheck } from '../../../tasks/support/accuracy.ts';
import { namesOf, passagesOf, readPolicies } from '../../../tasks/support/policies.ts';
import { createRetrieve } from '../../../tasks/support/retrieve.ts';

const example = fileURLToPath(new URL('../../../examples/support/', import.meta.url));
type Fact = { id: string; say: string; now: string; was?: string; ask: string[] };
const facts = readFileSync(`${example}facts.jsonl`, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Fact);
let check: AccuracyCheck;

const checkOf = (passages: ReturnType<typeof passagesOf>, common: string[] = []) =>
  createAccuracyCheck({ names: namesOf(passages), common: new Set(common) }, createRetrieve(passages));

beforeAll(async () => {
  actAsUser();
  const passages = await readPolicies(`${example}policies`);
  check = checkOf(passages, ['nordholm', 'trail', 'club']);
});

describe('a document', () => {
  it('is sentences under their headings, without tables, code and comments', () => {
    const text = `# Returns
An order may be
sent back. Shoes may not!

<!-- draft: 90 days -->
## Abroad
1. Within 60 days.
- No islands.
| a | 10 days |
\`\`\`
let days = 7;
\`\`\`
# Stores
Open.`;
    expect(passagesOf('r.md', text).map(({ id, heading, text: said }) => [id, heading, said])).toEqual([
      ['r.md#1', 'Returns', 'An order may be sent back.'],
      ['r.md#2', 'Returns', 'Shoes may not!'],
      ['r.md#3', 'Returns, Abroad', 'Within 60 days.'],
      ['r.md#4', 'Returns, Abroad', 'No islands.'],
      ['r.md#5', 'Stores', 'Open.'],
    ]);
  });

  it('may hold anything', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme', maxLength: 500 }),
        fc.string({ maxLength: 80 }),
        (text, request) => {
          const passages = passagesOf('a.md', text);
          expect(passages.every((one) => /\p{L}/u.test(one.text))).toBe(true);
          checkOf(passages)(request, text);
        },
      ),
    );
  });
});

describe('an answer', () => {
  it('is supported in its own words', () => {
    const before = ({ say, was, now }: Fact) => say.replace('{}', was ?? now);
    const missed = facts.flatMap((fact) =>
      fact.ask.filter(
        (request) => check(request, fact.say.replace('{}', fact.now), before(fact)).outcome !== 'supported',
      ),
    );
    // Of 240: requests that share too little with their sentence, or more with another.
    expect(missed.length).toBeLessThanOrEqual(3);
  });

  it('is not supported with any other value', () => {
    const valued = facts.filter(({ now }) => /^\$?\d+(?: days| hours| %)?$/.test(now));
    expect(valued.length).toBeGreaterThan(15);
    fc.assert(
      fc.property(fc.constantFrom(...valued), fc.nat(400), fc.nat(3), (fact, n, which) => {
        const other = fact.now.replace(/\d+/, String(n));
        fc.pre(other !== fact.now);
        const { outcome } = check(
          fact.ask[which]!,
          fact.say.replace('{}', other),
          fact.say.replace('{}', fact.was ?? fact.now),
        );
        expect(outcome).not.toBe('supported');
      }),
      // A threshold of nothing was taken for the `free` beside it.
      { examples: valued.map((fact) => [fact, 0, 0]) },
    );
  });

  it.each([
    ['Can I return shoes that I wore outdoors?', 'Yes, shoes worn outdoors can be returned.', 'contradicted'],
    ['Can I return shoes that I wore outdoors?', 'No.', 'supported'],
    ['Can I return shoes that I wore outdoors?', 'No, shoes worn outdoors can be returned.', 'contradicted'],
    ["Can't I return shoes that I wore outdoors?", 'No.', 'unsupported'],
    ['Where is the flagship store?', 'The flagship store is in Bergmoor.', 'supported'],
    ['Where is the flagship store?', 'Our flagship store is in Hamburg.', 'contradicted'],
    ['Who waxes jackets for you?', 'Jackets are waxed by Ottilie.', 'supported'],
    ['How much is a return label?', 'It depends.', 'unsupported'],
    ['How much is a return label?', 'A return label is free.', 'contradicted'],
    ['How long is the warranty on tents?', 'Sixty months.', 'supported'],
    ['When do I get free shipping?', 'Shipping is free above $80.', 'supported'],
    ['When do I get free shipping?', 'Shipping is free above 0 dollars.', 'contradicted'],
    ['When do I get free shipping?', 'Shipping is free for orders of $0 or more.', 'contradicted'],
    ['How much do helmets cost for children?', 'Helmets cost children $0.', 'supported'],
    ['Do you sell helicopters?', 'Yes, we sell helicopters.', 'unsupported'],
  ])('%s %s', (request, answer, outcome) => {
    expect(check(request, answer)).toMatchObject({ outcome });
  });
});
