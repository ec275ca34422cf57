/** A repository that has been looked at: what its tests say of its functions, asked in the sandbox. */
import { ideasIn, type Idea } from '../../tasks/code/assertions.ts';
import type { Bug } from '../../tasks/code/bugs.ts';
import { callsIn, neighbours } from '../../tasks/code/calls.ts';
import type { Repository } from '../../tasks/code/schema.ts';
import type { SourceFunction } from '../../tasks/code/source.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { shuffled } from '../../tasks/random.ts';
import { failingCalls } from './failing-test.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';
import { survey, type Surveyed } from './survey.ts';

/** All its tests pass as it is. */
export type Looked = {
  repository: Repository;
  snapshot: Snapshot;
  archives: string;
  tests: string[];
};

/** Calls of a function from its tests, and how many others are made of them. */
const PROBES = 16;
const CALLS = 40;

/** @throws InvalidInputError where a repository can't be had, or its tests fail as it is */
export async function look(repository: Repository, archives: string): Promise<Looked> {
  const snapshot = await takeSnapshot(repository, archives);
  const [path] = [...snapshot.sources.keys()];
  const looked = { repository, snapshot, archives, tests: [] };
  const found = await surveyOf(looked, { path: path!, name: '', language: 'python' }, null, []);
  const failing = Object.entries(found.tests).filter(
    ([, said]) => said !== null && !said.startsWith('skipped') && said !== 'fails, as expected',
  );
  const tests = Object.entries(found.tests).flatMap(([name, said]) => (said === null ? [name] : []));
  const problem = (what: string) => new InvalidInputError([`repository ${repository.name}: ${what}`]);
  if (failing.length > 0)
    throw problem(
      `its tests must pass as it is; ${failing.length} fail: ${failing
        .slice(0, 5)
        .map(([name, said]) => `${name} (${said})`)
        .join('; ')}`,
    );
  if (tests.length === 0)
    throw problem(`no test passes (${repository.tests.command.join(' ')}): ${lastLine(found.output)}`);
  if (found.ended !== 0)
    throw problem(`all tests pass, and the runner ends with ${found.ended}: ${lastLine(found.output)}`);
  if (found.lint && found.lint.code !== 0)
    throw problem(
      `lint (${repository.lint!.join(' ')}) does not pass as it is: ${lastLine(found.lint.output)}`,
    );
  return { ...looked, tests };
}

const lastLine = (output: string): string => output.trim().split('\n').at(-1) || 'it says nothing';

export const surveyOf = (
  { repository, snapshot, archives }: Looked,
  where: { path: string; name: string; language: string },
  text: string | null,
  probes: string[],
): Promise<Surveyed> => survey({ repository, digest: snapshot.digest, archives, ...where, probes }, text);

/** The set to which the bugs of a function go. */
export type Sets = (path: string, name: string) => Bug['set'];

const ASSERTED = 20;

/** A call that can't be made outside of its tests: they know the function by another name. */
const NO_CALL = /^(?:raises (?:NameError|ReferenceError)$|no answer)/;

/** What is known of a function as it is. */
export type Known = {
  /** Calls that its tests make, with literal arguments. */
  calls: string[];
  /** Other calls that can be made, and that give the same each time. */
  probes: string[];
  /** What they give. */
  sound: string[];
  /** What its tests assert in one line each, as far as it holds by itself. */
  asserted: Idea[];
};

/** @param seed of the choice of other calls */
export async function knownOf(looked: Looked, fn: SourceFunction, seed: number): Promise<Known> {
  const python = fn.language === 'python';
  const tests = [...looked.snapshot.others].filter(([path]) => path.endsWith('.py') === python);
  const calls = [...new Set(tests.flatMap(([path, text]) => callsIn(text, path, fn.name)))].slice(0, CALLS);
  const probes = probesOf(fn, calls, seed);
  const lines = tests.flatMap(([, text]) => text.split('\n')).filter((line) => line.includes(`${fn.name}(`));
  const ideas = lines.flatMap((line) => ideasIn(line.trim(), [fn.language])).slice(0, ASSERTED);
  if (ideas.length + probes.length === 0) return { calls, probes: [], sound: [], asserted: [] };
  const asked = [...probes, ...ideas.flatMap(({ call, expected }) => [call, expected])];
  const values = (await surveyOf(looked, fn, null, asked)).probes;
  // What draws by chance or reads the clock says nothing of a fix.
  const again = probes.length === 0 ? [] : (await surveyOf(looked, fn, null, probes)).probes;
  const usable = probes.map((_, i) => !NO_CALL.test(values[i]!) && values[i] === again[i]);
  const asserted = values.slice(probes.length);
  return {
    calls,
    probes: probes.filter((_, i) => usable[i]),
    sound: values.slice(0, probes.length).filter((_, i) => usable[i]),
    asserted: ideas.filter(
      (_, i) => asserted[2 * i] === asserted[2 * i + 1] && !/^(?:raises |no answer)/.test(asserted[2 * i]!),
    ),
  };
}

/** Other calls, made of those, in turns. */
function probesOf(fn: SourceFunction, calls: readonly string[], seed: number): string[] {
  if (calls.length === 0) return [];
  const each = Math.ceil(PROBES / calls.length) + 1;
  const known = new Set(calls);
  const all = calls.flatMap((call) => neighbours(call, fn.language, `probes/${seed}`, each));
  return shuffled(
    [...new Set(all)].filter((call) => !known.has(call)),
    `probes/${seed}/${fn.name}`,
    (call) => call,
  ).slice(0, PROBES);
}

/**
 * What the tests say of a function with a bug, as it stands in a row of bugs.
 *
 * @param fn as the repository has it
 * @param options.sound whether it is right so: the bug is planted, and nobody reported another
 */
export function buggyFunction(
  looked: Looked,
  fn: SourceFunction,
  options: { file: string; known: Known; surveyed: Surveyed; sound: boolean },
) {
  const { repository, snapshot, tests } = looked;
  const { path, name, language } = fn;
  const { file, surveyed } = options;
  const { calls, sound, ...known } = options.known;
  const must = tests.filter((test) => surveyed.tests[test] !== null);
  return {
    repository: repository.name,
    archive: snapshot.digest,
    language: language === 'tsx' ? ('typescript' as const) : language,
    path,
    function: name,
    file,
    must,
    keep: tests.filter((test) => !must.includes(test)),
    calls: [...calls, ...failingCalls(looked, must)],
    ...known,
    stale: surveyed.probes,
    ...(options.sound ? { sound, mended: fn.text } : {}),
  };
}
