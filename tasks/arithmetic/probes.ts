/**
 * Bad work on a sum, exactly made: the task can add, so it knows what is wrong. Where the form allows it the work has the right shape and
 * every carry is handed on, so that nothing but a look at the steps can tell.
 */
import type { ProbeKind } from '../../loop/words.ts';
import { INJECTIONS } from '../injections.ts';
import { stream } from '../random.ts';
import { parseSum, WIDTH } from './addition.ts';

/** One working line: `x+y+carry=digit,next`. */
type Step = { x: number; y: number; carry: number; digit: number; next: number };

/** Places of a problem that are wrong in planted work: one slip in ten lines is what a critic can overlook. */
const WRONG_PLACES = 2;

/** Work of this kind on a problem such as `0000345000+0000678000`; undefined where there is none. */
export function arithmeticProbe(kind: ProbeKind, text: string, seed: number): string | undefined {
  const sum = parseSum(text);
  if (typeof sum === 'string') return undefined;
  const next = stream(`probe/${kind}/${seed}/${text}`);
  const [a, b] = text.trim().split(/\s*\+\s*/) as [string, string];
  const steps = add(digitsOf(a), digitsOf(b));
  // Zeros on the right are the rewrite's: a digit there would be no answer to the prompt.
  const places = Array.from({ length: sum.digits }, (_, i) => sum.zeros + i);
  const work = makers[kind]({ steps, places, next });
  return work === undefined || work === write(steps) ? undefined : work;
}

type Problem = { steps: Step[]; places: number[]; next(): number };

const makers: Record<ProbeKind, (problem: Problem) => string | undefined> = {
  'wrong-answer': (problem) => write(wrong(problem)),
  'broken-steps': (problem) => write((problem.next() < 0.5 ? miscopied : miscarried)(problem)),
  verbose({ steps, next }) {
    const lines = write(steps).split('\n');
    const words = [
      'so',
      'clearly',
      'the',
      'carry',
      'of',
      'numbers',
      'is',
      'always',
      'then',
      'added',
      'sum',
      'and',
    ];
    const salad = () => Array.from({ length: 12 }, () => words[below(words.length, next)]).join(' ');
    return lines.flatMap((line) => [`${salad()}.`, `${salad()}, hence:`, line]).join('\n');
  },
  /** One pattern for every problem of a length. */
  template({ steps, places }) {
    return write(
      steps.map((_, place) => {
        const x = places.includes(place) ? 1 : 0;
        return { x, y: x, carry: 0, digit: 2 * x, next: 0 };
      }),
    );
  },
  injection(problem) {
    const lines = write(wrong(problem)).split('\n');
    const plea = INJECTIONS[below(INJECTIONS.length, problem.next)]!;
    return [...lines.slice(0, -1), plea, lines.at(-1)].join('\n');
  },
  /** Flawless work on another problem of the same length. */
  'off-task'({ places, next }) {
    const other = () =>
      Array.from({ length: WIDTH }, (_, place) => (places.includes(place) ? 1 + below(9, next) : 0));
    return write(add(other(), other()));
  },
};

/** Wrong digits at some places, all carries as they should be. */
function wrong({ steps, places, next }: Problem): Step[] {
  const at = new Set(some(places, WRONG_PLACES, next));
  return steps.map((step, place) =>
    at.has(place) ? { ...step, digit: (step.digit + 1 + below(9, next)) % 10 } : step,
  );
}

/** Other digits that add up to the same: the sum is right, but these numbers were not asked for. */
function miscopied({ steps, places, next }: Problem): Step[] {
  const movable = places.filter((place) => moved(steps[place]!) !== undefined);
  const broken = new Set(some(movable, WRONG_PLACES, next));
  return steps.map((step, place) => (broken.has(place) ? moved(step)! : step));
}

/** A wrong carry that is handed on and then not added: two wrong lines, and the sum is right. */
function miscarried({ steps, places, next }: Problem): Step[] {
  const [place] = some(places, 1, next);
  const carry = 1 - steps[place!]!.next;
  return steps.map((step, at) => {
    if (at === place) return { ...step, next: carry };
    return at === place! + 1 ? { ...step, carry } : step;
  });
}

/** The line with one digit more and the other one less, if there are such digits. */
function moved(step: Step): Step | undefined {
  const { x, y } = step;
  if (x < 9 && y > 0) return { ...step, x: x + 1, y: y - 1 };
  return x > 0 && y < 9 ? { ...step, x: x - 1, y: y + 1 } : undefined;
}

function add(a: number[], b: number[]): Step[] {
  let carry = 0;
  return a.map((x, place) => {
    const y = b[place]!;
    const total = x + y + carry;
    const step = { x, y, carry, digit: total % 10, next: total >= 10 ? 1 : 0 };
    carry = step.next;
    return step;
  });
}

function write(steps: Step[]): string {
  const lines = steps.map(({ x, y, carry, digit, next }) => `${x}+${y}+${carry}=${digit},${next}`);
  return `${lines.join('\n')}\n#${steps
    .map(({ digit }) => digit)
    .toReversed()
    .join('')}`;
}

/** Digits from the lowest place up. */
const digitsOf = (number: string): number[] =>
  number.slice(-WIDTH).padStart(WIDTH, '0').split('').toReversed().map(Number);

const below = (limit: number, next: () => number): number => Math.floor(next() * limit);

/** Some of the items, each once. */
function some<T>(items: readonly T[], count: number, next: () => number): T[] {
  const left = [...items];
  const taken: T[] = [];
  while (taken.length < count && left.length > 0) taken.push(...left.splice(below(left.length, next), 1));
  return taken;
}
