/** A task that is described by a YAML file alone: prompts and benchmarks from rows of files, answers read by rule. */
import { InvalidInputError } from '../errors.ts';
import { sampler } from '../random.ts';
import type {
  BenchmarkItem,
  CalibrationItem,
  ChatMessage,
  Prompt,
  PromptRequest,
  Strategy,
  Task,
} from '../task.ts';
import { checkCoherence } from './coherence.ts';
import { verifyEquations } from './equations.ts';
import { canonical, finderOf, sameForm, stated, timedOut } from './read.ts';
import { namedModels } from './named-models.ts';
import { rewarded } from './reward.ts';
import { keyOf, promptProblem, readItems, readPrompts } from './rows.ts';
import { sourceOf, type AnsweredFile, type FileBenchmark, type FileTask } from './schema.ts';
import { BUILT_IN_STRATEGIES, fill, SURFACE_NOISE, ZERO_SHOT } from './strategies.ts';

/** A task file as it was when the run was resolved, paths made absolute: later edits don't change a run. */
export type FileSpec = {
  kind: 'file';
  path: string;
  task: FileTask;
  /** Texts of the files that a command of `verify` reads, by name. */
  checkFiles?: Record<string, string>;
  /** Real folder of the task file: where its commands run. */
  folder?: string;
};

/** With the prompt as it stands, four ways of asking: two samples of each where K is 8. */
const PARAPHRASES = 3;

export function fileTask({ task, checkFiles = {}, folder = '.' }: FileSpec): Task {
  const find = finderOf(task.answer);
  const readAnswer = (rationale: string): string | undefined => stated(find, task.answer, rationale)?.answer;
  const strategies = strategiesOf(task);
  return {
    name: task.name,
    title: task.title ?? task.name,
    ...namedModels(task.models),
    ...(task.thinking ? { thinking: task.thinking } : {}),
    prompts: (request) => promptsOf(task.prompts, request),
    forTarget(target) {
      const own = task.benchmarks.find(({ name }) => name === target)?.prompts;
      if (!own) return {};
      const source = sourceOf(own, task.prompts);
      return { prompts: (request) => promptsOf(source, request) };
    },
    readPrompt: (text) => promptProblem('prompt', text) ?? { key: keyOf(text), text },
    ...(task.calibration ? { calibration: (request) => calibration(task, task.calibration!, request) } : {}),
    strategies,
    alternatives: alternativesOf(task, strategies),
    ...(task.noise === false ? {} : { noise: SURFACE_NOISE }),
    ask: (text) => strategies[0]!.messages(text),
    ...(task.examples ? { examples: task.examples, examplesIn: task.examplesIn } : {}),
    readAnswer,
    unreadable: (rationale) => timedOut(find, rationale),
    sameAnswer(a, b) {
      const first = canonical(a, task.answer);
      const second = canonical(b, task.answer);
      return first !== undefined && second !== undefined && sameForm(first, second, task.answer);
    },
    checkFormat(_, rationale) {
      const answer = readAnswer(rationale);
      return answer === undefined
        ? {
            ok: false,
            reason:
              timedOut(find, rationale) ??
              `no answer could be read (${task.answer.read}, ${rationale.length} characters)`,
          }
        : { ok: true, reason: `an answer is stated (${task.answer.read})` };
    },
    checkCoherence: (_, rationale, answer) => checkCoherence(find, task.answer, rationale, answer),
    ...verificationOf(task.verify, checkFiles, folder),
    benchmarks: task.benchmarks.map((benchmark) => {
      const { name, role, harness } = benchmark;
      return {
        name,
        role,
        items: () => items(task, benchmark),
        ...(harness ? { harness: { files: {}, ...harness, folder } } : {}),
      };
    }),
    ...(task.rewrites === 'paraphrases' ? { suggested: { sampling: { paraphrases: PARAPHRASES } } } : {}),
    maxTokens: task.maxTokens,
  };
}

function verificationOf(
  verify: FileTask['verify'],
  files: Record<string, string>,
  folder: string,
): Pick<Task, 'verify' | 'verifyAll' | 'sandboxed'> {
  if (verify === undefined) return {};
  if ('equations' in verify) return { verify: async (_, { rationale }) => verifyEquations(rationale) };
  if ('reward' in verify) return rewarded(verify, folder, files);
  const { command, limits, runs } = verify;
  return { sandboxed: { command, files, limits, runs } };
}

async function* promptsOf(prompts: FileTask['prompts'], request: PromptRequest): AsyncGenerator<Prompt> {
  const chosen = sampler<Prompt>(`prompts/${request.seed}`, request.count);
  for await (const row of readPrompts({ prompts })) {
    if ('problem' in row) throw new InvalidInputError([row.problem]);
    const { at: _, ...prompt } = row;
    if (!request.exclude(prompt.key)) chosen.add(prompt.key, prompt);
  }
  yield* chosen.take();
}

async function* calibration(
  task: FileTask,
  source: AnsweredFile,
  request: PromptRequest,
): AsyncGenerator<CalibrationItem> {
  const chosen = sampler<CalibrationItem>(`calibration/${request.seed}`, request.count);
  for await (const row of readItems(task, source)) {
    if ('problem' in row) throw new InvalidInputError([row.problem]);
    const { key, text, answer } = row;
    if (!request.exclude(key)) chosen.add(key, { key, text, answer });
  }
  yield* chosen.take();
}

async function* items(task: FileTask, benchmark: FileBenchmark): AsyncGenerator<BenchmarkItem> {
  for await (const row of readItems(task, benchmark)) {
    if ('problem' in row) throw new InvalidInputError([row.problem]);
    const { key, text, answer } = row;
    yield { key, text, answer };
  }
}

function strategiesOf(task: FileTask): Strategy[] {
  const named = (task.strategies ?? []).map((strategy) => {
    if (typeof strategy !== 'string') return strategy;
    return { name: strategy, template: BUILT_IN_STRATEGIES[strategy] ?? '{prompt}' };
  });
  if (named.length === 0) named.push({ name: 'plain', template: '{prompt}' });
  return named.map((strategy) => toStrategy(task, strategy));
}

/** The built-in ways of asking that the task does not use, under whatever name. */
function alternativesOf(task: FileTask, used: Strategy[]): Strategy[] {
  const asked = (strategy: Strategy) => JSON.stringify(strategy.messages('{prompt}'));
  const plain = asked(toStrategy(task, { name: ZERO_SHOT, template: '{prompt}' }));
  // Without worked examples to leave out, the plain question under another name would be the same request twice.
  const plainly = !task.examples && used.some((strategy) => asked(strategy) === plain);
  return Object.entries(BUILT_IN_STRATEGIES)
    .filter(([name]) => !used.some((strategy) => strategy.name === name) && !(name === ZERO_SHOT && plainly))
    .map(([name, template]) => toStrategy(task, { name, template }));
}

function toStrategy({ system, template }: FileTask, strategy: { name: string; template: string }): Strategy {
  const messages = (text: string): ChatMessage[] => [
    ...(system === undefined ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user', content: fill(strategy.template, fill(template, text)) },
  ];
  return { name: strategy.name, messages, ...(strategy.name === ZERO_SHOT ? { examples: 'never' } : {}) };
}
