/** `discover` and `study`: experiments on a law or a simulator until its law is found, and what came of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import pc from 'picocolors';
import { findAddresses, findDatabase, withDatabase } from '../../app/addresses.ts';
import { buildStudyReport, listed } from '../../app/discovery/report.ts';
import { checkStudy, grantSimulator, startStudy, type StudyEnd } from '../../app/discovery/start.ts';
import { checkRunId, defaultRunId } from '../../app/runs/input.ts';
import { connectTemporal } from '../../app/temporal.ts';
import type { Db } from '../../db/connect.ts';
import { findStudy } from '../../db/queries/discovery.ts';
import { EXIT } from '../../process/errors.ts';
import { plain, table } from '../../process/text.ts';
import { POLICIES, type Policy } from '../../tasks/discovery/choose.ts';
import { LAWS } from '../../tasks/discovery/laws.ts';
import { listenForInterrupt } from '../interrupt.ts';
import { wholeNumber } from '../numbers.ts';
import { readable } from '../readable.ts';
import { experimentLine, renderStudy } from '../render/study.ts';
import { plainLines, wantsColor } from './follow.ts';

type Flags = {
  budget?: number;
  policy?: Policy;
  seed?: number;
  noise?: number;
  hypothesis?: string[];
  id?: string;
  json?: boolean;
  html?: string;
};

const help = `
Each experiment is the one that is expected to tell most of which law holds, and of its parameters. What a law foretells is written down
before the experiment is made; a law that no parameters reconcile with the measurements is refuted, and by which is kept.

A simulator of your own is a program that is told settings and says what it measures (docs/discovery.md).

Examples:
  ratchet discover gravity-screened
  ratchet discover enzyme-inhibited --policy random --seed 7
  ratchet discover examples/discovery/elements.yaml --hypothesis "k1 * sqrt(youngs_modulus / density)"
  ratchet study --html study.html

Built-in laws:
${lawLines().join('\n')}`;

/** By family. */
function lawLines(): string[] {
  return [...Map.groupBy(LAWS, ({ family }) => family).values()].map(
    (laws) => `  ${laws.map(({ name }) => name).join(', ')}`,
  );
}

export function addDiscoverCommands(program: Command): void {
  program
    .command('discover')
    .description('find the law of a simulator, or a built-in one, by experiments')
    .argument('<of>', 'a built-in law (see below) or a simulator file (.yaml)')
    .option('--budget <n>', 'experiments (default: 20)', wholeNumber(3, 200))
    .addOption(new Option('--policy <name>', 'how the next experiment is chosen').choices(POLICIES))
    .option('--seed <n>', 'another law of the name, other noise', wholeNumber(0, 999_999_999))
    .option('--noise <share>', 'of a built-in law: standard deviation as a share of its typical value', share)
    .option('--hypothesis <expression>', 'a law beside those of the grammar; may be repeated', several)
    .option('--id <id>', 'id of the study and of its workflow (default: <name>-<date>-<time>)')
    .option('--json', 'as data')
    .option('--html <file>', 'the report as one page that needs nothing else')
    .addHelpText('after', help)
    .action(async (of: string, flags: Flags) => {
      process.exitCode = await discover(of, flags);
    });
  program
    .command('study')
    .description('what a study measured, refuted and claims')
    .argument('[id]', 'id of the study (default: the newest)')
    .option('--list', 'the studies there are')
    .option('--json', 'as data')
    .option('--html <file>', 'as one page that needs nothing else')
    .addHelpText(
      'after',
      '\nExamples:\n  ratchet study\n  ratchet study --list\n  ratchet study --html study.html',
    )
    .action(async (id: string | undefined, flags: { list?: boolean; json?: boolean; html?: string }) => {
      await withDatabase(findDatabase(), (db) =>
        flags.list ? list(db, flags.json) : show(db, id, flags, false),
      );
    });
}

const several = (one: string, before: string[] = []): string[] => [...before, one];

function share(text: string): number {
  const value = Number(text);
  if (!(text.trim() !== '' && value >= 0 && value <= 1))
    throw new InvalidArgumentError('Must be a number from 0 to 1.');
  return value;
}

async function discover(of: string, { id: named, json, html, hypothesis, ...flags }: Flags): Promise<number> {
  const { input, name } = await readable(checkStudy({ of, hypotheses: hypothesis, ...flags }));
  const id = named === undefined ? defaultRunId(name) : checkRunId(named);
  const addresses = findAddresses();
  await grantSimulator(input);
  const client = await connectTemporal(addresses);
  const interrupt = listenForInterrupt();
  try {
    const { ended } = await startStudy(client, id, input);
    if (!json) console.log(`Study ${plain(id)}`);
    return await withDatabase(addresses.database, async (db) => {
      const end = await watch(db, id, ended, interrupt.signal, !json);
      if (end === 'detached') {
        process.stderr.write(`The study goes on. See it with: ratchet study ${plain(id)}\n`);
        return EXIT.interrupted;
      }
      if (end.end === 'failed') {
        process.stderr.write(`✗ The study ${plain(id)} failed: ${plainLines(end.reason)}\n`);
        return EXIT.failed;
      }
      await show(db, id, { json, html }, !json);
      return EXIT.ok;
    });
  } finally {
    interrupt.dispose();
    await client.connection.close();
  }
}

const LOOK_MS = 400;

/** Shows experiments as they come in. */
async function watch(
  db: Db,
  id: string,
  ended: Promise<StudyEnd>,
  signal: AbortSignal,
  aloud: boolean,
): Promise<StudyEnd | 'detached'> {
  const c = pc.createColors(wantsColor(process.stdout));
  let end: StudyEnd | undefined;
  void ended.then((how) => (end = how));
  let shown = 0;
  const look = async () => {
    if (!aloud || !(await findStudy(db, id))) return;
    const { experiments } = await buildStudyReport(db, id);
    // What it said of the hypotheses is known when the next one is planned.
    const known = experiments.filter(
      (one, i) => i < experiments.length - 1 || (end && one.measured !== null),
    );
    for (const one of known.slice(shown)) console.log(experimentLine(one, c));
    shown = Math.max(shown, known.length);
  };
  while (!end && !signal.aborted) {
    await look();
    await Promise.race([ended, sleep(LOOK_MS, undefined, { signal }).catch(() => undefined)]);
  }
  if (!end) return 'detached';
  await look();
  return end;
}

async function show(
  db: Db,
  id: string | undefined,
  { json, html }: { json?: boolean; html?: string },
  told: boolean,
): Promise<void> {
  const report = await buildStudyReport(db, id);
  if (json) console.log(JSON.stringify(report, null, 2));
  else if (html === undefined || told)
    console.log(renderStudy(report, pc.createColors(wantsColor(process.stdout)), told));
  if (html !== undefined) {
    // Templates are not needed by any other form.
    const { writeStudyPage } = await import('../../app/discovery/page.ts');
    process.stderr.write(
      `The report of ${plain(report.study)} is at ${await writeStudyPage(report, html)}\n`,
    );
  }
}

const MOST = 100;

async function list(db: Db, json: boolean | undefined): Promise<void> {
  const studies = await listed(db, MOST);
  if (json) return console.log(JSON.stringify(studies, null, 2));
  if (studies.length === 0)
    return console.log('There are no studies yet. Start one with: ratchet discover gravity');
  const rows = studies.map(({ study, name, status, claim }) => [
    plain(study),
    plain(name),
    status,
    plain(claim ?? '–'),
  ]);
  console.log(
    table([{ title: 'study' }, { title: 'of' }, { title: 'status' }, { title: 'claim' }], rows).join('\n'),
  );
}
