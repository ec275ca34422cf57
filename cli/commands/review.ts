import { hostname } from 'node:os';
import { createInterface, emitKeypressEvents, type Key } from 'node:readline';
import { InvalidArgumentError, type Command } from 'commander';
import type { Db } from '../../db/connect.ts';
import { findRun, newestRun } from '../../db/queries/runs.ts';
import { decideRest } from '../../db/queries/review-decisions.ts';
import { findReviews, listReviews, openCounts } from '../../db/queries/reviews.ts';
import { findAddresses, findDatabase, withDatabase } from '../../app/addresses.ts';
import { errorMessage, EXIT, UsageError } from '../../process/errors.ts';
import { correct, judge, takeBack, tellIterations, type Decided, type Who } from '../../app/review/review.ts';
import { reviewSession, type SessionIo } from '../review-session.ts';
import { renderReviews } from '../render/review.ts';
import { whoami } from '../../app/runs/steer.ts';
import { connectTemporal } from '../../app/temporal.ts';
import { plain } from '../../process/text.ts';

type Correction = { id: number; answer: string };
type Flags = {
  list?: boolean;
  json?: boolean;
  accept?: (number | 'rest')[];
  reject?: (number | 'rest')[];
  correct?: Correction[];
  undo?: number[];
  rationale?: string;
  note?: string;
};

function itemId(text: string): number {
  if (/^[1-9]\d*$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
  throw new InvalidArgumentError('Give ids of items (ratchet review --list), or the word rest.');
}

const items = (text: string, before: (number | 'rest')[] = []) => [
  ...before,
  text === 'rest' ? ('rest' as const) : itemId(text),
];

const ids = (text: string, before: number[] = []) => [...before, itemId(text)];

function correction(text: string, before: Correction[] = []): Correction[] {
  const at = text.indexOf('=');
  if (at < 1) throw new InvalidArgumentError('Give an item and its right answer, for example 12=1023.');
  return [...before, { id: itemId(text.slice(0, at)), answer: text.slice(at + 1) }];
}

export function addReviewCommand(program: Command): void {
  program
    .command('review')
    .description('decide on what a run puts to people: in a terminal one key per item')
    .argument('[run]', 'id of the run (default: the newest)')
    .option('--list', 'all items with their decisions')
    .option('--json', 'as data')
    .option('--accept <item...>', 'accept items; `rest`: all that are left, unseen', items)
    .option('--reject <item...>', 'reject items; `rest`: all that are left, unseen', items)
    .option('--correct <item=answer...>', 'give items their right answer', correction)
    .option('--undo <item...>', 'take back decisions of your own', ids)
    .option('--rationale <text>', 'your own steps to the answer of the one --correct')
    .option('--note <text>', 'kept with the decisions')
    .addHelpText(
      'after',
      '\nExamples:\n  ratchet review demo\n  ratchet review demo --list\n  ratchet review demo --accept 12 13 --reject 14 --correct 15=1023' +
        '\n\nExit code: 1 when a decision could not be stored.',
    )
    .action(async (run: string | undefined, flags: Flags) => {
      process.exitCode = await withDatabase(findDatabase(), (db) => review(db, run, flags));
    });
}

async function review(db: Db, run: string | undefined, flags: Flags): Promise<number> {
  const runId = run ?? (await newestRun(db))?.id;
  if (!runId) throw new UsageError('There are no runs yet. Start one with: ratchet run arithmetic');
  if (!(await findRun(db, runId)))
    throw new UsageError(`There is no run "${runId}". See them with: ratchet list`);
  const who: Who = { reviewer: whoami(), holder: `${whoami()}@${hostname()}/${process.pid}` };
  if (flags.accept || flags.reject || flags.correct || flags.undo) return decideAll(db, runId, flags, who);
  if (flags.list || flags.json) {
    const rows = await listReviews(db, runId);
    console.log(flags.json ? JSON.stringify(rows.map(asData), null, 2) : renderReviews(rows));
    return EXIT.ok;
  }
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new UsageError(
      'This is no terminal: use --list, and --accept, --reject, --correct or --undo with items.',
    );
  }
  if ((await openCounts(db, runId)).open === 0) {
    console.log(`Nothing of run ${plain(runId)} waits for review.`);
    return EXIT.ok;
  }
  const terminal = openTerminal();
  try {
    const { decided, iterations } = await reviewSession(db, runId, who, terminal.io);
    console.log(
      `${decided} decided, ${(await openCounts(db, runId)).open} wait. Report: ratchet report ${plain(runId)}`,
    );
    await goOn(runId, iterations);
  } finally {
    terminal.close();
  }
  return EXIT.ok;
}

function asData({
  review: one,
  iteration,
  prompt,
  answer,
  open,
  takenBack,
}: Awaited<ReturnType<typeof listReviews>>[number]) {
  const { id, sampleId, reason, audit, decision, bulk, correctedAnswer, note, reviewer, decidedAt } = one;
  return {
    item: id,
    iteration,
    sample: sampleId,
    reason,
    audit,
    prompt,
    answer,
    waits: open,
    decision,
    unseen: bulk,
    correctedAnswer,
    note,
    reviewer,
    decidedAt: decidedAt?.toISOString() ?? null,
    takenBack,
  };
}

/** Decisions given on the command line. */
async function decideAll(db: Db, runId: string, flags: Flags, who: Who): Promise<number> {
  if (flags.rationale !== undefined && flags.correct?.length !== 1)
    throw new UsageError('--rationale goes with exactly one --correct.');
  const { note } = flags;
  const results: Decided[] = [];
  // First, so that one command takes back and decides anew.
  for (const id of flags.undo ?? []) {
    results.push(await takeBack(db, runId, id, { reviewer: who.reviewer }));
  }
  const undone = results.filter((one) => !one.problem).length;
  for (const decision of ['accept', 'reject'] as const) {
    for (const id of flags[decision] ?? []) {
      if (id !== 'rest') results.push(await judge(db, runId, id, { decision, note }, who));
    }
  }
  for (const { id, answer } of flags.correct ?? []) {
    results.push(await correct(db, runId, id, { answer, rationale: flags.rationale, note }, who));
  }
  for (const decision of ['accept', 'reject'] as const) {
    if (!flags[decision]?.includes('rest')) continue;
    const rest = await decideRest(db, runId, { decision, note }, who.reviewer);
    results.push(...rest.map(({ id }) => ({ id, note: 'unseen' })));
  }
  const stored = results.filter((one) => !one.problem).map((one) => one.id);
  if (flags.json) console.log(JSON.stringify(results, null, 2));
  else {
    for (const one of results.filter(({ problem, note: said }) => problem ?? (said && said !== 'unseen')))
      (one.problem ? console.error : console.log)(`item ${one.id}: ${plain(one.problem ?? one.note!)}`);
    const takenBack = undone > 0 ? `, ${undone} taken back` : '';
    const { open } = await openCounts(db, runId);
    console.log(`${plain(runId)}: ${stored.length - undone} decided${takenBack}, ${open} wait`);
  }
  const decided = new Set((await findReviews(db, runId, stored)).map((one) => one.iterationId));
  const rows = await listReviews(db, runId);
  await goOn(
    runId,
    rows.filter(({ review: one }) => decided.has(one.iterationId)).map((one) => one.iteration),
  );
  return stored.length < results.length ? EXIT.failed : EXIT.ok;
}

/** Tells the iterations. Without Temporal they find the decisions themselves, later. */
async function goOn(runId: string, iterations: Iterable<number>): Promise<void> {
  const indices = [...new Set(iterations)];
  if (indices.length === 0) return;
  try {
    const client = await connectTemporal(findAddresses());
    try {
      await tellIterations(client, runId, indices);
    } finally {
      await client.connection.close();
    }
  } catch (error) {
    console.error(
      `The decisions are stored; the run could not be told and looks itself within the hour: ${plain(errorMessage(error))}`,
    );
  }
}

/** Keys and lines from the terminal. Ctrl-C and the end of the input are `q`: what was decided stays. */
function openTerminal(): { io: SessionIo; close(): void } {
  const { stdin, stdout } = process;
  const pressed: string[] = [];
  let wake: ((key: string) => void) | undefined;
  let ended = false;
  const push = (key: string) => {
    if (wake) {
      const resolve = wake;
      wake = undefined;
      resolve(key);
    } else pressed.push(key);
  };
  let asking = false;
  const onKey = (text: string | undefined, key: Key) => {
    if (asking) return;
    push(key.ctrl && (key.name === 'c' || key.name === 'd') ? 'q' : (key.name ?? text ?? ''));
  };
  const onEnd = () => {
    ended = true;
    push('q');
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', onKey);
  stdin.on('end', onEnd);
  stdin.resume();
  return {
    io: {
      write: (line) => void stdout.write(`${line}\n`),
      key: () => {
        const next = pressed.shift();
        if (next !== undefined) return Promise.resolve(next);
        if (ended) return Promise.resolve('q');
        return new Promise((resolve) => (wake = resolve));
      },
      async ask(question) {
        asking = true;
        const lines = createInterface({ input: stdin, output: stdout });
        try {
          return await new Promise<string>((resolve) => {
            lines.question(question, resolve);
            // Ctrl-C leaves the question, not the session.
            lines.once('SIGINT', () => resolve(''));
            lines.once('close', () => resolve(''));
          });
        } finally {
          lines.close();
          stdin.setRawMode(true);
          stdin.resume();
          asking = false;
        }
      },
    },
    close() {
      stdin.off('keypress', onKey);
      stdin.off('end', onEnd);
      stdin.setRawMode(false);
      stdin.pause();
    },
  };
}
