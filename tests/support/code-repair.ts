/** A small repository with bugs, and what the sandbox says of fixes to it. */
import { mkdtempSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { archiveFile } from '../../sandbox/archives.ts';
import type { Verdict } from '../../sandbox/job.ts';
import { runCheck } from '../../sandbox/verdict.ts';
import type { Bug } from '../../tasks/code/bugs.ts';
import { checkLimits, checkProgram } from '../../tasks/code/index.ts';
import { checkInput, proposalOf, type CheckInput } from '../../tasks/code/job.ts';
import { codeTaskSchema, type CodeTask } from '../../tasks/code/schema.ts';

/** Writes files below a new folder and gives its path. */
export function folderOf(files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'ratchet-code-'));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

/** A task file's content with its defaults, for one repository. */
export const codeTaskOf = (
  repository: Record<string, unknown>,
  more: Record<string, unknown> = {},
): CodeTask =>
  codeTaskSchema.parse({
    kind: 'code-repair',
    name: 'repair',
    repositories: [{ name: 'kit', source: ['kit/*.py'], tests: 'unittest', seconds: 5, ...repository }],
    bugs: 'bugs.jsonl',
    ...more,
  });

/** Has the sandbox judge an answer of the model, as a run would. */
export async function judge(
  { task, archives, bug, held = false }: { task: CodeTask; archives: string; bug: Bug; held?: boolean },
  rationale: string,
  others: readonly string[] = [],
): Promise<Verdict & { ran: boolean }> {
  const proposal = proposalOf(bug, rationale);
  if ('refused' in proposal) {
    const { refused: reason, finding } = proposal;
    return { ok: false, score: null, reason, finding, ran: false };
  }
  const input = checkInput(task, task.repositories[0]!, bug, proposal, { held, limit: 60, others });
  return { ...(await runInput(archives, bug, input)), ran: true };
}

/** Has it judge a file, whatever a fix may change. */
export function judgeFile(
  { task, archives, bug }: { task: CodeTask; archives: string; bug: Bug },
  file: string,
  literals = '',
): Promise<Verdict> {
  const proposal = proposalOf(bug, `\`\`\`\n${bug.shown[0]!.text.replace('return', 'return 0 or')}\n\`\`\``);
  if ('refused' in proposal) throw new Error(proposal.refused);
  const input = checkInput(task, task.repositories[0]!, bug, proposal, { held: true, limit: 60 });
  const fixed = { prefix: '', text: file, suffix: '' };
  return runInput(archives, bug, { ...input, fixed, literals });
}

const runInput = (archives: string, bug: Bug, input: CheckInput): Promise<Verdict> =>
  runCheck(
    { ...checkProgram, limits: checkLimits(60), runs: 1 },
    { input: JSON.stringify(input), archive: archiveFile(bug.archive, archives) },
  );
