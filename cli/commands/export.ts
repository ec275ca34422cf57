import { resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { Db } from '../../db/connect.ts';
import { newestRun } from '../../db/queries/runs.ts';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { EXIT, UsageError } from '../../process/errors.ts';
import { runAdapterExport, type AdapterFlags } from './export-adapter.ts';
import { exportLines, type Exported, type ExportOptions } from '../../app/exports/export.ts';
import { FORMATS } from '../../app/exports/lines.ts';
import { digestFile, fileSink, metadataFile, stdoutSink } from '../../app/exports/sink.ts';
import { listenForInterrupt } from '../interrupt.ts';

type Flags = Omit<ExportOptions, 'signal' | 'format'> &
  AdapterFlags & { format?: ExportOptions['format']; out?: string };

const help = `
openai          {"messages": […]}, the lines that train here; with --out the metadata goes to FILE.metadata.jsonl
trl-sft         {"prompt": […], "completion": […], "metadata": {…}}, for TRL's SFTTrainer
trl-preference  {"prompt": […], "chosen": […], "rejected": […], "metadata": {…}}, for DPOTrainer and its kin
critic          {"messages": […]}, work that fooled the critics and the good work that it was made of, each with its verdict, for a critic to
                train on (strategy.selfPlay); with --out the metadata goes to FILE.metadata.jsonl
jsonl           prompt, request, rationale, answer, vote and every gate's verdict with its score
patches         unified diffs of what a task of kind code-repair mended, for: git apply

Nothing that was revoked or that reviewers turned away is exported as accepted. The order is always the same. With --out
the file appears whole or not at all, and FILE.sha256 beside it.

--adapter DIR writes the best adapter of the run (or the checkpoint that is named in its place) as a PEFT folder with a
model card that has the proof, and ratchet.json with all of it as data. The weights are checked to be those that were
measured. --hub uploads it with the token in HF_TOKEN, to a private repository unless --public is given.

Examples:
  ratchet export --format openai > accepted.jsonl
  ratchet export demo --format trl-preference --out pairs.jsonl
  ratchet export --checkpoint best --format openai --out trained.jsonl
  ratchet export --adapter roman-adapter --base Qwen/Qwen2.5-0.5B-Instruct
  ratchet export --adapter roman-adapter checkpoint:12 --hub my-org/roman-adapter`;

/** Lines that take nothing beside their messages have their metadata in a file of its own. */
const withMetadata = (format: ExportOptions['format']): boolean => format === 'openai' || format === 'critic';

function index(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Give the number of an iteration, from 1.');
}

export function addExportCommand(program: Command): void {
  program
    .command('export')
    .description('what a run accepted, in files that other tools train on; or its adapter')
    .argument('[run]', 'id of the run (default: the newest)')
    .addOption(new Option('--format <format>', 'what to write').choices(FORMATS))
    .option('--out <file>', 'write to a file instead of standard output')
    .option('--iteration <n>', 'only what this iteration accepted', index)
    .option('--checkpoint <checkpoint>', 'exactly what trained it, as trained: best, an id, a model, fp_…')
    .option('--same-request', 'preference pairs that answer the very same request only')
    .option('--adapter <dir>', 'write the adapter itself: a PEFT folder with its model card')
    .option('--base <id>', 'public id of its base, where it is not known: ORG/NAME')
    .option('--hub <repository>', 'upload it to the Hugging Face hub as ORG/NAME, private')
    .option('--public', 'make that repository a public one')
    .addHelpText('after', help)
    .action(async (run: string | undefined, flags: Flags) => {
      process.exitCode = await withDatabase(findDatabase(), (db) =>
        flags.adapter === undefined ? runExport(db, run, flags) : runAdapterExport(db, run, flags),
      );
    });
}

async function runExport(
  db: Db,
  given: string | undefined,
  { out, format, ...flags }: Flags,
): Promise<number> {
  if (format === undefined)
    throw new UsageError(`Say what to write: --format ${FORMATS.join(', ')}, or --adapter DIR.`);
  for (const name of ['base', 'hub', 'public'] as const)
    if (flags[name] !== undefined) throw new UsageError(`--${name} is for --adapter DIR.`);
  const options = { ...flags, format };
  if (options.checkpoint !== undefined && options.iteration !== undefined)
    throw new UsageError('--checkpoint and --iteration name different things: give one of them.');
  if (options.checkpoint !== undefined && given !== undefined)
    throw new UsageError(`--checkpoint names the run already: leave out "${given}".`);
  if (options.sameRequest && options.format !== 'trl-preference')
    throw new UsageError('--same-request is for --format trl-preference.');
  const runId = given ?? (await newestRun(db))?.id;
  if (runId === undefined && options.checkpoint === undefined)
    throw new UsageError('There are no runs yet. Start one with: ratchet run arithmetic');
  const file = out === undefined ? undefined : resolve(out);
  const interrupt = listenForInterrupt();
  const sink = file ? await fileSink(file, withMetadata(options.format)) : stdoutSink();
  try {
    const done = await exportLines(db, runId, { ...options, signal: interrupt.signal }, sink);
    await sink.finish();
    process.stderr.write(`${summary(done, out, options)}\n`);
    return EXIT.ok;
  } catch (error) {
    await sink.discard();
    if (interrupt.signal.aborted) return EXIT.interrupted;
    throw error;
  } finally {
    interrupt.dispose();
  }
}

/** On standard error, so that the lines alone are on standard output. */
function summary(done: Exported, out: string | undefined, { format }: Pick<ExportOptions, 'format'>): string {
  const notes = [
    `${done.rows} ${done.rows === 1 ? 'line' : 'lines'}, ${done.bytes} bytes: ${done.what}`,
    `sha256 ${done.sha256}`,
  ];
  if (out !== undefined)
    notes.push(
      `written to ${out}, with ${digestFile(out)}${withMetadata(format) ? ` and ${metadataFile(out)}` : ''}`,
    );
  if (done.unpaired)
    notes.push(
      `${done.unpaired} accepted examples have no rejected sample to stand against and were left out`,
    );
  if (done.revoked)
    notes.push(
      `${done.revoked} of them have been revoked since; they trained this checkpoint, so they stand here`,
    );
  return notes.join('\n');
}
