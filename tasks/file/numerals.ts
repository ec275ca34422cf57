/** Numbers in words: `twelve`, `forty-two`, `one hundred and five`. */

const SMALL =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');
const SCALES: Record<string, bigint> = {
  thousand: 10n ** 3n,
  million: 10n ** 6n,
  billion: 10n ** 9n,
  trillion: 10n ** 12n,
};

const units = (word: string): bigint | undefined => {
  const at = SMALL.indexOf(word);
  return at < 0 ? undefined : BigInt(at);
};
const tens = (word: string): bigint | undefined => {
  const at = TENS.indexOf(word);
  return at < 0 ? undefined : BigInt(at + 2) * 10n;
};

/** Is a word (lower case) one of those that a number in words is made of? */
export const isNumeral = (word: string): boolean =>
  SMALL.includes(word) || TENS.includes(word) || word in SCALES || word === 'hundred';

/**
 * The number that a list of words (lower case, hyphens parted) begins with, as far as it goes.
 *
 * @returns the value and how many words it takes; undefined where they begin with none, or with one that is put together wrongly
 */
export function numeralAt(words: readonly string[]): { value: bigint; length: number } | undefined {
  let at = 0;
  const below = (): bigint | undefined => {
    const small = units(words[at] ?? '');
    if (small !== undefined) {
      at++;
      return small;
    }
    const ten = tens(words[at] ?? '');
    if (ten === undefined) return undefined;
    at++;
    const unit = units(words[at] ?? '');
    if (unit === undefined || unit === 0n || unit > 9n) return ten;
    at++;
    return ten + unit;
  };
  let total = 0n;
  let scale = 10n ** 15n;
  for (let first = true; ; first = false) {
    const began = at;
    if (!first && words[at] === 'and') at++;
    let group = below();
    if (group === undefined) {
      if (first) return undefined;
      at = began;
      break;
    }
    if (words[at] === 'hundred') {
      if (group === 0n || (group > 9n && group % 10n === 0n)) return undefined;
      at++;
      group *= 100n;
      const and = words[at] === 'and' ? 1 : 0;
      at += and;
      const rest = below();
      if (rest === undefined) at -= and;
      else group += rest;
    }
    const named = SCALES[words[at] ?? ''];
    if (named !== undefined) at++;
    if ((named ?? 1n) >= scale) return undefined;
    scale = named ?? 1n;
    total += group * scale;
    if (named === undefined) break;
  }
  // `one two`, `twenty and five hundred`: more of a number follows that does not belong to it.
  if (isNumeral(words[at] ?? '')) return undefined;
  return { value: total, length: at };
}
