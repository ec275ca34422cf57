/** a + b + 1: a rule that the built-in model has never seen, worked as it works sums. The first carry is 1. */
import { shuffled } from '../../tasks/random.ts';

export function workedWithOneMore(a: number, b: number): { prompt: string; answer: string } {
  const digits = (n: number) => String(n).padStart(10, '0').split('').toReversed().map(Number);
  let carry = 1;
  let sum = '';
  const lines = digits(a).map((x, i) => {
    const y = digits(b)[i]!;
    const total = x + y + carry;
    const line = `${x}+${y}+${carry}=${total % 10},${Math.floor(total / 10)}`;
    carry = Math.floor(total / 10);
    sum = `${total % 10}${sum}`;
    return line;
  });
  return { prompt: `${a}+${b}`, answer: [...lines, `#${sum}`].join('\n') };
}

/** Demonstrations, and other problems with their answers: numbers of one to three digits, the same for the same seed. */
export function oneMore(seed: string, demonstrations: number, queries: number) {
  const below = [10, 100, 1000];
  const numbers = below.map((limit) => Array.from({ length: limit - limit / 10 }, (_, i) => limit / 10 + i));
  const pairs = numbers.flatMap((own, level) => {
    const [first, second] = ['a', 'b'].map((side) => shuffled(own, `${seed}/${level}/${side}`, String));
    return Array.from(
      { length: 40 },
      (_, i) => [first![i % own.length]!, second![(i * 7 + 3) % own.length]!] as const,
    );
  });
  const drawn = shuffled(
    [
      ...new Map(
        pairs.map(([a, b]) => [[a, b].toSorted((x, y) => x - y).join('+'), [a, b] as const]),
      ).values(),
    ],
    `${seed}/pairs`,
    String,
  );
  return {
    demonstrations: drawn.slice(0, demonstrations).map(([a, b]) => workedWithOneMore(a, b)),
    queries: drawn
      .slice(demonstrations, demonstrations + queries)
      .map(([a, b]) => ({ prompt: `${a}+${b}`, answer: String(a + b + 1) })),
  };
}
