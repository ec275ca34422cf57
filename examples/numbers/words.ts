/** Numbers below a thousand million in English words, and the groups of three places that they are said in. */

const UNITS =
  'zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen'.split(
    ' ',
  );
const TENS = 'twenty thirty forty fifty sixty seventy eighty ninety'.split(' ');

function belowThousand(n: number): string {
  if (n < 20) return UNITS[n]!;
  if (n < 100) return `${TENS[Math.floor(n / 10) - 2]!}${n % 10 ? `-${UNITS[n % 10]!}` : ''}`;
  return `${UNITS[Math.floor(n / 100)]!} hundred${n % 100 ? ` and ${belowThousand(n % 100)}` : ''}`;
}

const VALUES = new Map(Array.from({ length: 1000 }, (_, n) => [belowThousand(n), n]));

export function inWords(n: number): string {
  const [millions, thousands, rest] = [Math.floor(n / 1e6), Math.floor(n / 1000) % 1000, n % 1000];
  const said: string[] = [];
  if (millions) said.push(`${belowThousand(millions)} million`);
  if (thousands) said.push(`${belowThousand(thousands)} thousand`);
  if (rest || said.length === 0)
    said.push(said.length > 0 && rest < 100 ? `and ${belowThousand(rest)}` : belowThousand(rest));
  return said.join(' ');
}

/** The hundreds of a group below a thousand and what stands behind them; undefined where it has none. */
export function hundredsOf(group: string): { hundreds: string; rest?: string } | undefined {
  const [, hundreds, rest] = /^([a-z]+) hundred(?: and ([a-z-]+))?$/.exec(group) ?? [];
  return hundreds === undefined ? undefined : { hundreds, rest };
}

/** `place` counts from the right: 0 for the last three figures. */
export type Group = { words: string; place: number };

const WHOLE = /^(?:([a-z -]+?) million)?(?:(?:^| )([a-z -]+?) thousand)?(?:(?:^| and |(?<=\w) )([a-z -]+))?$/;

/** Cut at "million" and "thousand"; undefined where that leaves anything but numbers below a thousand. */
export function groupsOf(text: string): Group[] | undefined {
  const found = WHOLE.exec(text);
  const groups = [found?.[1], found?.[2], found?.[3]].flatMap((words, i) =>
    words === undefined ? [] : [{ words, place: 2 - i }],
  );
  return groups.length > 0 && groups.every(({ words }) => VALUES.has(words)) ? groups : undefined;
}

export function readWords(text: string): number | undefined {
  const n = groupsOf(text)?.reduce((sum, { words, place }) => sum + VALUES.get(words)! * 1000 ** place, 0);
  return n !== undefined && inWords(n) === text ? n : undefined;
}
