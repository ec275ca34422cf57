/**
 * What a chat model answers when it is asked for a fix: prose around code. Read, never guessed at:
 * - a fix is search-and-replace blocks, or the definitions of all blocks that define functions; where two define the same function, the last
 *   wins, since models quote the broken code before they mend it. A quote of the broken code never counts where another block differs;
 * - of both kinds, the one that comes last counts;
 * - test ideas are assertions in a block that holds nothing else, or that is marked as tests: by the word behind the fence, the comment in its
 *   first line, the line of prose above it, or by defining functions called `test…` only;
 * - what is none of this (a command, an example, output) is left alone.
 */
import { ideasIn, isAllAssertions, type Idea } from './assertions.ts';
import { normalForm } from './compare.ts';
import { fencesIn, type Fence } from './fences.ts';
import { parsePiece, type Language } from './source.ts';

export type { Idea } from './assertions.ts';

/** Lines of a file to be found, and what takes their place. Without a path: in the file that the fix is for. */
export type Block = { path?: string; search: string; replace: string };

/** A whole function with what it needs, as the model wrote it, or blocks. */
export type Fix = string | Block[];
/** `fix` is undefined where a reply holds test ideas only. */
export type Reply = { fix: Fix | undefined; ideas: Idea[] };

type Candidate = { text: string; names: string[]; whole: boolean; form: string };

/**
 * @param options.original the broken function as the model was shown it
 * @returns undefined where there is no code
 */
export function readReply(
  reply: string,
  { original, language }: { original?: string; language?: Language } = {},
): Reply | undefined {
  const text = reply.replaceAll('\r\n', '\n');
  const languages = language ? [language] : (['python', 'tsx', 'typescript'] as const);
  const fences = fencesIn(text);
  // A model may leave the fence out; what is prose can't be read as code.
  if (fences.length === 0 && !SEARCH.test(text) && candidateOf(text, languages)?.whole)
    fences.push({ text, info: '', above: '' });
  const ideas: Idea[] = [];
  const candidates: Candidate[] = [];
  let blocks: Block[] = [];
  let last: 'whole' | 'blocks' | undefined;
  // Some put their search blocks outside of any fence.
  if (!fences.some((fence) => SEARCH.test(fence.text)) && SEARCH.test(text)) {
    blocks = blocksIn(text);
    if (blocks.length > 0) last = 'blocks';
  }
  for (const fence of fences) {
    if (SEARCH.test(fence.text)) {
      const found = blocksIn(fence.text, fence.above);
      blocks.push(...found);
      if (found.length > 0) last = 'blocks';
      continue;
    }
    const candidate = candidateOf(fence.text, languages);
    const isTests = candidate ? candidate.names.every(isTestName) : isAnnounced(fence);
    if (isTests || isMarked(fence) || isAllAssertions(fence.text, languages))
      ideas.push(...ideasIn(fence.text, languages));
    else if (candidate) {
      candidates.push(candidate);
      last = 'whole';
    }
  }
  const quoted = original === undefined ? undefined : candidateOf(original, languages)?.form;
  const fix = last === 'blocks' ? blocks : last === 'whole' ? wholeFix(candidates, quoted) : undefined;
  return fix === undefined && ideas.length === 0 ? undefined : { fix, ideas: unique(ideas) };
}

/** The blocks that count, in their order: none whose functions a later one defines, none cut short where a whole one stands. */
function wholeFix(candidates: Candidate[], quoted: string | undefined): string {
  const others = candidates.filter(({ form }) => form !== quoted);
  const differing = others.length > 0 ? others : candidates.slice(-1);
  const whole = differing.filter((one) => one.whole);
  const usable = whole.length > 0 ? whole : differing;
  const later = new Set<string>();
  const kept: string[] = [];
  for (const { text, names } of usable.toReversed()) {
    if (kept.length > 0 && names.every((name) => later.has(name))) continue;
    kept.unshift(text);
    for (const name of names) later.add(name);
  }
  return kept.join('\n\n');
}

const DEFINES =
  /^[ \t]*(?:(?:export\s+)?(?:default\s+)?(?:async\s+)?(?:def|function)\b\s*\*?\s*([\w$]+)\s*\(|(?:export\s+)?(?:const|let|var)\s+([\w$]+)\s*(?::[^=]*)?=\s*(?:async\s*)?(?:\(|function\b|[\w$]+\s*=>))/m;

/** Code that defines functions; where it can't be read whole, it is the more recognisable by its first line. */
function candidateOf(text: string, languages: readonly Language[]): Candidate | undefined {
  for (const language of languages) {
    const piece = parsePiece(language, text);
    if (piece && piece.definitions.length > 0)
      return {
        text,
        names: piece.definitions.map(({ own }) => own),
        whole: true,
        form: normalForm(piece.syntax.root),
      };
  }
  const defined = DEFINES.exec(text);
  const name = defined?.[1] ?? defined?.[2];
  return name === undefined ? undefined : { text, names: [name], whole: false, form: text };
}

const isTestName = (name: string): boolean => /^test(?:[_A-Z]|$)/.test(name);

/** By what is said of the block itself. */
function isMarked({ info, text }: Fence): boolean {
  const comment = /^\s*(?:#|\/\/)(.*)/.exec(text)?.[1] ?? '';
  return /\btests?\b/i.test(info) || /^\W*(?:\w+ ){0,3}tests?(?: (?:ideas|cases))?\W*$/i.test(comment);
}

/** By the line above, which may speak of tests though a function follows. */
const isAnnounced = ({ above }: Fence): boolean => /\btests?(?: (?:ideas|cases))?\W*$/i.test(above);

const SEARCH = /^[ \t]*<{5,9} ?SEARCH[ \t]*$/m;
const BLOCK =
  /^[ \t]*<{5,9} ?SEARCH[ \t]*\n([\s\S]*?)^[ \t]*={5,9}[ \t]*\n([\s\S]*?)^[ \t]*>{5,9} ?REPLACE[ \t]*$/gm;

/** As aider writes them: the path may stand in the line above, inside the fence or before it. */
function blocksIn(text: string, above = ''): Block[] {
  let from = 0;
  return [...text.matchAll(BLOCK)].map((match, i) => {
    const before = text.slice(from, match.index).trimEnd().split('\n').at(-1) ?? '';
    from = match.index + match[0].length;
    const path = pathOf(before) ?? (i === 0 ? pathOf(above) : undefined);
    return { ...(path !== undefined && { path }), search: match[1]!, replace: match[2]! };
  });
}

/** A line that is a path and nothing else, whatever marks it. */
const pathOf = (line: string): string | undefined =>
  /^[\s#*`/]*(?:file(?:name)?:\s*)?[`*]*((?:[\w.@-]+\/)*[\w.@-]+\.[a-z]+)[`*:\s]*$/i.exec(line)?.[1];

const unique = (ideas: Idea[]): Idea[] => [
  ...new Map(ideas.map((idea) => [`${idea.call}\n${idea.expected}`, idea])).values(),
];
