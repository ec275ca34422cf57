/** What every step of an answer needs to know, and how a model is asked for it. */
import { cancellationSignal } from '@temporalio/activity';
import { findAnswer, type AnswerDemonstration, type AnswerRow } from '../db/queries/answers.ts';
import type { Db } from '../db/connect.ts';
import { getCheckpoint, type Checkpoint, type Run } from '../db/queries/runs.ts';
import { answerInputSchema, type AnswerSettings } from '../loop/answer-input.ts';
import { vote } from '../loop/vote.ts';
import { chat, type ChatReply } from '../models/chat.ts';
import type { Endpoint } from '../models/endpoint.ts';
import type { Prompt, Rewrite, Task } from '../tasks/task.ts';
import { callAll } from './calls.ts';
import { endpointOf, formsFor, plainForm, readRun, seedOf, taskOf } from './context.ts';
import { answerIn, rationaleOf } from './reading.ts';
import { reloadOf } from './reload.ts';
import { isWellFormed } from './sampling.ts';

export type AnswerContext = {
  row: AnswerRow;
  settings: AnswerSettings;
  run: Run;
  task: Task;
  checkpoint: Checkpoint;
  prompt: Prompt;
  /** Where the checkpoint answers, and where an adapter is trained. */
  generator: Endpoint;
  trainer: Endpoint;
};

/** @throws Error when there is no such answer */
export async function answerContext(db: Db, id: string): Promise<AnswerContext> {
  const row = await findAnswer(db, id);
  if (!row) throw new Error(`there is no answer ${id}`);
  const checkpoint = await getCheckpoint(db, row.checkpointId);
  const run = await readRun(db, checkpoint.runId);
  const task = taskOf(run);
  const prompt = task.readPrompt(row.prompt);
  if (typeof prompt === 'string') throw new Error(`the prompt ${prompt}`);
  return {
    row,
    settings: answerInputSchema.parse(row.settings),
    run,
    task,
    checkpoint,
    prompt,
    generator: endpointOf('generator', run.settings, task, checkpoint),
    trainer: endpointOf('trainer', run.settings, task),
  };
}

/** The text by which a problem is put to the model as it stands. */
export function requestOf(task: Task, prompt: Prompt): string {
  return plainForm(prompt, formsFor(task, prompt, 0))?.text ?? prompt.text;
}

type Question = { form: Rewrite; n: number; temperature: number };
type Sample = { answer: string | undefined; rationale: string; plain: boolean };

/** What a model makes of the prompt. `agreement`: share of its samples for the answer. */
export type Opinion = {
  answer: string | undefined;
  agreement: number;
  rationale: string | undefined;
  promptTokens: number;
  completionTokens: number;
};

/**
 * Asks a model for samples of the prompt and takes their vote. Equivalent forms are used where the task's own rule holds; given
 * demonstrations may show another one, so then the prompt is asked as it stands, and its steps are not held against the task's.
 */
export async function opinionOf(db: Db, context: AnswerContext, model: string): Promise<Opinion> {
  const { task, prompt, settings, row } = context;
  const ownRule = settings.adapt.demonstrations.length === 0;
  const forms = formsFor(task, prompt, seedOf(row.id, 'forms'));
  const plain = plainForm(prompt, forms) ?? forms[0]!;
  // Its own form first: a sample of it is what is shown.
  const others = ownRule ? forms.filter((form) => form !== plain) : [];
  const chosen = [plain, ...others].slice(0, settings.samples);
  const questions = chosen.map((form, i): Question => {
    const n = Math.floor(settings.samples / chosen.length) + (i < settings.samples % chosen.length ? 1 : 0);
    return { form, n, temperature: settings.temperature };
  });
  const samples: Sample[] = [];
  const tokens = await askAll(db, context, model, questions, ({ form }, reply) => {
    for (const choice of reply.choices) samples.push(sampleOf(task, form, choice, form === plain, ownRule));
  });
  const result = vote(
    samples.map(({ answer }) => answer),
    task.sameAnswer,
  );
  const { answer } = result;
  const behind = samples.filter(
    (one) => answer !== undefined && one.answer !== undefined && task.sameAnswer(one.answer, answer),
  );
  const shown = behind.find((one) => one.plain) ?? behind[0];
  return { answer, agreement: result.agreement, rationale: shown?.rationale, ...tokens };
}

function sampleOf(
  task: Task,
  form: Rewrite,
  choice: ChatReply['choices'][number],
  plain: boolean,
  ownRule: boolean,
): Sample {
  const rationale = rationaleOf(choice);
  const read = answerIn(task, choice);
  const sound =
    read !== undefined &&
    (!ownRule ||
      isWellFormed({
        formatOk: task.checkFormat(form.text, rationale).ok,
        coherenceOk: task.checkCoherence(form.text, rationale, read).ok,
      }));
  return { answer: sound ? form.mapBack(read) : undefined, rationale, plain };
}

/** The share of the demonstrations of which a model, asked greedily, gives the answer. */
export async function solvedShare(
  db: Db,
  context: AnswerContext,
  model: string,
  demonstrations: readonly AnswerDemonstration[],
): Promise<{ solved: number; promptTokens: number; completionTokens: number }> {
  const { task } = context;
  const questions = demonstrations.map((one): Question & { wanted: string | undefined } => ({
    form: { key: 'as-is', text: one.request, mapBack: (answer) => answer },
    n: 1,
    temperature: 0,
    wanted: task.readAnswer(one.rationale),
  }));
  let solved = 0;
  const tokens = await askAll(db, context, model, questions, ({ wanted }, reply) => {
    const given = answerIn(task, reply.choices[0]);
    if (given !== undefined && wanted !== undefined && task.sameAnswer(given, wanted)) solved += 1;
  });
  return { solved: questions.length === 0 ? 0 : solved / questions.length, ...tokens };
}

async function askAll<Q extends Question>(
  db: Db,
  { task, run, row, generator, trainer, checkpoint }: AnswerContext,
  model: string,
  questions: Q[],
  take: (question: Q, reply: ChatReply) => void,
): Promise<{ promptTokens: number; completionTokens: number }> {
  const endpoint = { ...generator, model };
  const tokens = { promptTokens: 0, completionTokens: 0 };
  const own = model === checkpoint.model;
  await callAll(questions, {
    endpoint,
    concurrency: run.settings.paging.callsInFlight,
    what: `asking ${model} for an answer`,
    // An adapter that is made for one answer is loaded by whoever made it.
    reload: own ? reloadOf(db, endpoint, trainer, checkpoint, cancellationSignal()) : undefined,
    call: async (question, signal) => {
      const reply = await chat(
        endpoint,
        {
          messages: task.ask(question.form.text),
          maxTokens: run.settings.sampling.maxTokens ?? task.maxTokens,
          temperature: question.temperature,
          n: question.n,
          seed: seedOf(row.id, model, question.form.key),
        },
        signal,
      );
      return { question, reply };
    },
    store: async (replies) => {
      for (const { question, reply } of replies) {
        tokens.promptTokens += reply.promptTokens;
        tokens.completionTokens += reply.completionTokens;
        take(question, reply);
      }
    },
  });
  return tokens;
}
