/** Drift: the fixed sample of a run, how far each iteration has moved from the first, and what is done about it. */
import { deflateRawSync } from 'node:zlib';
import { ApplicationFailure, cancellationSignal } from '@temporalio/activity';
import { addAdjustment, findAdjustment, listAdjustments } from '../../db/queries/adjustments.ts';
import { addCalls } from '../../db/queries/calls.ts';
import type { Db } from '../../db/connect.ts';
import {
  acceptedTexts,
  addDrift,
  addFixedPrompts,
  drawnKeys,
  driftRows,
  fixedPrompts,
  fixedTexts,
  unansweredPrompts,
  type DriftRow,
  type FixedPrompt,
} from '../../db/queries/drift.ts';
import { heldOutProblems } from '../../db/queries/leaks.ts';
import { baseAndBest } from '../../db/queries/runs.ts';
import { driftAnswers } from '../../db/schema.ts';
import { adjusted } from '../../loop/course.ts';
import { measureDrift, wordCounts, type DriftText } from '../../loop/drift.ts';
import { ENOUGH_TEXTS, findDrift, nextDriftStep, type DriftSource } from '../../loop/drift-alarms.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { errorText, isRefusal } from '../../models/errors.ts';
import { FAILURE } from '../../loop/failures.ts';
import { meanTokens, withinBudget } from '../../engine/budget.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from '../../engine/calls.ts';
import {
  endpointOf,
  formsFor,
  iterationContext,
  readRun,
  seedOf,
  standingAt,
  taskOf,
  type Deps,
  type IterationContext,
} from '../../engine/context.ts';
import { keepsAlternatives } from '../../engine/pool.ts';
import { answerIn, rationaleOf } from '../../engine/reading.ts';
import { reloadOf } from '../../engine/reload.ts';

const MOST_FIXED = 16;
/** What the fixed sample may take away from a pool at most, as one in so many. */
const POOL_SHARE = 20;

/** How many the fixed sample has, of a source that may hold less than a pool asks for. */
async function fixedCount(
  { drift, pool }: IterationContext['settings'],
  source: (count: number) => AsyncIterable<unknown>,
): Promise<number> {
  if (drift.prompts !== undefined) return drift.prompts;
  const of = (prompts: number) => Math.min(MOST_FIXED, Math.floor(prompts / POOL_SHARE));
  if (of(pool.prompts) < ENOUGH_TEXTS) return 0;
  let there = 0;
  for await (const _ of source(pool.prompts)) there += 1;
  const count = of(there);
  return count < ENOUGH_TEXTS ? 0 : count;
}

/**
 * The run's fixed sample, drawn on the first call: prompts at the levels at which the run begins, none of them a held-out
 * problem, exactly or nearly. No pool may draw them.
 *
 * @returns their keys, and how many the generating checkpoint has not answered yet
 */
export async function fixedSample(
  db: Db,
  { run, task, checkpoint }: IterationContext,
): Promise<{ keys: Set<string>; open: number }> {
  let known = await fixedPrompts(db, run.id);
  if (known.length === 0 && run.settings.drift.prompts !== 0) {
    const heldOut = await heldOutProblems(db, run.id);
    const heldOutKeys = new Set(heldOut.map(({ key }) => key));
    const index = createLeakIndex(heldOut, run.settings.leaks.similarity);
    // Of a run that an earlier version began: what it has drawn is learnt from.
    const drawn = await drawnKeys(db, run.id);
    const rows = [];
    const source = (count: number) =>
      task.prompts({
        seed: seedOf(run.settings.seed, 'drift'),
        count,
        levels: task.levels?.start,
        exclude: (key) => heldOutKeys.has(key) || drawn.has(key),
      });
    const count = await fixedCount(run.settings, source);
    for await (const prompt of count > 0 ? source(count) : []) {
      if (index.find(prompt)) continue;
      rows.push({ runId: run.id, position: rows.length, key: prompt.key, text: prompt.text });
    }
    await addFixedPrompts(db, rows);
    known = await fixedPrompts(db, run.id);
  }
  const open = known.length === 0 ? 0 : (await unansweredPrompts(db, run.id, checkpoint.id)).length;
  return { keys: new Set(known.map(({ key }) => key)), open };
}

const deflatedBytes = (text: string): number => deflateRawSync(text).length;

/** The texts of one source in one iteration. */
async function textsOf(
  db: Db,
  source: DriftSource,
  of: { iterationId: number; checkpointId: number },
): Promise<DriftText[]> {
  return source === 'accepted' ? acceptedTexts(db, of.iterationId) : fixedTexts(db, of.checkpointId);
}

/**
 * Measures an iteration against the first one that had enough rationales, once; nothing is measured of a source that has none.
 *
 * @returns the alarms in words; undefined without any
 */
export async function recordDrift(db: Db, context: IterationContext): Promise<string | undefined> {
  const { run, iteration, settings } = context;
  const before = (await driftRows(db, run.id)).filter((row) => row.index < iteration.index);
  for (const source of ['accepted', 'fixed'] as const) {
    const own = { iterationId: iteration.id, checkpointId: iteration.checkpointId };
    const texts = await textsOf(db, source, own);
    if (texts.length === 0) continue;
    // The fixed sample is the same for the whole run; what is accepted answers the prompts of a stage.
    const reference = before.find(
      (row) =>
        row.source === source &&
        row.measures.texts >= ENOUGH_TEXTS &&
        (source === 'fixed' || row.stage === iteration.plan.stage),
    );
    const then = reference && (await textsOf(db, source, reference));
    const measures = measureDrift(
      texts,
      deflatedBytes,
      then && wordCounts(then.filter(({ answer }) => answer !== null).map(({ text }) => text)),
    );
    const sameLevels =
      source === 'fixed' || String(reference?.levels ?? '') === String(iteration.plan.levels ?? '');
    const alarms = reference
      ? findDrift(source, measures, reference.measures, settings.drift, { sameLevels })
      : [];
    await addDrift(db, {
      iterationId: iteration.id,
      source,
      referenceIteration: reference?.index ?? null,
      measures,
      alarms,
    });
  }
  const reasons = (await driftRows(db, run.id, [iteration.id])).flatMap(({ alarms }) =>
    alarms.map(({ reason }) => reason),
  );
  return reasons.length > 0 ? reasons.join('; ') : undefined;
}

/** The newest iteration in which nothing was alarming, of those before `from`. */
function lastCalm(rows: DriftRow[], from: number): DriftRow | undefined {
  const alarmed = new Set(rows.filter((row) => row.alarms.length > 0).map((row) => row.index));
  return rows.findLast((row) => row.index < from && !alarmed.has(row.index));
}

/**
 * The drift policy's next step, each once while alarms last.
 *
 * @param key of the adjustment: a message answered twice adjusts once
 */
export async function answerDrift(
  db: Db,
  { runId, from, key, why }: { runId: string; from: number; key: string; why: string },
): Promise<{ answer: string }> {
  const known = await findAdjustment(db, runId, key);
  if (known) return { answer: known.numbers.answer ?? known.reason };
  const run = await readRun(db, runId);
  const task = taskOf(run);
  const all = await listAdjustments(db, runId);
  const settings = adjusted(run.settings, all, from);
  const rows = await driftRows(db, runId);
  // What an earlier stage of a curriculum wrote calmly has not learnt what this one did.
  const { stage } = await standingAt(db, run, from);
  const calm = lastCalm(
    rows.filter((row) => row.stage === stage?.number),
    from,
  );
  const steps = all.filter((one) => one.cause === 'drift');
  const last = steps.at(-1);
  const { patience } = settings.drift;
  if (last && from - last.fromIteration < patience) {
    const done = last.numbers.answer ?? last.reason;
    return { answer: `${why}; waiting for what was done from iteration ${last.fromIteration} on: ${done}` };
  }
  const { best } = await baseAndBest(db, runId);
  const next = nextDriftStep({
    settings,
    from,
    // What was done for an alarm of iteration n is in force from n + 1 on.
    taken: steps
      .filter((one) => one.fromIteration > (calm?.index ?? (stage?.since ?? 1) - 1) + 1)
      .flatMap((one) => one.numbers.step ?? []),
    hasAlternatives: keepsAlternatives({ task, settings: run.settings }),
    hasNoise: (task.noise?.length ?? 0) > 0,
    calmCheckpoint: calm !== undefined && calm.checkpointId !== best.id,
  });
  if (!next) return { answer: `${why}; the policy has no step left` };
  const kinds = {
    temperature: 'temperature',
    diversity: 'selection',
    noise: 'noise',
    reset: 'reset',
  } as const;
  await addAdjustment(db, {
    runId,
    key,
    kind: kinds[next.step],
    cause: 'drift',
    reason: `${why}; ${next.what}`,
    fromIteration: from,
    overrides: next.overrides,
    checkpointId: next.step === 'reset' ? calm!.checkpointId : null,
    numbers: { step: next.step, answer: next.what, ...(next.step === 'reset' ? { calm: calm!.index } : {}) },
  });
  return { answer: next.what };
}

type Answered = MadeCall & { prompt: FixedPrompt };

/** `skipped`: why it was left out. */
export type DriftSampled = { answers: number; skipped?: string };

/**
 * The generating checkpoint's answers to the run's fixed sample, one each, under the run's own sampling parameters and
 * the same seeds for every checkpoint. What was answered before is not asked again, so an iteration without a new
 * checkpoint costs nothing. No decision about a candidate rests on it, so a budget without room leaves it out.
 *
 * Reads: the fixed sample, answers to it. Writes: answers with their calls. Safe to repeat: a checkpoint answers a prompt once.
 */
export async function sampleDrift(
  { db }: Deps,
  { iterationId }: { iterationId: number },
): Promise<DriftSampled> {
  const context = await iterationContext(db, iterationId);
  const { run, iteration, settings, task, checkpoint } = context;
  const { temperature, topP, maxTokens } = run.settings.sampling;
  const endpoint = endpointOf('generator', settings, task, checkpoint);
  const todo = await unansweredPrompts(db, run.id, checkpoint.id);
  const whose = { runId: run.id, iterationId, stage: 'drift', role: 'generator' as const };
  const what = `answering the fixed sample with ${endpoint.model}`;
  // In the same form for every checkpoint: a task may put a prompt to its model only as one of its rewrites.
  const formOf = ({ key, text }: FixedPrompt) =>
    formsFor(task, { key, text }, seedOf(run.settings.seed, 'drift', key))[0]!;
  const ask = () =>
    callAll(todo, {
      endpoint,
      concurrency: settings.paging.callsInFlight,
      what,
      call: async (prompt, signal): Promise<Answered> => {
        const wire = {
          messages: task.ask(formOf(prompt).text),
          maxTokens: maxTokens ?? task.maxTokens,
          temperature,
          topP,
          seed: seedOf(run.settings.seed, 'drift', prompt.key),
        };
        return { ...(await ledgerChat(db, endpoint, wire, whose, signal)), prompt };
      },
      onFailure: (prompt, error): Answered => {
        if (!isRefusal(error)) throw error;
        return { ...unanswered(endpoint, whose, errorText(error)), prompt };
      },
      reload: reloadOf(db, endpoint, endpointOf('trainer', settings, task), checkpoint, cancellationSignal()),
      store: (answered: Answered[]) =>
        db.transaction(async (tx) => {
          const ids = await addCalls(
            tx,
            answered.map((a) => a.call),
          );
          const rows = answered.map(({ prompt, reply }, i) => {
            const choice = reply.choices[0];
            const rationale = rationaleOf(choice);
            const read = answerIn(task, choice);
            return {
              checkpointId: checkpoint.id,
              promptId: prompt.id,
              rationale,
              answer: read === undefined ? null : (formOf(prompt).mapBack(read) ?? null),
              completionTokens: choice?.completionTokens ?? 0,
              callId: ids[i]!,
            };
          });
          await tx.insert(driftAnswers).values(rows).onConflictDoNothing();
        }),
    });
  const { item: each } = await meanTokens(db, run, settings, task);
  const held = { key: `drift/${iteration.index}`, model: endpoint.model, units: todo.length, each };
  try {
    await withinBudget(db, { run, settings, task, iterationId }, held, ask);
  } catch (error) {
    const tooDear = error instanceof ApplicationFailure && error.type === FAILURE.budgetExceeded;
    if (!tooDear) throw error;
    return { answers: 0, skipped: error.message };
  }
  return { answers: todo.length };
}
