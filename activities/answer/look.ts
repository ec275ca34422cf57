import {
  addDemonstrations,
  demonstrationsOf,
  noteAnswer,
  relatedExamples,
} from '../../db/queries/answers.ts';
import {
  answerContext,
  opinionOf,
  requestOf,
  solvedShare,
  type AnswerContext,
} from '../../engine/answering.ts';
import type { Deps } from '../../engine/context.ts';
import { adapts, LEAST_DEMONSTRATIONS } from '../../loop/answer-input.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import type { Prompt } from '../../tasks/task.ts';
import { digestOf } from '../../process/digest.ts';
import type { Answered } from './open.ts';

/** What the checkpoint makes of the prompt, and whether it is worth adapting to it. */
export type Looked = { adapt: boolean; first: Answered };

/**
 * Score first: asks the checkpoint as it is, and what it makes of the demonstrations. Reads the answer's row and demonstrations,
 * writes what was found into the row. A look that was stored is not taken again.
 *
 * @throws ModelUnavailable
 */
export async function lookFirst({ db }: Deps, { id }: { id: string }): Promise<Looked> {
  const context = await answerContext(db, id);
  const { settings, checkpoint } = context;
  const demonstrations = await demonstrationsOf(db, id);
  let { row } = context;
  if (row.firstAgreement === null) {
    const { answer, agreement, rationale, ...tokens } = await opinionOf(db, context, checkpoint.model);
    const given = settings.adapt.demonstrations.length > 0 && settings.adapt.mode === 'auto';
    const solved = given ? await solvedShare(db, context, checkpoint.model, demonstrations) : undefined;
    const changes = {
      firstAnswer: answer ?? null,
      firstAgreement: agreement,
      firstRationale: rationale ?? null,
      firstSolved: solved?.solved ?? null,
    };
    await noteAnswer(db, id, changes, {
      promptTokens: tokens.promptTokens + (solved?.promptTokens ?? 0),
      completionTokens: tokens.completionTokens + (solved?.completionTokens ?? 0),
    });
    row = { ...row, ...changes };
  }
  const look = {
    agreement: row.firstAgreement!,
    ...(row.firstSolved === null ? {} : { solved: row.firstSolved }),
  };
  const { adapt, reason } = adapts(settings, look);
  const enough = demonstrations.length >= LEAST_DEMONSTRATIONS;
  const why =
    enough || !adapt
      ? reason
      : `${reason}, but there are only ${demonstrations.length} examples to learn from`;
  const first: Answered = {
    answer: row.firstAnswer,
    agreement: row.firstAgreement!,
    rationale: row.firstRationale,
    adapted: false,
    reason: why,
    trainingSeconds: null,
    switchMs: null,
  };
  return { adapt: adapt && enough, first };
}

/**
 * What an adapter would be trained on: the demonstrations that were given, else accepted examples of the task, the nearest ones
 * first. Neither the query nor a near copy of it is among them. Reads examples, writes `answer_demonstrations`; they are chosen once.
 */
export async function chooseDemonstrations({ db }: Deps, { id }: { id: string }): Promise<void> {
  const context = await answerContext(db, id);
  const known = await demonstrationsOf(db, id);
  if (known.length > 0 || context.settings.adapt.mode === 'off') return;
  const { demonstrations, related } = context.settings.adapt;
  const chosen = demonstrations.length > 0 ? given(context) : await nearest(db, context, related);
  const rows = chosen.map((one, position) => ({
    answerId: id,
    queryDigest: context.row.promptDigest,
    position,
    ...one,
  }));
  await addDemonstrations(db, rows);
}

type Chosen = { promptDigest: string; request: string; rationale: string; exampleId?: number };

function given({ task, settings }: AnswerContext): Chosen[] {
  return settings.adapt.demonstrations.map(({ prompt: text, answer }) => {
    const prompt = task.readPrompt(text) as Prompt;
    return { promptDigest: digestOf(prompt.key), request: requestOf(task, prompt), rationale: answer };
  });
}

async function nearest(db: Deps['db'], { prompt, run, row }: AnswerContext, most: number): Promise<Chosen[]> {
  const asked = { benchmark: 'query', key: prompt.key, text: prompt.text };
  const index = createLeakIndex([asked], run.settings.leaks.similarity);
  const found = await relatedExamples(db, {
    task: row.task,
    key: prompt.key,
    level: prompt.level,
    most: 2 * most,
  });
  return found
    .filter(({ key, prompt: text }) => index.find({ key, text }) === undefined)
    .slice(0, most)
    .map(({ id, key, request, rationale }) => ({
      promptDigest: digestOf(key),
      request,
      rationale,
      exampleId: id,
    }));
}
