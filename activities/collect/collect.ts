import { carriedOut, correctionsFor } from '../../db/queries/gateway.ts';
import { testedKeys } from '../../db/queries/memory-tests.ts';
import { addLeaks, calibrationProblems, countLeaks, heldOutProblems } from '../../db/queries/leaks.ts';
import { setStageTotal } from '../../db/queries/iterations.ts';
import { undrawnVariants } from '../../db/queries/variants.ts';
import { acceptedKeys, addPrompts, countPrompts, usedKeys } from '../../db/queries/prompts.ts';
import type { PromptPurpose } from '../../db/schema.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { exampleKeys } from '../../tasks/examples.ts';
import { asHeldOut, calibrates, calibrationWanted } from '../../engine/calibration.ts';
import { iterationContext, seedOf, type Deps, type IterationContext } from '../../engine/context.ts';
import { fixedSample } from '../run/drift.ts';
import { REGRESSIONS } from '../../engine/feedback.ts';
import { poolSource, type Drawn } from '../../engine/stored-prompts.ts';
import { makesVariants } from '../../engine/variants/make.ts';
import { shuffled } from '../../tasks/random.ts';
import { Draws } from './draws.ts';

export type Collected = {
  prompts: number;
  rehearsal: number;
  /** Problems with known answers, to measure votes on; undefined where there are none. */
  calibration?: number;
  /** Drawn prompts that were held-out problems, exactly or nearly: dropped, and others drawn instead. */
  leaked: number;
  /** Prompts of the run's fixed sample that the generating checkpoint has not answered yet; absent without any. */
  fixedSample?: number;
};

/** Corrections from production of which this run has made no example yet, each problem once, oldest first. */
async function corrected(db: Deps['db'], { run, settings, task }: IterationContext): Promise<Drawn[]> {
  // A contrast arm shows what the loop does by itself.
  if (!settings.pool.corrections || settings.experiment !== 'none') return [];
  const done = await carriedOut(db, run.id);
  const prompts = new Map<string, Drawn>();
  for (const { feedback, text } of await correctionsFor(db, task.name, 'example')) {
    const prompt = done.has(feedback.id) ? undefined : task.readPrompt(text);
    if (prompt === undefined || typeof prompt === 'string' || prompts.has(prompt.key)) continue;
    prompts.set(prompt.key, { ...prompt, storedPromptId: feedback.storedPromptId!, feedbackId: feedback.id });
  }
  return [...prompts.values()];
}

/** Easier variants that earlier iterations made of prompts of this one's kind, whatever their level, in random order. */
async function easier(db: Deps['db'], { run, iteration, settings }: IterationContext): Promise<Drawn[]> {
  if (!makesVariants(settings)) return [];
  const { stage, seed } = iteration.plan;
  const undrawn = await undrawnVariants(db, { runId: run.id, index: iteration.index });
  const own = undrawn.filter((one) => one.stage === stage);
  return shuffled(own, `${seed}/variants`, ({ id }) => String(id)).map(({ id, key, text, level }) => {
    return { key: key!, text, level: level ?? undefined, variantId: id };
  });
}

const calibrated = (calibration: number) => (calibration > 0 ? { calibration } : {});

/**
 * Collect: draws the iteration's pool of unlabeled prompts and stores it in one transaction. A task's own source is
 * told the keys of held-out problems and passes them by, under any rewrite. Corrections come first, then easier variants. A prompt that is one of them all the same,
 * by its key (of those from outside), its text or nearly, is dropped and stored as a leak, and another one is drawn. A source without
 * prompts left gives an empty pool, which `decide` names as the reason.
 *
 * Reads: held-out problems, prompts and examples of before, stored prompts, corrections, variants. Writes: the fixed sample, the pool, leaks.
 * Safe to repeat: a pool that is there is counted, not drawn again.
 */
export async function collect({ db }: Deps, { iterationId }: { iterationId: number }): Promise<Collected> {
  const context = await iterationContext(db, iterationId);
  const fixed = await fixedSample(db, context);
  const open = fixed.open > 0 ? { fixedSample: fixed.open } : {};
  const known = await countPrompts(db, iterationId);
  if (known.learn + known.rehearse + known.calibrate > 0) {
    const leaked = await countLeaks(db, iterationId, 'collect');
    return {
      prompts: known.learn,
      rehearsal: known.rehearse,
      ...calibrated(known.calibrate),
      leaked,
      ...open,
    };
  }

  // The model is shown these with their answers: none is a question any more, whoever asks it.
  const draws = new Draws(iterationId, exampleKeys(context.task));
  const { learn, rehearsal, calibration } = await drawPool(db, context, fixed.keys, draws);
  const of = (purpose: PromptPurpose, taken: (Drawn & { answer?: string })[]) =>
    taken.map(({ key, text, level, source, answer, storedPromptId, feedbackId, variantId }) => {
      return { purpose, key, text, level, source, answer, storedPromptId, feedbackId, variantId };
    });
  // Prompts to learn from come first, so that a budget that asks for fewer can leave out the last of them.
  const rows = [...of('learn', learn), ...of('rehearse', rehearsal), ...of('calibrate', calibration)].map(
    (row, position) => ({ ...row, iterationId, position }),
  );
  await addLeaks(db, draws.leaked);
  await addPrompts(db, rows);
  await setStageTotal(db, iterationId, 'collect', rows.length);
  return {
    prompts: learn.length,
    rehearsal: rehearsal.length,
    ...calibrated(calibration.length),
    leaked: draws.leaked.length,
    ...open,
  };
}

/** What an iteration asks, by what for; nothing is stored yet. */
async function drawPool(db: Deps['db'], context: IterationContext, fixedKeys: Set<string>, draws: Draws) {
  const { iteration, run, settings, task } = context;
  const { prompts: wanted, unused } = settings.pool;
  const { levels } = iteration.plan;
  const heldOut = await heldOutProblems(db, run.id);
  const heldOutKeys = new Set(heldOut.map(({ key }) => key));
  // Made of stored prompts to be held out: that they are there is no leak.
  const regressions = new Set(heldOut.flatMap((one) => (one.benchmark === REGRESSIONS ? one.key : [])));
  const used = unused || calibrates(context) ? await usedKeys(db, run.task, iteration.id) : undefined;
  const learnt = unused ? used! : await acceptedKeys(db, run.id);
  // Precision of votes that entries stand before, on what those were chosen by, would flatter them.
  const tested = settings.memory.mode === 'on' ? await testedKeys(db, run.task) : new Set<string>();
  const calibration = calibrates(context)
    ? await draws.take(
        (request) => task.calibration!(request),
        createLeakIndex(heldOut, settings.leaks.similarity),
        {
          seed: seedOf(iteration.plan.seed, 'calibration'),
          count: calibrationWanted(settings),
          levels,
          exclude: (key) => heldOutKeys.has(key) || used!.has(key) || tested.has(key),
        },
      )
    : [];
  // What votes are measured on is held out as a benchmark is: no prompt may be one of those problems.
  const measured = [...(await calibrationProblems(db, run.id)), ...calibration.map(asHeldOut)];
  for (const { key } of measured) heldOutKeys.add(key);
  const index = createLeakIndex([...heldOut, ...measured], settings.leaks.similarity);
  // Runs of one schedule share a seed. Each needs an order of its own, or it would have to pass by all
  // that the earlier ones drew before it came to a new problem.
  const seed = seedOf(iteration.plan.seed, 'prompts', ...(unused ? [run.id] : []));
  // What drift is measured on is never learnt, whoever corrects it.
  const corrections = (await corrected(db, context)).filter(({ key }) => !fixedKeys.has(key));
  const people = await draws.take(
    async function* () {
      yield* corrections;
    },
    index,
    { seed, count: wanted, exclude: (key) => heldOutKeys.has(key) },
  );
  // What came from outside may be held out: it is drawn, dropped and counted.
  const exclude = (key: string) => regressions.has(key) || fixedKeys.has(key) || learnt.has(key);
  const variants = await easier(db, context);
  const easy = await draws.take(
    async function* (request) {
      yield* variants.filter(({ key }) => !request.exclude(key));
    },
    index,
    {
      seed,
      count: Math.min(Math.floor(settings.strategy.variants.share * wanted), wanted - people.length),
      exclude,
    },
  );
  const drawnAnew = await draws.take<Drawn>(poolSource(db, context, heldOutKeys), index, {
    seed,
    count: wanted - people.length - easy.length,
    levels,
    exclude,
  });
  const learn = [...people, ...easy, ...drawnAnew];
  // Rehearsal serves what is learnt beside it. Only the control arm trains on it alone.
  const rehearses = task.rehearsal && (learn.length > 0 || settings.experiment === 'control');
  const rehearsal = rehearses
    ? await draws.take((request) => task.rehearsal!(request), index, {
        seed: seedOf(iteration.plan.seed, 'rehearsal'),
        count: settings.pool.rehearsal,
        exclude: (key) => heldOutKeys.has(key) || fixedKeys.has(key),
      })
    : [];
  return { learn, rehearsal, calibration: learn.length > 0 ? calibration : [] };
}
