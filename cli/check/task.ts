/** The task and its files, as a run would take them in: nothing is asked of any model. */
import { heldOut, refuseContradictions } from '../../activities/run.ts';
import { formsFor, seedOf } from '../../activities/context.ts';
import { nameModels } from '../../activities/named-models.ts';
import { refuseOverlap } from '../../activities/overlap.ts';
import { spread, strategiesOf, type Draw } from '../../activities/pool.ts';
import type { NewBenchmarkItem } from '../../db/runs.ts';
import { improveInputSchema, type ImproveInput, type ImproveSettings } from '../../loop/input.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { layered } from '../../loop/presets.ts';
import { EndpointError } from '../../models/endpoint.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { exampleProblems } from '../../tasks/examples.ts';
import { loadTask, resolveTask } from '../../tasks/index.ts';
import type { Prompt, Task } from '../../tasks/task.ts';
import { ApplicationFailure } from '@temporalio/common';
import type { Finding } from './types.ts';

export type TaskFacts = {
  task: Task;
  settings: ImproveSettings;
  items: NewBenchmarkItem[];
  /** The first prompt and the first request made of it. */
  prompt: Prompt;
  draw: Draw;
};

/** Prompts looked at: enough to see what is wrong with a source, and quick. */
const MOST_PROMPTS = 2000;

const fault = (what: string, mend: string): Finding => ({ role: 'task', ok: false, what, mend });

/** @returns what was found wrong alone, where that is so much that nothing can be asked */
export async function checkTask(input: ImproveInput): Promise<{ facts?: TaskFacts; findings: Finding[] }> {
  const findings: Finding[] = [];
  try {
    const asked = improveInputSchema.parse(input);
    const spec = await resolveTask(asked.task, {
      promptsFile: asked.promptsFile,
      quick: asked.benchmark.size === 'quick',
    });
    await refuseOverlap(spec);
    const task = loadTask(spec);
    const asIs = improveInputSchema.parse(layered(task.suggested, input));
    refuseContradictions(asIs, task);
    const items = await heldOut(task);
    const index = createLeakIndex(items, asIs.leaks.similarity);
    const shown = exampleProblems(task, (prompt) => index.find(prompt)?.heldOut.benchmark);
    if (shown.length > 0) throw new InvalidInputError(shown);
    const prompts = await drawPrompts(task, asIs);
    const clean = prompts.filter((prompt) => index.find(prompt) === undefined);
    findings.push(...sizes(asIs, items, prompts.length, clean.length));
    const [prompt] = clean;
    if (!prompt) return { findings };
    const forms = formsFor(task, prompt, seedOf(asIs.seed, prompt.key));
    const draw = spread(forms, strategiesOf({ task, settings: asIs }), asIs.sampling.samples)[0]!;
    const { settings: named, finding } = await withModels(asIs, task);
    if (finding) return { findings: [...findings, finding] };
    return { facts: { task, settings: named, items, prompt, draw }, findings };
  } catch (error) {
    const problems = problemsOf(error);
    if (!problems) throw error;
    return {
      findings: problems.map((problem) => fault(problem, 'Mend it in the task file or the settings.')),
    };
  }
}

/** Models that nobody named are found as a run finds them. */
async function withModels(
  settings: ImproveSettings,
  task: Task,
): Promise<{ settings: ImproveSettings; finding?: Finding }> {
  try {
    return { settings: await nameModels(settings, task) };
  } catch (error) {
    if (!(error instanceof EndpointError)) throw error;
    const finding: Finding = {
      role: 'generator',
      ok: false,
      what: error.message,
      mend: 'Name a model: --model NAME.',
    };
    return { settings, finding: { ...finding, unreached: /API key/.test(error.message) } };
  }
}

function problemsOf(error: unknown): string[] | undefined {
  if (error instanceof InvalidInputError) return error.problems;
  if (!(error instanceof ApplicationFailure)) return undefined;
  const [details] = (error.details ?? []) as { problems?: string[] }[];
  return details?.problems ?? [error.message];
}

async function drawPrompts(task: Task, settings: ImproveSettings): Promise<Prompt[]> {
  // What is stored comes from the database, which a check does without.
  if (settings.pool.stored === 'only') return [];
  const prompts: Prompt[] = [];
  const count = Math.min(settings.pool.prompts, MOST_PROMPTS);
  const request = {
    seed: seedOf(settings.seed, 'prompts'),
    count,
    levels: task.levels?.start,
    exclude: () => false,
  };
  for await (const prompt of task.prompts(request)) prompts.push(prompt);
  return prompts;
}

/** With fewer problems only a large gain can be proven: 6 more right and none wrong is p = 0.016. */
const FEW_ITEMS = 100;

function sizes(
  settings: ImproveSettings,
  items: NewBenchmarkItem[],
  drawn: number,
  clean: number,
): Finding[] {
  const findings: Finding[] = [];
  const of = (role: string) => items.filter((item) => item.role === role).length;
  const leaks = drawn - clean;
  const wanted = Math.min(settings.pool.prompts, MOST_PROMPTS);
  if (settings.pool.stored === 'only')
    findings.push({
      role: 'task',
      ok: true,
      what: 'The pool is what is stored for the task; none of it was looked at.',
    });
  else if (clean === 0)
    findings.push(
      fault(
        drawn === 0
          ? 'The task has no prompts.'
          : `All of ${drawn} prompts are held-out problems, exactly or nearly.`,
        'Give unlabeled prompts that are in no benchmark (prompts of the task file, or --prompts).',
      ),
    );
  else
    findings.push({
      role: 'task',
      ok: true,
      what: `${clean} prompts for the first pool${leaks > 0 ? `; ${leaks} of ${drawn} are held-out problems, nearly: they are left out` : ''}; held out: ${of('target')} target, ${of('guard')} guard, ${of('final')} final`,
      ...(drawn < wanted
        ? {
            mend: `A pool asks for ${settings.pool.prompts} prompts and there are ${drawn}: each iteration asks the same ones.`,
          }
        : {}),
    });
  if (of('target') < FEW_ITEMS)
    findings.push({
      role: 'task',
      ok: true,
      what: `Only ${of('target')} target problems are held out.`,
      mend: 'With so few only a large gain can be proven: 300 or more see one of 5 points.',
    });
  return findings;
}
