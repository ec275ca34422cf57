/** `corrections`: what users put right, found in conversations, for a task of kind support. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { findDatabase, withDatabase } from '../../app/addresses.ts';
import { whoami } from '../../app/runs/steer.ts';
import { gatewayConversations } from '../../app/support/from-gateway.ts';
import { makeCorrections, type MadeCorrections } from '../../app/support/make-corrections.ts';
import { plain } from '../../process/text.ts';
import { jsonLine } from '../../tasks/jsonl.ts';
import { readSupportTask } from '../../tasks/support/resolve.ts';
import { readYaml } from '../../tasks/yaml.ts';
import { readable } from '../readable.ts';

type Flags = {
  gateway?: boolean;
  out?: string;
  accept?: string[];
  refuse?: string[];
  by?: string;
  json?: boolean;
};

const help = `
Personal data is taken out first. Then answers that users corrected, by explicit feedback or in their next turn, are checked against the
task's policies. Each correction is a row of the file: what was asked, what is right, and what became of it. Runs learn from the rows that
say learn, and keep up the answers that say keep.

Examples:
  ratchet corrections examples/support/task.yaml
  ratchet corrections my-support.yaml --gateway            # those that came through the gateway as well
  ratchet corrections my-support.yaml --accept c012/1      # of those in review, one that you have checked`;

export function addCorrectionsCommand(program: Command): void {
  program
    .command('corrections')
    .description('find what users corrected, for a task of kind support')
    .argument('<task>', 'the task file (.yaml)')
    .option('--gateway', 'also from the conversations that the gateway has stored for the task')
    .option('--out <file>', 'where to write them (default: the file that the task names)')
    .option('--accept <id...>', 'learn from these, whatever was found')
    .option('--refuse <id...>', 'never learn from these')
    .option('--by <name>', 'who accepts or refuses (default: you)')
    .option('--json', 'all of them as data')
    .addHelpText('after', help)
    .action(async (given: string, { gateway, out, accept = [], refuse = [], by = whoami(), json }: Flags) => {
      const task = await readable(readYaml(resolve(given)).then(readSupportTask));
      const more = gateway
        ? await withDatabase(findDatabase(), (db) => gatewayConversations(db, task.name))
        : [];
      const decisions = [
        { ids: accept, fate: 'learn' as const, by },
        { ids: refuse, fate: 'refused' as const, by },
      ];
      const made = await readable(makeCorrections(task, { more, decisions }));
      const file = out === undefined ? task.corrections : resolve(out);
      await writeFile(file, made.rows.map((row) => `${jsonLine(row)}\n`).join(''));
      console.log(json ? JSON.stringify(made, undefined, 2) : summary(made, file));
    });
}

/** Rows in review that are shown one by one. */
const SHOWN = 20;

function summary({ rows, conversations, fates, passed, redacted }: MadeCorrections, file: string): string {
  const review = rows.filter(({ fate }) => fate === 'review');
  const reasons = [
    ...Map.groupBy(
      rows.filter(({ fate }) => fate === 'refused'),
      ({ reason }) => kindOf(reason),
    ),
  ].toSorted((a, b) => b[1].length - a[1].length);
  const taken = Object.entries(redacted).map(([kind, n]) => `${n} ${kind}`);
  return [
    `${rows.length} rows of ${conversations} conversations in ${file}: ${fates.learn} to learn from, ${fates.keep} to keep up, ${fates.hold} held out, ${fates.refused} refused, ${fates.review} in review, ${fates.superseded} superseded`,
    ...reasons.map(([reason, own]) => `  refused: ${own.length} × ${reason}`),
    `passed by: ${passed.question} other questions, ${passed.clarification} clarifications, ${passed.unclear} of no clear kind`,
    `taken out: ${taken.length > 0 ? taken.join(', ') : 'no personal data'}`,
    ...review
      .slice(0, SHOWN)
      .map(
        ({ id, request, answer, reason }) =>
          `  review ${plain(id)}: ${plain(request)} → ${plain(answer ?? '–')} (${plain(reason)})`,
      ),
    ...(review.length > SHOWN ? [`  … and ${review.length - SHOWN} more`] : []),
  ].join('\n');
}

const kindOf = (reason: string): string =>
  /^the policy says nothing|^no policy passage/.test(reason)
    ? 'no policy supports it'
    : /^the policy says|goes on to say the opposite/.test(reason)
      ? 'a policy contradicts it'
      : plain(reason.replace(/ \([^()]*#\d+\)$/, ''));
