/** The functions that a bug report is about, found by what it quotes: stack traces, names, words. */
import { isProtected } from './paths.ts';
import { functionsIn, type SourceFunction } from './source.ts';
import { childOf, parse, walk } from './syntax.ts';

export type Report = { title: string; text: string; log?: string };

export type Excerpt = {
  path: string;
  name: string;
  text: string;
  /** One line: what in the report led to it. */
  why: string;
};

/** Characters that a token stands for, about. */
const CHARACTERS_PER_TOKEN = 4;
/** What leads to a function, from the surest sign down. */
const FRAME = 1_000_000;
const FRAME_BELOW = 10_000;
const MENTIONED = 3;
const CALLED = 300;
const NAMED = 100;

type Ranked = SourceFunction & { score: number; why: string };

/**
 * Best first; what the best one calls comes right behind it. Never more than the budget: what does not fit is left out, never cut.
 *
 * @param files texts by path; tests and configuration are passed over, since no fix may change them
 */
export function relevantCode(
  files: Record<string, string>,
  report: Report,
  { tokens }: { tokens: number },
): Excerpt[] {
  const functions = Object.entries(files)
    .filter(([path]) => !isProtected(path))
    .flatMap(([path, text]) => functionsIn(path, text));
  const ranked = rank(functions, Object.keys(files), report);
  const first = ranked.find(({ text }) => text.length <= tokens * CHARACTERS_PER_TOKEN);
  const called = first ? calledBy(first, functions) : [];
  // Words that happen to be alike tell nothing where there are surer signs.
  const others = ranked.filter((one) => one !== first && (one.score >= NAMED || ranked[0]!.score < NAMED));
  const ordered = first ? [first, ...called, ...others] : [];
  const seen = new Set<string>();
  let left = tokens * CHARACTERS_PER_TOKEN;
  return ordered.flatMap(({ path, name, text, why }) => {
    const key = `${path}\n${name}`;
    if (seen.has(key) || text.length > left) return [];
    seen.add(key);
    left -= text.length;
    return [{ path, name, text, why }];
  });
}

function rank(functions: SourceFunction[], paths: string[], { title, text, log }: Report): Ranked[] {
  const prose = cut([title, text].join('\n'));
  const whole = cut([title, text, log ?? ''].join('\n'));
  const frames = framesIn(whole, paths);
  const wanted = new Set(wordsOf(prose));
  const bags = functions.map((fn) => new Set(wordsOf(`${fn.path} ${fn.name} ${fn.text}`)));
  const rare = rarities(bags);
  return functions
    .map((fn, i) => {
      const last = fn.line + fn.text.split('\n').length - 1;
      const at = frames.findIndex(({ path, line }) => path === fn.path && line >= fn.line && line <= last);
      const own = fn.name.replace(/#\d+$/, '').split('.').at(-1)!;
      const words = [...bags[i]!].filter((word) => wanted.has(word));
      const reasons = [
        at >= 0 && {
          // The innermost may only have noticed what another did: one that the reporter names goes before.
          score: FRAME - at * FRAME_BELOW + (isNamed(fn.name, own, prose) ? MENTIONED * FRAME_BELOW : 0),
          why: `frame ${at + 1} of the stack trace, line ${frames[at]!.line}`,
        },
        isCalled(own, whole) && { score: CALLED, why: 'called in the report' },
        isNamed(fn.name, own, whole) && { score: NAMED, why: 'named in the report' },
        words.length > 0 && {
          score: words.reduce((sum, word) => sum + rare.get(word)! * (nameHas(fn, word) ? 3 : 1), 0),
          why: `words: ${words.slice(0, 5).join(', ')}`,
        },
      ].filter((reason) => reason !== false);
      return { ...fn, score: reasons.reduce((sum, { score }) => sum + score, 0), why: reasons[0]?.why ?? '' };
    })
    .filter(({ score }) => score > 0)
    .sort((one, other) => other.score - one.score);
}

/** Lines that are longer than any code are output of some kind, and slow to search. */
const cut = (text: string): string =>
  text
    .split('\n')
    .map((line) => line.slice(0, 1000))
    .join('\n');

type Frame = { path: string; line: number };

/** The innermost first: Python prints it last, Node first. */
function framesIn(text: string, paths: string[]): Frame[] {
  const python = [...text.matchAll(/File "([^"\n]+)", line (\d+)/g)].toReversed();
  const node = [
    ...text.matchAll(/(?:^\s*at |\bat .*\(|[\s(❯])(?:file:\/\/)?([^\s():"]+\.[cm]?[jt]sx?):(\d+)(?::\d+)?/gm),
  ];
  const pytest = [...text.matchAll(/^([^\s:"]+\.py):(\d+):/gm)].toReversed();
  return [...python, ...pytest, ...node].flatMap(([, file, line]) => {
    const path = pathOf(file!.replaceAll('\\', '/'), paths);
    return path === undefined ? [] : [{ path, line: Number(line) }];
  });
}

/** A path in a trace may begin elsewhere: the longest of ours that ends it. */
const pathOf = (file: string, paths: string[]): string | undefined =>
  paths.filter((path) => `/${file}`.endsWith(`/${path}`)).sort((one, other) => other.length - one.length)[0];

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const isCalled = (own: string, text: string): boolean =>
  new RegExp(`(?<![\\w$])${escaped(own)}\\s*\\(`).test(text);

/** By its qualified name, or by one that no word of prose looks like; in quotes of code, any name. */
function isNamed(name: string, own: string, text: string): boolean {
  const pattern = name.includes('.') && text.includes(name.replace(/#\d+$/, ''));
  if (pattern) return true;
  const looksLikeCode = /[_$\d]|[a-z][A-Z]/.test(own);
  const mention = looksLikeCode ? `(?<![\\w$])${escaped(own)}(?![\\w$])` : `\`${escaped(own)}\``;
  return new RegExp(mention).test(text);
}

const nameHas = (fn: SourceFunction, word: string): boolean => wordsOf(fn.name).includes(word);

/** Words in lower case, with names taken apart: `totalPrice`, `total_price`. Plurals and short words go. */
const wordsOf = (text: string): string[] =>
  (
    text
      .replace(/([a-z\d])([A-Z])/g, '$1 $2')
      .toLowerCase()
      .match(/[a-z]{3,}/g) ?? []
  )
    .map((word) => (word.length > 4 ? word.replace(/(?<=[^s])s$/, '') : word))
    .filter((word) => !COMMON.has(word));

const COMMON = new Set(
  'the and for are not but with that this from have has was when then than should would could can get set return def self const let var function class value result expected got instead true false none null'.split(
    ' ',
  ),
);

/** How much a word tells: the logarithm of how few functions have it. */
function rarities(bags: Set<string>[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const bag of bags) for (const word of bag) counts.set(word, (counts.get(word) ?? 0) + 1);
  return new Map([...counts].map(([word, count]) => [word, Math.log(1 + bags.length / count)]));
}

/** The functions that one calls, by name, in the order of the calls; of several with a name, those of its own file. */
function calledBy(fn: SourceFunction, functions: SourceFunction[]): Ranked[] {
  const names = [...walk(parse(fn.language, fn.text).root)]
    .filter(({ type }) => type === 'call' || type === 'call_expression')
    .map((node) => childOf(node, 'function')!.text.split('.').at(-1)!);
  return [...new Set(names)].flatMap((name) => {
    const all = functions.filter(
      (one) => one.name.replace(/#\d+$/, '').split('.').at(-1) === name && one !== fn,
    );
    const near = all.filter((one) => one.path === fn.path);
    return (near.length > 0 ? near : all).map((one) => ({ ...one, score: 0, why: `called by ${fn.name}` }));
  });
}
