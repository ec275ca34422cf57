/** `diagnose`: which misconceptions explain what learners answered, what to ask next, and what to practise. Needs no stack. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { withPractice } from '../../app/tutor/learners.ts';
import { UsageError } from '../../process/errors.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import { askedLong, workedLong } from '../../tasks/tutor/long-addition.ts';
import { inWords, workedText } from '../../tasks/tutor/index.ts';
import type { PracticeItem } from '../../tasks/tutor/practice.ts';
import { readMaps } from '../../tasks/tutor/resolve.ts';
import { wholeNumber } from '../numbers.ts';
import { readable } from '../readable.ts';
import { renderLearner, renderLearners } from '../render/learners.ts';
import { wantsColor } from './follow.ts';

const help = `
Each line of the log is {"learner": "mia", "item": "503-278", "answer": "335"}: right answers belong there as well as wrong ones.

Examples:
  ratchet diagnose answers.jsonl
  ratchet diagnose answers.jsonl --learner mia
  ratchet diagnose answers.jsonl --catalogue my-misconceptions.yaml --html learners.html
  ratchet diagnose answers.jsonl --practice practice.jsonl      then: ratchet import practice.jsonl --task my-tutor.yaml`;

type Options = {
  catalogue?: string;
  learner?: string;
  items: number;
  seed: number;
  json?: boolean;
  html?: string;
  practice?: string;
  form: string;
};

export function addDiagnoseCommand(program: Command): void {
  program
    .command('diagnose')
    .description('which misconceptions explain what learners answered, and practice against them')
    .argument('<log>', 'JSONL file of answers')
    .option('--catalogue <file>', 'YAML file with further misconceptions')
    .option('--learner <name>', 'one of them, with explanations, practice and hints')
    .option('--items <n>', 'practice items for each misconception', wholeNumber(1, 1000), 5)
    .option('--seed <n>', 'other practice items', wholeNumber(0, 999_999_999), 1)
    .option('--json', 'as data')
    .option('--html <file>', 'as one page that needs nothing else')
    .option('--practice <file>', 'write practice items with worked answers, for ratchet import')
    .addOption(
      new Option('--form <form>', 'of the practice file: long-addition is how the built-in adder has items')
        .choices(['text', 'long-addition'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(diagnose);
}

async function diagnose(log: string, options: Options): Promise<void> {
  if (options.json && options.html !== undefined)
    throw new UsageError('--json and --html are two forms of the same: ask for one of them at a time.');
  const { learners: all, catalogue } = await readable(readMaps(log, options.catalogue));
  const learners = all.filter(({ learner }) => options.learner === undefined || learner === options.learner);
  if (learners.length === 0)
    throw new UsageError(`The log has no answers of ${JSON.stringify(options.learner)}.`);
  const detailed = () =>
    learners.map((one) => withPractice(one, catalogue, { count: options.items, seed: options.seed }));
  if (options.practice !== undefined) {
    const items = detailed().flatMap(({ practice }) => practice);
    const lines = items.map((item) => practiceLine(item, options.form)).filter((line) => line !== undefined);
    await writeFile(resolve(options.practice), lines.map((line) => `${line}\n`).join(''));
    console.error(`${lines.length} practice items with worked answers are in ${options.practice}`);
  }
  if (options.json) return console.log(JSON.stringify(detailed(), null, 2));
  if (options.html !== undefined) {
    // Templates are not needed by any other form.
    const { writeLearnerPage } = await import('../../app/tutor/page.ts');
    return console.log(`The learners are at ${await writeLearnerPage(detailed(), catalogue, options.html)}`);
  }
  const color = wantsColor(process.stdout);
  if (options.learner === undefined) return console.log(renderLearners(learners, catalogue, color));
  console.log(
    detailed()
      .map((one) => renderLearner(one, catalogue, color))
      .join('\n\n'),
  );
}

/** A worked item as `ratchet import --as examples` reads it; undefined where the form has no room for the item. */
function practiceLine(item: PracticeItem, form: string): string | undefined {
  if (form === 'text')
    return jsonLine({ prompt: inWords(item), completion: workedText(item), answer: item.answer });
  if (item.skill !== 'addition') return undefined;
  return jsonLine({ prompt: askedLong(item), completion: workedLong(item), answer: item.answer });
}
