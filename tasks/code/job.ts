/** What the sandbox gets of a fix: the files with it, the tests that must pass, and what shows how far they can be trusted. */
import type { Refusal } from '../../sandbox/finding.ts';
import { shuffled } from '../random.ts';
import { applyFix } from './apply.ts';
import type { Idea } from './assertions.ts';
import type { Bug } from './bugs.ts';
import { foreign, noCode } from './judge.ts';
import { mutationsOf } from './mutations.ts';
import { readReply } from './reply.ts';
import type { CodeTask, Repository } from './schema.ts';
import { screen } from './screen.ts';
import { functionsIn, languageOf, type SourceFunction } from './source.ts';

/** As `check/check.py` reads it. */
export type CheckInput = {
  /** The file with the fix: the function that it changes, and what stands around it. */
  fixed: { prefix: string; text: string; suffix: string };
  function: { path: string; name: string; language: string };
  tests: Repository['tests'];
  lint?: string[];
  /** For one run of all tests. */
  seconds: number;
  /** For all that is done. */
  limit: number;
  must: string[];
  keep: string[];
  probes: string[];
  stale: string[];
  /** What the probes must give: what they gave before a bug was planted. Absent: nobody knows. */
  sound?: string[];
  /** Assertions of the tests. */
  asserted: Idea[];
  /** What of the tests' own values the fix writes down; empty: nothing. */
  literals: string;
  ideas: Idea[];
  /** The file with the bug. */
  before: string;
  /** Whether somebody who reported the bug said what must hold: it is among `asserted`. */
  reported: boolean;
  /** Of the function. */
  mutants: { what: string; text: string }[];
  /** Least share of the mutants that must be caught. */
  strength: number;
};

/** What an answer of the model becomes: its fix in the file, with the test ideas beside it. Or why it is not even run. */
export type Proposal = { file: string; function: SourceFunction; ideas: Idea[] } | Refusal;

/** Reads the fix of an answer and puts it into the bug's file. */
export function proposalOf(bug: Bug, rationale: string): Proposal {
  const language = languageOf(bug.path)!;
  const reply = readReply(rationale, { original: bug.shown[0]!.text, language });
  if (reply?.fix === undefined) return noCode('there is no code in it');
  const { fix, ideas } = reply;
  const names = bug.shown.filter(({ path }) => path === bug.path).map(({ name }) => name);
  let refusal: Refusal | undefined;
  // The fix is of whichever of the functions that were shown it fits.
  for (const name of names) {
    const applied = applyFix({ [bug.path]: bug.file }, { path: bug.path, name }, fix, {
      allowed: [bug.path],
    });
    if ('refused' in applied) {
      refusal ??= applied;
      continue;
    }
    const file = applied.changes[bug.path]!;
    const screened = screen(bug.file, file, language);
    if (screened !== undefined) return screened;
    const changed = functionsIn(bug.path, file).find((one) => one.name === name);
    if (changed) return { file, function: changed, ideas };
  }
  return refusal ?? foreign('it changes no function that was shown');
}

/** Most test ideas that are tried on a fix: each is one call, before and after it and with each of its mutants. */
const IDEAS = 12;

/** What a fix is tried with: all that the model thought of for the bug, so that equal fixes are tried alike, and its own first where that is too much. */
function ideasFor(bug: Bug, own: readonly Idea[], others: readonly string[]): Idea[] {
  const language = languageOf(bug.path)!;
  const all = others.flatMap(
    (text) => readReply(text, { original: bug.shown[0]!.text, language })?.ideas ?? [],
  );
  const byText = (ideas: readonly Idea[]) =>
    new Map(ideas.map((idea) => [`${idea.call}\n${idea.expected}`, idea]));
  const kept = [...byText([...own, ...all])].slice(0, IDEAS);
  return kept.toSorted(([one], [other]) => (one < other ? -1 : 1)).map(([, idea]) => idea);
}

/**
 * @param options.held an answer to a held-out problem: right or wrong is all that is asked, not how strong its tests are
 * @param options.limit seconds for all that is done
 * @param options.others what else the model wrote about the bug: its test ideas are tried too
 */
export function checkInput(
  { strength, mutants }: Pick<CodeTask, 'strength' | 'mutants'>,
  { tests, lint, seconds }: Repository,
  bug: Bug,
  { file, function: changed, ideas }: Exclude<Proposal, Refusal>,
  { held, limit, others = [] }: { held: boolean; limit: number; others?: readonly string[] },
): CheckInput {
  const original = functionsIn(bug.path, bug.file).find(({ name }) => name === changed.name);
  return {
    fixed: { prefix: file.slice(0, changed.start), text: changed.text, suffix: file.slice(changed.end) },
    function: { path: bug.path, name: changed.name, language: bug.language },
    tests,
    ...(lint ? { lint } : {}),
    seconds,
    limit,
    must: bug.must,
    keep: bug.keep,
    probes: bug.probes,
    stale: bug.stale,
    ...(bug.sound ? { sound: bug.sound } : {}),
    asserted: [...bug.expects, ...bug.asserted],
    reported: bug.expects.length > 0,
    literals: testValuesIn(original?.text ?? '', changed.text, bug.calls),
    ideas: held ? [] : ideasFor(bug, ideas, others),
    before: bug.file,
    mutants: held ? [] : mutantsOf(bug, changed, original, mutants),
    strength,
  };
}

/** Mutants of the lines that the fix changed. */
function mutantsOf(
  bug: Bug,
  changed: SourceFunction,
  original: SourceFunction | undefined,
  most: number,
): CheckInput['mutants'] {
  const before = new Set(original?.text.split('\n'));
  const lines = changed.text.split('\n').flatMap((line, i) => (before.has(line) ? [] : changed.line + i));
  const all = mutationsOf(changed, { lines }).map((mutation) => {
    return { what: `line ${mutation.line}: ${mutation.after}`, text: mutation.text };
  });
  // One that brings the bug back is caught by the tests that failed with it: that says nothing new, and nothing wrong.
  return shuffled(all, `mutants/${bug.id}`, ({ text }) => text).slice(0, most);
}

const LITERAL = /(?<![\w.])\d+(?:\.\d+)?|"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'/g;
/** Values that any code may hold. */
const COMMON = new Set(['0', '1', '2', '10', '100', "''", "' '", "','", "'-'", "'_'"]);

const literalsIn = (code: string): Set<string> =>
  new Set([...code.matchAll(LITERAL)].map(([text]) => text.replace(/^"(.*)"$/s, "'$1'")));

/**
 * Values that a fix brings into a function and that stand in its tests. One alone is what a mended constant looks like; who writes down
 * an answer needs what was asked as well.
 */
function testValuesIn(before: string, after: string, calls: readonly string[]): string {
  const known = literalsIn(before);
  const tested = literalsIn(calls.join('\n'));
  const own = [...literalsIn(after)].filter((text) => !known.has(text) && !COMMON.has(text));
  const written = own.filter((text) => tested.has(text));
  return written.length < 2 ? '' : written.slice(0, 3).join(', ');
}
