/** The task and its files, as a run would take them in: nothing is asked of any model. */
import type { NewBenchmarkItem } from '../../db/queries/runs.ts';
import type { ImproveInput, ImproveSettings } from '../../loop/input.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { EndpointError } from '../../models/endpoint.ts';
import { targetsOf } from '../../loop/targets.ts';
import { InvalidInputError } from '../../tasks/errors.ts';
import { forTarget } from '../../tasks/index.ts';
import type { Prompt, Task } from '../../tasks/task.ts';
import { formsFor, seedOf } from '../context.ts';
import { takeIn } from '../intake.ts';
import { nameModels } from '../named-models.ts';
import { spread, strategiesOf, type Draw } from '../pool.ts';
import type { Finding } from './types.ts';

export type TaskFacts = {
  task: Task;
  settings: ImproveSettings;
  /** Held-out problems. */
  items: Pick<NewBenchmarkItem, 'key' | 'text' | 'answer' | 'role' | 'benchmark'>[];
  /** The first prompt and the first request made of it. */
  prompt: Prompt;
  draw: Draw;
};

/** Prompts looked at: enough to see what is wrong with a source, and quick. */
const MOST_PROMPTS = 2000;

const fault = (what: string, mend: string): Finding => ({ role: 'task', ok: false, what, mend });

/** @returns what was found wrong alone, where that is so much that nothing can be asked */
export async function checkTask(input: ImproveInput): Promise<{ facts?: TaskFacts; findings: Finding[] }> {
  try {
    const { task, settings, items, leaks } = await takeIn(input);
    const prompts: Prompt[] = [];
    for await (const drawn of drawPrompts(task, settings)) prompts.push(drawn);
    const clean = prompts.filter((prompt) => leaks.find(prompt) === undefined);
    const findings = sizes(settings, items, prompts.length, clean.length);
    const [prompt] = clean;
    if (!prompt) return { findings };
    const named = await withModels(settings, task);
    if (named.finding) return { findings: [...findings, named.finding] };
    return { facts: factsOf(task, named.settings, items, prompt), findings };
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error;
    const mend = 'Mend it in the task file or the settings.';
    return { findings: error.problems.map((problem) => fault(problem, mend)) };
  }
}

/** What a run that is stored already asks first; undefined where its task has no prompts of its own. */
export async function storedFacts(
  task: Task,
  settings: ImproveSettings,
  items: TaskFacts['items'],
): Promise<TaskFacts | undefined> {
  const leaks = createLeakIndex(items, settings.leaks.similarity);
  for await (const prompt of drawPrompts(task, settings))
    if (leaks.find(prompt) === undefined) return factsOf(task, settings, items, prompt);
  return undefined;
}

function factsOf(
  task: Task,
  settings: ImproveSettings,
  items: TaskFacts['items'],
  prompt: Prompt,
): TaskFacts {
  const forms = formsFor(task, prompt, seedOf(settings.seed, prompt.key));
  const draw = spread(forms, strategiesOf({ task, settings }), settings.sampling.samples)[0]!;
  return { task, settings, items, prompt, draw };
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

async function* drawPrompts(task: Task, settings: ImproveSettings): AsyncGenerator<Prompt> {
  // What is stored comes from the database, which a check does without.
  if (settings.pool.stored === 'only') return;
  const count = Math.min(settings.pool.prompts, MOST_PROMPTS);
  // Of a curriculum, what its first stage draws.
  const [first] = targetsOf(settings);
  const source = first ? forTarget(task, first.target) : task;
  const request = {
    seed: seedOf(settings.seed, 'prompts'),
    count,
    levels: source.levels?.start,
    exclude: () => false,
  };
  yield* source.prompts(request);
}

/** With fewer problems only a large gain can be proven: 6 more right and none wrong is p = 0.016. */
const FEW_ITEMS = 100;

function sizes(
  settings: ImproveSettings,
  items: TaskFacts['items'],
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
