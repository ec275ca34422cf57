import { createHash } from 'node:crypto';
import { listAdjustments } from '../db/queries/adjustments.ts';
import type { Db } from '../db/connect.ts';
import { getIteration, type Iteration } from '../db/queries/iterations.ts';
import { findCheckpoint, getCheckpoint, getRun, type Checkpoint, type Run } from '../db/queries/runs.ts';
import { settingsOf } from '../loop/course.ts';
import { improveInputSchema, type ImproveSettings } from '../loop/input.ts';
import { stageOf, type TargetStage } from '../loop/targets.ts';
import { TEACHER } from '../loop/words.ts';
import {
  resolveEndpoint,
  type Endpoint,
  type EndpointSettings,
  type Extra,
  type Role,
} from '../models/endpoint.ts';
import { forTarget, loadTask, prepareTask } from '../tasks/index.ts';
import type { Prompt, Rewrite, Task } from '../tasks/task.ts';
import { withProposals } from './ladder/proposals.ts';
import { NO_THINKING } from '../tasks/thinking.ts';

/** `track` brings trackers of experiments up to date with a run; there is none where none is configured. */
export type Deps = { db: Db; track?: (runId: string) => Promise<unknown> };

/** Tasks by run: their definition is stored with the run and never changes. */
const tasks = new Map<string, Task>();
const TASKS_KEPT = 16;

export function taskOf(run: Run): Task {
  const known = tasks.get(run.id);
  if (known) return known;
  const task = loadTask(run.taskSpec);
  if (tasks.size >= TASKS_KEPT) tasks.delete(tasks.keys().next().value!);
  tasks.set(run.id, task);
  return task;
}

/**
 * A stored run. Its settings were complete for the version that stored them; fields that came since get their defaults.
 *
 * @throws Error when there is no such run
 */
export async function readRun(db: Db, id: string): Promise<Run> {
  const run = await getRun(db, id);
  await prepareTask(run.taskSpec);
  return { ...run, settings: improveInputSchema.parse(run.settings) };
}

/** What every stage of an iteration needs to know. */
export type IterationContext = {
  iteration: Iteration;
  run: Run;
  /** The run's settings with the adjustments that are in force in this iteration. */
  settings: ImproveSettings;
  /** In a run with a curriculum of targets as it is in the stage. */
  task: Task;
  stage: TargetStage | undefined;
  /** The checkpoint that learns. It generates as well, where no teacher does. */
  checkpoint: Checkpoint;
  /** The other model that generates in its place. */
  teacher?: Checkpoint;
};

export async function iterationContext(db: Db, iterationId: number): Promise<IterationContext> {
  const iteration = await getIteration(db, iterationId);
  const run = await readRun(db, iteration.runId);
  const checkpoint = await getCheckpoint(db, iteration.checkpointId);
  const standing = await standingAt(db, run, iteration.index);
  const context = { iteration, run, checkpoint, ...standing };
  return standing.settings.models.teacher ? { ...context, teacher: await teacherOf(db, run.id) } : context;
}

async function teacherOf(db: Db, runId: string): Promise<Checkpoint> {
  const teacher = await findCheckpoint(db, runId, TEACHER);
  if (!teacher) throw new Error(`The teacher of run ${runId} has not been asked yet.`);
  return teacher;
}

/** What holds in an iteration of a run, begun or not: the stage of its curriculum, its settings and its task. */
export async function standingAt(
  db: Db,
  run: Run,
  index: number,
): Promise<Pick<IterationContext, 'settings' | 'task' | 'stage'>> {
  const adjustments = await listAdjustments(db, run.id);
  const stage = stageOf(run.settings, adjustments, index);
  const settings = settingsOf(run.settings, adjustments, index);
  const task = stage ? forTarget(taskOf(run), stage.target) : taskOf(run);
  const { mode, parts } = settings.strategy.ladder;
  return { settings, stage, task: mode === 'on' && parts === 'model' ? withProposals(task) : task };
}

/** The settings that hold for a measurement: the iteration's, or for the run's own those of now. */
export async function settingsNow(db: Db, run: Run, iterationId: number | null): Promise<ImproveSettings> {
  if (iterationId !== null) return (await iterationContext(db, iterationId)).settings;
  return settingsOf(run.settings, await listAdjustments(db, run.id), Number.MAX_SAFE_INTEGER);
}

type Source = EndpointSettings;

/** Of two models the teacher is the better judge of work. */
const judges = (role: Role): boolean => role === 'critic' || role === 'judge';

/** Where a role's endpoint is named, with the key that belongs to it; undefined: only the workers' environment names one. */
export function sourceOf(role: Role, settings: ImproveSettings, task: Task): Source | undefined {
  const given = settings.models;
  const sources = [
    given[role],
    task.endpoints?.[role],
    judges(role) ? given.teacher : undefined,
    given.generator,
    task.endpoints?.generator,
  ];
  // The key belongs to the URL beside which it stands: one endpoint's key is never sent to another.
  return sources.find((s) => s?.baseURL !== undefined) ?? sources.find((s) => s?.apiKeyEnv !== undefined);
}

/** The model that a role uses by name: the run's first, then the task's own, then the generator's. */
export function modelOf(role: Role, { models: given }: ImproveSettings, task: Task): string | undefined {
  // What is trained is what generates, so a generator named in the input names the trainer's model too.
  const sameModel = role === 'trainer' ? given.generator.model : undefined;
  return (
    given[role]?.model ??
    sameModel ??
    task.defaultModels?.[role] ??
    (judges(role) ? given.teacher?.model : undefined) ??
    given.generator.model ??
    task.defaultModels?.generator
  );
}

/**
 * The endpoint of a role: the run's settings first, then the task's own, then the local server; what a role
 * does not name, it shares with the generator. The generator answers as `checkpoint`.
 */
export function endpointOf(
  role: Role,
  settings: ImproveSettings,
  task: Task,
  checkpoint?: Checkpoint,
): Endpoint {
  const { baseURL, apiKeyEnv, replicas } = sourceOf(role, settings, task) ?? {};
  const model = modelOf(role, settings, task);
  const extra = extraOf(role, settings, task);
  const endpoint = resolveEndpoint(role, { baseURL, apiKeyEnv, extra, replicas }, model);
  if (!checkpoint) return endpoint;
  if (checkpoint.kind === 'base' || role !== 'generator') return { ...endpoint, model: checkpoint.model };
  return servedAs(endpoint, checkpoint.model, endpointOf('trainer', settings, task));
}

/** The endpoint as an adapter. Where it is not its trainer's, it was loaded there by call, and may go by another name (models/adapters.ts). */
export const servedAs = (endpoint: Endpoint, adapter: string, trainer: Endpoint): Endpoint => ({
  ...endpoint,
  model: adapter,
  ...(endpoint.baseURL === trainer.baseURL ? {} : { base: endpoint.model }),
});

/** Who writes the samples that are learnt from, and where: the teacher, else the checkpoint that learns. */
export function samplerOf({ settings, task, checkpoint, teacher }: IterationContext) {
  const by = teacher ?? checkpoint;
  return { checkpoint: by, ...answererOf(settings, task, by) };
}

/** Where a checkpoint of a run answers: the teacher at its own endpoint, all others where the model that learns does. */
export function answererOf(settings: ImproveSettings, task: Task, checkpoint: Checkpoint) {
  const role = checkpoint.iterationIndex === TEACHER ? ('teacher' as const) : ('generator' as const);
  return { role, endpoint: endpointOf(role, settings, task, checkpoint) };
}

/** What a checkpoint is called where it is trained on: the base by its name there, an adapter by the id that the trainer gave it. */
export const trainableModel = (trainer: Endpoint, checkpoint: Checkpoint): string =>
  checkpoint.kind === 'base' ? trainer.model : checkpoint.model;

/**
 * Further fields of a role's requests: the task's, and over them the run's. A role that answers where the generator does, by
 * the same model, shares the generator's; so `thinking: off` holds for it too.
 */
export function extraOf(
  role: Role,
  settings: Pick<ImproveSettings, 'models'>,
  task: Task,
): Extra | undefined {
  const given = settings.models[role];
  const own = task.endpoints?.[role];
  const apart = [given, own].some((one) => one?.baseURL !== undefined || one?.model !== undefined);
  const host = judges(role) && settings.models.teacher ? 'teacher' : 'generator';
  const shared =
    role === 'generator' || role === 'teacher'
      ? withThinkingOff(task)
      : apart || task.defaultModels?.[role] !== undefined
        ? {}
        : (extraOf(host, settings, task) ?? {});
  const extra = [shared, own?.extra ?? {}, given?.extra ?? {}].reduce(overlaid);
  return Object.keys(extra).length > 0 ? extra : undefined;
}

const withThinkingOff = ({ thinking }: Task): Extra => (thinking === 'off' ? NO_THINKING : {});

/** The fields of both, and of `chat_template_kwargs` the fields of both too: one does not undo the other. */
function overlaid(under: Extra, over: Extra): Extra {
  const [a, b] = [under.chat_template_kwargs, over.chat_template_kwargs];
  const both = isObject(a) && isObject(b) ? { chat_template_kwargs: { ...a, ...b } } : {};
  return { ...under, ...over, ...both };
}

const isObject = (value: unknown): value is Extra =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** What generation gives the chat template beside the messages, which training must give it too. */
export function templateKwargs(settings: Pick<ImproveSettings, 'models'>, task: Task): Extra | undefined {
  const kwargs = extraOf('generator', settings, task)?.chat_template_kwargs;
  return isObject(kwargs) && Object.keys(kwargs).length > 0 ? kwargs : undefined;
}

/** A seed derived from anything, the same in every process: 31 bits of SHA-256. */
export function seedOf(...parts: (string | number)[]): number {
  return createHash('sha256').update(JSON.stringify(parts)).digest().readUInt32BE(0) >>> 1;
}

/** Name of the only form of a prompt whose task knows no rewrites. */
const AS_IS = 'as-is';

/**
 * The forms in which a prompt is put to the model, in an order that depends on the iteration alone. One that is there
 * because of a correction is asked as it stands first: the corrected rationale answers that.
 */
export function formsOf(
  context: IterationContext,
  prompt: Prompt & { feedbackId?: number | null },
  paraphrases: readonly Rewrite[] = [],
): Rewrite[] {
  const own = formsFor(context.task, prompt, seedOf(context.iteration.plan.seed, prompt.key));
  const forms = [...own, ...paraphrases];
  if (!prompt.feedbackId) return forms;
  const plain = plainForm(prompt, forms);
  return plain ? [plain, ...forms.filter((form) => form !== plain)] : forms;
}

/** The form in which a prompt is put to the model as its text says it: nothing scaled, swapped or reworded. */
export function plainForm(prompt: Prompt, forms: Rewrite[]): Rewrite | undefined {
  const asIs = forms.find((form) => form.text === prompt.text);
  if (asIs) return asIs;
  // A task may pad the numbers that it puts to the model: spaces and leading zeros say nothing.
  return forms.find((form) => unpadded(form.text) === unpadded(prompt.text));
}

const unpadded = (text: string): string => text.replaceAll(/\s/g, '').replaceAll(/\b0+(?=\d)/g, '');

/** The form of a prompt whose steps a rationale takes, the plain one if it can be; undefined: none. */
export function formAnswered(task: Task, prompt: Prompt, rationale: string): Rewrite | undefined {
  const answer = task.readAnswer(rationale);
  if (answer === undefined) return undefined;
  const forms = formsFor(task, prompt, 0);
  const plain = plainForm(prompt, forms);
  return [...(plain ? [plain] : []), ...forms].find(
    (form) =>
      task.checkFormat(form.text, rationale).ok && task.checkCoherence(form.text, rationale, answer).ok,
  );
}

export function formsFor(task: Task, prompt: Prompt, seed: number): Rewrite[] {
  const forms = task.rewrites?.(prompt, seed);
  if (forms && forms.length > 0) return forms;
  return [{ key: AS_IS, text: prompt.text, mapBack: (answer) => answer }];
}
