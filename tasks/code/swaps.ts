/** What a mutation puts in another's place. */

export const COMPARISONS: Record<string, readonly string[]> = {
  '<': ['<=', '>'],
  '<=': ['<', '>='],
  '>': ['>=', '<'],
  '>=': ['>', '<='],
  '==': ['!='],
  '!=': ['=='],
  '===': ['!=='],
  '!==': ['==='],
  is: ['is not'],
  'is not': ['is'],
  in: ['not in'],
  'not in': ['in'],
};

export const ARITHMETIC: Record<string, string> = {
  '+': '-',
  '-': '+',
  '*': '/',
  '/': '*',
  '//': '/',
  '%': '*',
  '**': '*',
  '<<': '>>',
  '>>': '<<',
  '&': '|',
  '|': '&',
  '^': '&',
  '+=': '-=',
  '-=': '+=',
  '*=': '/=',
  '/=': '*=',
  '//=': '*=',
  '%=': '/=',
  '++': '--',
  '--': '++',
};

export const JUNCTIONS: Record<string, string> = { and: 'or', or: 'and', '&&': '||', '||': '&&', '??': '||' };

const METHODS = [
  // Python
  'append extend',
  'startswith endswith',
  'lstrip rstrip',
  'strip rstrip',
  'upper lower',
  'title capitalize',
  'find rfind',
  'index rindex',
  'split rsplit',
  'partition rpartition',
  'removeprefix removesuffix',
  'ljust rjust',
  'isalpha isalnum',
  'keys values',
  'appendleft append',
  'popleft pop',
  'union intersection',
  'add discard',
  'update setdefault',
  'any all',
  'ceil floor',
  // Both
  'min max',
  // JavaScript
  'startsWith endsWith',
  'push unshift',
  'shift pop',
  'some every',
  'indexOf lastIndexOf',
  'findIndex findLastIndex',
  'findLast find',
  'toUpperCase toLowerCase',
  'trimStart trimEnd',
  'trim trimEnd',
  'padStart padEnd',
  'round floor',
  'trunc round',
  'replaceAll replace',
  'reduceRight reduce',
  'charAt charCodeAt',
].map((pair) => pair.split(' ') as [string, string]);

const swaps = new Map<string, string[]>();
for (const [one, other] of METHODS)
  for (const [from, to] of [
    [one, other],
    [other, one],
  ] as const)
    swaps.set(from, [...(swaps.get(from) ?? []), to]);

/** Functions that are confused with it: mostly the one that does the same from the other end. At most one, the first that has the language's look. */
export const methodsLike = (name: string): readonly string[] => (swaps.get(name) ?? []).slice(0, 1);

/** Calls whose arguments may stand in any order, or whose arguments are for people. */
export const ORDERLESS: ReadonlySet<string> = new Set([
  'min',
  'max',
  'Math.min',
  'Math.max',
  'math.gcd',
  'gcd',
  'print',
  'zip',
  'console.log',
  'console.error',
  'console.warn',
]);
