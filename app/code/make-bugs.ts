/**
 * Bugs of a user's own repositories, to practise on and to measure by: small changes of functions that have tests, kept only where a test
 * notices, and reports that people wrote. Held-out bugs lie in other functions than those that are practised on.
 */
import pLimit from 'p-limit';
import { availableParallelism } from 'node:os';
import type { Bug } from '../../tasks/code/bugs.ts';
import { mutationsOf, type Mutation } from '../../tasks/code/mutations.ts';
import type { CodeTask } from '../../tasks/code/schema.ts';
import { functionsIn } from '../../tasks/code/source.ts';
import { priority, shuffled } from '../../tasks/random.ts';
import { logOf } from './failing-test.ts';
import { buggyFunction, knownOf, look, surveyOf, type Looked, type Sets } from './looked.ts';
import { readReports, rowOfReport, type ReportedBug } from './reports.ts';
import type { Surveyed } from './survey.ts';

/** What is told while it is at work. */
export type Progress = (said: string) => void;

export type Made = { bugs: Bug[]; tried: number; unnoticed: number; functions: number; untested: string[] };

/**
 * Makes the bugs of all repositories of a task.
 *
 * @param options.archives folder in which the repositories are kept for the sandbox
 * @throws InvalidInputError where a repository can't be had, or its tests fail as it is
 * @throws SandboxUnavailable where nothing can be run
 */
export async function makeBugs(
  task: CodeTask,
  { archives, seed, say }: { archives: string; seed: number; say: Progress },
): Promise<Made> {
  const made: Made = { bugs: [], tried: 0, unnoticed: 0, functions: 0, untested: [] };
  const reports = task.reports === undefined ? [] : await readReports(task.reports, task);
  // All of them first: what is wrong with the last is said before minutes are spent on the first.
  const all: Looked[] = [];
  for (const repository of task.repositories) {
    say(`${repository.name}: packing`);
    const looked = await look(repository, archives);
    const { tests, snapshot } = looked;
    say(`${repository.name}: ${tests.length} tests pass, ${snapshot.sources.size} files of source`);
    all.push(looked);
  }
  for (const looked of all) {
    const { repository } = looked;
    const reported: ReportedBug[] = [];
    for (const report of reports.filter((one) => one.repository === repository.name))
      reported.push(await rowOfReport(report, looked));
    // What is really broken is there to be mended, so nothing is measured by its function.
    const broken = reported.filter(({ planted }) => !planted);
    const doubted = new Set(broken.map((bug) => `${bug.path} ${bug.function}`));
    const sets = setsOf(task, looked, seed, doubted);
    const own = await bugsIn(task, looked, { seed, sets, doubted, say });
    made.bugs.push(...own.bugs);
    made.tried += own.tried;
    made.unnoticed += own.unnoticed;
    made.functions += own.functions;
    made.untested.push(...own.untested);
    made.bugs.push(...reported.map((bug) => inSet(bug, sets)));
  }
  return made;
}

/** Of the code around a bug that is practised on, a function that is measured is left out: it stands there as it should be. */
function inSet(bug: ReportedBug, sets: Sets): Bug {
  const set = sets(bug.path, bug.function);
  if (set !== 'practice') return { ...bug, set };
  const shown = bug.shown.filter(
    ({ path, name }) => name === bug.function || sets(path, name) === 'practice',
  );
  return { ...bug, set, shown };
}

/** Which set the bugs of each function go to: as many functions as are asked for are held out, half of them until the end. */
function setsOf(
  { heldOut }: CodeTask,
  { repository, snapshot }: Looked,
  seed: number,
  practised: ReadonlySet<string>,
): Sets {
  const all = [...snapshot.sources]
    .flatMap(([path, text]) => functionsIn(path, text).map(({ name }) => `${path} ${name}`))
    .filter((key) => !practised.has(key));
  const order = shuffled(all, `sets/${seed}/${repository.name}`, (key) => key);
  const held = Math.max(2, Math.round(order.length * heldOut));
  const at = new Map(order.map((key, i) => [key, i]));
  return (path, name) => {
    const place = at.get(`${path} ${name}`) ?? Infinity;
    if (place >= held) return 'practice';
    return place < Math.ceil(held / 2) ? 'target' : 'final';
  };
}

async function bugsIn(
  task: CodeTask,
  looked: Looked,
  { seed, sets, doubted, say }: { seed: number; sets: Sets; doubted: ReadonlySet<string>; say: Progress },
): Promise<Made> {
  const { repository, snapshot } = looked;
  const made: Made = { bugs: [], tried: 0, unnoticed: 0, functions: 0, untested: [] };
  const limit = pLimit(availableParallelism());
  const functions = [...snapshot.sources].flatMap(([path, text]) =>
    functionsIn(path, text).map((fn) => ({ fn, text })),
  );
  for (const { fn, text } of functions) {
    const where = `${repository.name} ${fn.path} ${fn.name}`;
    const known = await knownOf(looked, fn, seed);
    const mutations = inTurns(shuffled(mutationsOf(fn), `bugs/${seed}/${where}`, (one) => one.text));
    const tryOut = async (mutation: Mutation) => {
      const file = text.slice(0, fn.start) + mutation.text + text.slice(fn.end);
      return { mutation, file, surveyed: await surveyOf(looked, fn, file, known.probes) };
    };
    const noticed: Awaited<ReturnType<typeof tryOut>>[] = [];
    // Some go unnoticed: others are tried in their place, up to twice as many as are wanted.
    const most = mutations.slice(0, 2 * task.perFunction);
    let tried = 0;
    while (tried < most.length && noticed.length < task.perFunction) {
      const next = most.slice(tried, tried + task.perFunction - noticed.length);
      const found = await Promise.all(next.map((mutation) => limit(() => tryOut(mutation))));
      noticed.push(...found.filter(({ surveyed }) => isNoticed(looked, surveyed)));
      tried += next.length;
    }
    made.tried += tried;
    made.unnoticed += tried - noticed.length;
    if (noticed.length === 0) {
      made.untested.push(where);
      continue;
    }
    made.functions += 1;
    for (const { mutation, file, surveyed } of noticed) {
      const id = `${repository.name}/${fn.path}/${fn.name}/${priority('id', mutation.text).toString(16).slice(2, 10)}`;
      const trusted = !doubted.has(`${fn.path} ${fn.name}`);
      const buggy = buggyFunction(looked, fn, { file, known, surveyed, sound: trusted });
      const log = logOf(looked, buggy.must, surveyed);
      made.bugs.push({
        ...buggy,
        id,
        set: sets(fn.path, fn.name),
        title: `${fn.name} gives wrong results`,
        text: '',
        ...(log ? { log } : {}),
        shown: [{ path: fn.path, name: fn.name, text: mutation.text }],
        expects: [],
        planted: true,
        operator: mutation.operator,
        change: `${mutation.before.trim()} → ${mutation.after.trim()}`,
      });
    }
    say(`${where}: ${noticed.length} bugs of ${tried} changes`);
  }
  return made;
}

/** One of each operator, then the next of each: some operators change a function in far more ways than others. */
function inTurns(mutations: readonly Mutation[]): Mutation[] {
  const places = new Map<string, number>();
  const turns = mutations.map((mutation) => {
    const turn = places.get(mutation.operator) ?? 0;
    places.set(mutation.operator, turn + 1);
    return { mutation, turn };
  });
  return turns.toSorted((a, b) => a.turn - b.turn).map(({ mutation }) => mutation);
}

/** A test fails that passed, and the file can still be read: where everything fails the change is no bug but rubble. */
function isNoticed({ tests }: Looked, { tests: now }: Surveyed): boolean {
  const failing = tests.filter((name) => now[name] !== null);
  return failing.length > 0 && failing.length < tests.length;
}
