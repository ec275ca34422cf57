/** The task of repairing code: prompts are bug reports with the code they are about, answers are fixes, which the sandbox judges. */
import { readFileSync } from 'node:fs';
import { limitsSchema } from '../../sandbox/job.ts';
import { namedModels } from '../file/named-models.ts';
import { sampler } from '../random.ts';
import type { Benchmark, Prompt, PromptRequest, Strategy, Task } from '../task.ts';
import { bugsOf, inBlock, type Bug } from './bugs.ts';
import { findingOf } from './findings.ts';
import { checkInput, proposalOf } from './job.ts';
import { foreign } from './judge.ts';
import { patchOf } from './patch.ts';
import { plantedFix } from './planted.ts';
import { readReply } from './reply.ts';
import type { CodeSpec } from './resolve.ts';

const CHECK_FILES = ['check.py', 'run_unittest.py', 'probe.py', 'probe.mjs'];
const checkFiles = Object.fromEntries(
  CHECK_FILES.map((name) => [name, readFileSync(new URL(`./check/${name}`, import.meta.url), 'utf8')]),
);

/** The program that judges fixes, and surveys repositories. */
export const checkProgram = { command: ['python3', '/task/check.py'], files: checkFiles };

/** Processes, memory and disk of a check: a test runner needs more than a script. */
export const checkLimits = (seconds: number) =>
  limitsSchema.parse({ seconds: Math.min(600, seconds), memoryMb: 2048, processes: 128, diskMb: 256 });

const REPLY = 'Reply with the whole corrected function in one code block and nothing else.';
const WAYS: Record<string, string> = {
  fix: REPLY,
  'explain-first':
    'First say in one sentence what is wrong. Then give the whole corrected function in one code block.',
  'with-test':
    'Reply with the whole corrected function in one code block. Then give a second code block with one assertion of one line that fails with the code above and passes with yours.',
};
const strategies: Strategy[] = Object.entries(WAYS).map(([name, instruction]) => ({
  name,
  messages: (text) => [{ role: 'user', content: `${text}\n\n${instruction}` }],
}));

const reportOf = ({ title, text }: Bug): string => [title, text].filter(Boolean).join('\n');

/** What the model is shown of a bug. */
function promptOf(bug: Bug): Prompt {
  const [first, ...others] = bug.shown;
  const parts = [
    others.length === 0
      ? `This function of \`${first!.path}\` has a bug:`
      : `One of these functions has a bug. First, of \`${first!.path}\`:`,
    inBlock(bug, first!.text),
    ...others.flatMap((one) => [`Of \`${one.path}\`:`, inBlock(bug, one.text)]),
    `Bug report: ${reportOf(bug)}`,
    ...(bug.log ? [`\`\`\`\n${bug.log}\n\`\`\``] : []),
  ];
  return { key: bug.id, text: parts.join('\n\n') };
}

/** The code of an answer, as it is compared and shown. */
function readFix(rationale: string): string | undefined {
  const fix = readReply(rationale)?.fix;
  if (fix === undefined) return undefined;
  const text = typeof fix === 'string' ? fix : JSON.stringify(fix);
  return text.trim() === '' ? undefined : text;
}

const READS_AS_CODE = { ok: true, reason: 'what the code does is seen where it runs' };

/** @throws Error where its bugs have not been read: `prepareBugs` */
export function codeTask({ task, bugsDigest }: CodeSpec): Task {
  const bugs = bugsOf(bugsDigest);
  const byKey = new Map(bugs.map((bug) => [bug.id, bug]));
  const byText = new Map(bugs.map((bug) => [promptOf(bug).text, bug]));
  const repositories = new Map(task.repositories.map((one) => [one.name, one]));
  const longest = Math.max(...task.repositories.map(({ seconds }) => seconds));
  // Lint, three runs of the tests, the calls, and one run for each mutant, where each may take its whole time.
  const limits = checkLimits(longest * (8 + task.mutants));
  return {
    name: task.name,
    title: task.title ?? task.name,
    ...namedModels(task.models),
    ...(task.thinking ? { thinking: task.thinking } : {}),
    async *prompts({ seed, count, exclude }: PromptRequest) {
      const chosen = sampler<Prompt>(`bugs/${seed}`, count);
      for (const bug of bugs)
        if (bug.set === 'practice' && !exclude(bug.id)) chosen.add(bug.id, promptOf(bug));
      yield* chosen.take();
    },
    readPrompt(text) {
      const bug = byText.get(text);
      return bug ? promptOf(bug) : `is no bug of ${task.bugs}`;
    },
    strategies,
    ask: (text) => strategies[0]!.messages(text),
    readAnswer: readFix,
    sameAnswer: (a, b) => a === b,
    checkFormat: (_, rationale) =>
      readFix(rationale) === undefined
        ? { ok: false, reason: 'there is no code in it' }
        : { ok: true, reason: 'it holds code' },
    checkCoherence: () => READS_AS_CODE,
    sandboxed: {
      ...checkProgram,
      limits,
      runs: 1,
      judgesBehaviour: true,
      proof: {
        strategy: 'with-test',
        lacks: (found) => findingOf(found) === 'weak-tests',
      },
      job({ key }, { rationale }, others) {
        const bug = byKey.get(key);
        if (!bug) return foreign('it is about no bug of this task');
        const proposal = proposalOf(bug, rationale);
        if ('refused' in proposal) return proposal;
        const repository = repositories.get(bug.repository)!;
        const input = checkInput(task, repository, bug, proposal, {
          held: bug.set !== 'practice',
          limit: limits.seconds,
          others,
        });
        return { input, archive: bug.archive };
      },
    },
    ...(task.originals
      ? {
          written({ key }, forms) {
            const bug = byKey.get(key);
            if (bug?.mended === undefined || bug.set !== 'practice') return [];
            const by = `${bug.repository}, as it was before the bug was planted`;
            return [{ form: forms[0]!.key, rationale: inBlock(bug, bug.mended), by }];
          },
        }
      : {}),
    patch({ key }, rationale) {
      const bug = byKey.get(key);
      const diff = bug && patchOf(bug, rationale);
      return diff === undefined ? undefined : { diff, about: reportOf(bug!), planted: bug!.planted };
    },
    probe(kind, { prompt, seed }) {
      const bug = byKey.get(prompt.key);
      return bug && plantedFix(kind, bug, bugs, seed);
    },
    benchmarks: (['target', 'final'] as const).flatMap((role): Benchmark[] => {
      const held = bugs.filter((bug) => bug.set === role);
      if (held.length === 0) return [];
      const items = held.map((bug) => ({ ...promptOf(bug), answer: bug.id, group: bug.repository }));
      return [{ name: role, role, items: () => items }];
    }),
    suggested: {
      sampling: { resamples: 2 },
      benchmark: { majority: false },
      gates: {
        // What holds in the sandbox votes: one is enough, where no other that holds does something else.
        agreement: { min: 0.1, minMargin: 0.1, noAnswer: 'abstains', sharedMistake: { across: 0 } },
        critique: { mode: 'off' },
      },
    },
    maxTokens: task.maxTokens,
  };
}
