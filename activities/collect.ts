import { setImmediate as otherWork } from 'node:timers/promises';
import { carriedOut, correctionsFor } from '../db/gateway.ts';
import { addLeaks, calibrationProblems, countLeaks, heldOutProblems, type NewLeak } from '../db/leaks.ts';
import { setStageTotal } from '../db/iterations.ts';
import { acceptedKeys, addPrompts, countPrompts, usedKeys } from '../db/prompts.ts';
import type { PromptPurpose } from '../db/schema.ts';
import { createLeakIndex, type LeakIndex } from '../loop/leaks.ts';
import { exampleKeys } from '../tasks/examples.ts';
import type { Prompt, PromptRequest } from '../tasks/task.ts';
import { asHeldOut, calibrates, calibrationWanted } from './calibration.ts';
import { iterationContext, seedOf, type Deps, type IterationContext } from './context.ts';
import { fixedSample } from './drift.ts';
import { REGRESSIONS } from './feedback.ts';
import { poolSource, type Drawn } from './outside.ts';

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

/** Comparing prompts takes the processor; heartbeats and other pages get a turn after so many. */
const PROMPTS_AT_ONCE = 200;

const calibrated = (calibration: number) => (calibration > 0 ? { calibration } : {});

export function createCollectActivities({ db }: Deps) {
  return {
    /**
     * Collect: draws the iteration's pool of unlabeled prompts and stores it in one transaction. A task's own source is
     * told the keys of held-out problems and passes them by, under any rewrite. A prompt that is one of them all the same,
     * by its key (of those from outside), its text or nearly, is dropped and stored as a leak, and another one is drawn. A source without
     * prompts left gives an empty pool, which `decide` names as the reason.
     */
    async collect({ iterationId }: { iterationId: number }): Promise<Collected> {
      const context = await iterationContext(db, iterationId);
      const { iteration, run, settings, task } = context;
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

      const heldOut = await heldOutProblems(db, run.id);
      const heldOutKeys = new Set(heldOut.map(({ key }) => key));
      // Made of stored prompts to be held out: that they are there is no leak.
      const regressions = new Set(heldOut.flatMap((one) => (one.benchmark === REGRESSIONS ? one.key : [])));
      const benchmarkIndex = createLeakIndex(heldOut, settings.leaks.similarity);
      const { unused } = settings.pool;
      const used = unused || calibrates(context) ? await usedKeys(db, run.task, iterationId) : undefined;
      const learnt = unused ? used! : await acceptedKeys(db, run.id);
      // The model is shown these with their answers: none is a question any more, whoever asks it.
      const drawn = exampleKeys(task);
      const leaked: NewLeak[] = [];

      async function take<P extends Prompt>(
        source: (request: PromptRequest) => AsyncIterable<P>,
        index: LeakIndex,
        request: PromptRequest,
      ): Promise<P[]> {
        const taken: P[] = [];
        let dropped = 0;
        // What was dropped is replaced. Each further draw is twice as wide, so that a source full of leaks ends soon.
        for (let wider = 1; taken.length < request.count; wider *= 2) {
          const before = drawn.size;
          const exclude = (key: string) => request.exclude(key) || drawn.has(key);
          const count = wider === 1 ? request.count : (request.count - taken.length) * wider;
          for await (const prompt of source({ ...request, count, exclude })) {
            const { key, text } = prompt;
            if (drawn.has(key)) continue;
            drawn.add(key);
            if (drawn.size % PROMPTS_AT_ONCE === 0) await otherWork();
            const leak = index.find(prompt);
            if (leak) {
              dropped += 1;
              const { kind, similarity, heldOut: item } = leak;
              const { benchmark, key: itemKey } = item;
              const position = leaked.length;
              leaked.push({
                iterationId,
                stage: 'collect',
                position,
                key,
                text,
                benchmark,
                itemKey,
                kind,
                similarity,
              });
              continue;
            }
            taken.push(prompt);
            if (taken.length === request.count) break;
          }
          if (drawn.size === before || dropped === 0) break;
        }
        return taken;
      }

      // Runs of one schedule share a seed. Each needs an order of its own, or it would have to pass by all
      // that the earlier ones drew before it came to a new problem.
      const seed = seedOf(iteration.plan.seed, 'prompts', ...(unused ? [run.id] : []));
      const calibration = calibrates(context)
        ? await take((request) => task.calibration!(request), benchmarkIndex, {
            seed: seedOf(iteration.plan.seed, 'calibration'),
            count: calibrationWanted(settings),
            levels: iteration.plan.levels,
            exclude: (key) => heldOutKeys.has(key) || used!.has(key),
          })
        : [];
      // What votes are measured on is held out as a benchmark is: no prompt may be one of those problems.
      const measured = [...(await calibrationProblems(db, run.id)), ...calibration.map(asHeldOut)];
      for (const { key } of measured) heldOutKeys.add(key);
      const index = createLeakIndex([...heldOut, ...measured], settings.leaks.similarity);
      const { prompts: wanted } = settings.pool;
      // What drift is measured on is never learnt, whoever corrects it.
      const corrections = (await corrected(db, context)).filter(({ key }) => !fixed.keys.has(key));
      const people = await take(
        async function* () {
          yield* corrections;
        },
        index,
        { seed, count: wanted, exclude: (key) => heldOutKeys.has(key) },
      );
      const drawnAnew = await take<Drawn>(poolSource(db, context, heldOutKeys), index, {
        seed,
        count: wanted - people.length,
        levels: iteration.plan.levels,
        // What came from outside may be held out: it is drawn, dropped and counted.
        exclude: (key) => regressions.has(key) || fixed.keys.has(key) || learnt.has(key),
      });
      const learn = [...people, ...drawnAnew];
      // Rehearsal serves what is learnt beside it. Only the control arm trains on it alone.
      const rehearses = task.rehearsal && (learn.length > 0 || settings.experiment === 'control');
      const rehearsal = rehearses
        ? await take((request) => task.rehearsal!(request), index, {
            seed: seedOf(iteration.plan.seed, 'rehearsal'),
            count: settings.pool.rehearsal,
            exclude: (key) => heldOutKeys.has(key) || fixed.keys.has(key),
          })
        : [];
      const of = (purpose: PromptPurpose, taken: (Drawn & { answer?: string })[]) =>
        taken.map(({ key, text, level, answer, storedPromptId, feedbackId }) => {
          return { purpose, key, text, level, answer, storedPromptId, feedbackId };
        });
      // Prompts to learn from come first, so that a budget that asks for fewer can leave out the last of them.
      const rows = [
        ...of('learn', learn),
        ...of('rehearse', rehearsal),
        ...of('calibrate', learn.length > 0 ? calibration : []),
      ].map((row, position) => ({ ...row, iterationId, position }));
      await addLeaks(db, leaked);
      await addPrompts(db, rows);
      await setStageTotal(db, iterationId, 'collect', rows.length);
      return {
        prompts: learn.length,
        rehearsal: rehearsal.length,
        ...calibrated(learn.length > 0 ? calibration.length : 0),
        leaked: leaked.length,
        ...open,
      };
    },
  };
}

export type CollectActivities = ReturnType<typeof createCollectActivities>;
