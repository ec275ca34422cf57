/** `memory`: what a task has learnt to show before questions, and what was found of each entry. */
import { InvalidArgumentError, type Command } from 'commander';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { giveMemory } from '../../app/memory/add.ts';
import { memoryDetail } from '../../app/memory/memory.ts';
import { whoami } from '../../app/runs/steer.ts';
import { listMemory } from '../../db/queries/memory-tests.ts';
import { UsageError } from '../../process/errors.ts';
import { plain } from '../../process/text.ts';
import { renderMemory, renderMemoryList } from '../render/memory.ts';
import { wantsColor } from './follow.ts';
import { wholeNumber } from '../numbers.ts';

const help = `
Entries stand before the question in samples of runs with memory.mode=on. None does before a test with known answers has admitted it
for the very weights that generate. "ratchet revoke memory:3" takes one back with what came of samples that saw it.

Examples:
  ratchet memory list arithmetic
  ratchet memory show 3
  ratchet memory add my-task --heuristic "Read the question again before you add."
  ratchet memory add my-task --problem "Tom has 7 apples …" --answer "7 + 5 = 12 #### 12"`;

type Given = { heuristic?: string; problem?: string; answer?: string; by?: string };

export function addMemoryCommand(program: Command): void {
  const memory = program
    .command('memory')
    .description('what is shown before questions: list, show, add')
    .addHelpText('after', help);
  memory
    .command('list')
    .description('entries, newest first')
    .argument('[task]', 'name of one task')
    .option('--most <n>', 'how many', wholeNumber(1, 100_000), 100)
    .option('--json', 'as data')
    .action(async (task: string | undefined, { most, json }: { most: number; json?: boolean }) => {
      await withDatabase(findDatabase(), async (db) => {
        const entries = await listMemory(db, { task, most });
        console.log(
          json ? JSON.stringify(entries, null, 2) : renderMemoryList(entries, wantsColor(process.stdout)),
        );
      });
    });
  memory
    .command('show')
    .description('one entry, its sources, what became of it and what saw it')
    .argument('<entry>', 'its number, as in 3 or memory:3', entryId)
    .option('--json', 'as data')
    .action(async (id: number, { json }: { json?: boolean }) => {
      await withDatabase(findDatabase(), async (db) => {
        const detail = await memoryDetail(db, id);
        console.log(
          json ? JSON.stringify(detail, null, 2) : renderMemory(detail, wantsColor(process.stdout)),
        );
      });
    });
  memory
    .command('add')
    .description('give a task an entry; it is shown once a test has admitted it')
    .argument('<task>', 'name of a task that has runs')
    .option('--heuristic <text>', 'a short rule')
    .option('--problem <text>', 'a problem, with --answer')
    .option('--answer <text>', 'its whole solution, as the model should write it')
    .option('--by <name>', 'who it is from; default: you')
    .action(async (task: string, given: Given) => {
      await withDatabase(findDatabase(), async (db) => {
        const by = given.by ?? whoami();
        const id = await giveMemory(db, { task, by, ...entryOf(given) });
        console.log(`memory:${id} of ${plain(task)} is unverified: a run with memory.mode=on tests it.`);
      });
    });
}

function entryOf({ heuristic, problem, answer }: Given) {
  if (heuristic !== undefined && problem === undefined && answer === undefined) return { heuristic };
  if (heuristic === undefined && problem !== undefined && answer !== undefined) return { problem, answer };
  throw new UsageError('Give --heuristic, or --problem and --answer.');
}

function entryId(text: string): number {
  const found = /^(?:memory:)?([1-9]\d{0,14})$/.exec(text);
  if (!found) throw new InvalidArgumentError('Give the number of an entry, as in 3 or memory:3.');
  return Number(found[1]);
}
