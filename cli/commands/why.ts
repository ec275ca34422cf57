/** `why`: how a checkpoint, an example or a sample came about. */
import type { Command } from 'commander';
import pc from 'picocolors';
import type { Db } from '../../db/connect.ts';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { UsageError } from '../../process/errors.ts';
import { checkpointHead, renderItems, renderWhy } from '../render/why.ts';
import { createSampleReader } from '../../app/lineage/sample.ts';
import { memoryIds } from '../../app/lineage/revoke-memory.ts';
import { memoryDetail } from '../../app/memory/memory.ts';
import { renderMemory } from '../render/memory.ts';
import { findTarget } from '../../app/lineage/target.ts';
import { examplesOf, explain } from '../../app/lineage/why.ts';
import type { CheckpointWhy } from '../../app/lineage/types.ts';
import { wantsColor } from './follow.ts';
import { wholeNumber } from '../numbers.ts';

type Flags = {
  checkpoint?: boolean;
  examples: number;
  from: number;
  all?: boolean;
  verify?: boolean;
  json?: boolean;
};

/** Examples in one page of `--all`: memory stays flat however many there are. */
const PAGE = 200;

const help = `
A checkpoint: what it was trained on and how, what was decided about it, and the chain down to the base. An example or
a sample: its prompt, vote, request, verdicts and critiques, and every checkpoint that it became part of.

Examples:
  ratchet why best                                  the best checkpoint of the newest run
  ratchet why checkpoint:12 --examples 20
  ratchet why ~/adapters/adapter_model.safetensors  also ft:…, fp_…, ftjob-…
  ratchet why example:34
  ratchet why checkpoint:12 --all --json > lineage.jsonl`;

export function addWhyCommand(program: Command): void {
  program
    .command('why')
    .description('where a checkpoint, example, sample or prompt comes from, and what it led to')
    .argument(
      '<what>',
      'best, checkpoint:12, example:34, sample:56, prompt:78, memory:9, a model, a weight file',
    )
    .option('--checkpoint', 'a bare number is the id of a checkpoint')
    .option(
      '--examples <n>',
      'examples of a checkpoint, or samples of a prompt, to show in full',
      wholeNumber(0),
      3,
    )
    .option('--from <position>', 'position in the training set to begin at', wholeNumber(0), 0)
    .option('--all', 'every example of a checkpoint')
    .option('--verify', 'compare the digest of a large dataset too')
    .option('--json', 'as data; with --all one object a line, the examples after the rest')
    .addHelpText('after', help)
    .action(async (what: string, flags: Flags) => {
      await withDatabase(findDatabase(), (db) => why(db, what, flags));
    });
}

async function why(db: Db, what: string, flags: Flags): Promise<void> {
  const [entry] = memoryIds([what]).entries;
  if (entry !== undefined) {
    const detail = await memoryDetail(db, entry);
    console.log(
      flags.json ? JSON.stringify(detail, null, 2) : renderMemory(detail, wantsColor(process.stdout)),
    );
    return;
  }
  const target = await findTarget(db, what, flags);
  if (flags.all && target.kind !== 'checkpoint')
    throw new UsageError('--all is for checkpoints: an example or a sample is always shown whole.');
  const verify = flags.verify ?? false;
  const count = flags.all ? 0 : target.kind === 'prompt' ? Math.max(1, flags.examples) : flags.examples;
  const answer = await explain(db, target, { count, from: flags.from, verify });
  if (flags.all) return printAll(db, answer as CheckpointWhy, flags);
  console.log(flags.json ? JSON.stringify(answer, null, 2) : renderWhy(answer, wantsColor(process.stdout)));
}

/** Page by page, waiting for a reader that is slower than the database. */
async function printAll(db: Db, answer: CheckpointWhy, flags: Flags): Promise<void> {
  const c = pc.createColors(wantsColor(process.stdout));
  const { examples, training, ...rest } = answer;
  await print(
    flags.json
      ? JSON.stringify({ ...rest, training, examples: { total: examples.total } })
      : checkpointHead(answer, c),
  );
  const read = createSampleReader(db);
  for (let from: number | null = training ? flags.from : null; from !== null;) {
    const page = await examplesOf(db, training!.dataset, { from, count: PAGE }, read);
    await print(
      flags.json ? page.items.map((item) => JSON.stringify(item)).join('\n') : `${renderItems(page, c)}\n`,
    );
    from = page.items.length === 0 ? null : page.next;
  }
}

async function print(text: string): Promise<void> {
  await new Promise<void>((resolve, reject) =>
    process.stdout.write(`${text}\n`, (error) => (error ? reject(error) : resolve())),
  );
}
