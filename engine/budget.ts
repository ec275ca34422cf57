/**
 * Keeps a run within its budget: a forecast before each stage, and for each page an amount that is held from
 * before its first call until it is done, so that pages side by side can't spend the same money.
 */
import { STAGES, type StageName } from '../loop/words.ts';
import { ApplicationFailure } from '@temporalio/activity';
import { eq, sql } from 'drizzle-orm';
import type { Db } from '../db/connect.ts';
import { countPrompts } from '../db/queries/prompts.ts';
import { baseAndBest, listBenchmarks, type Run } from '../db/queries/runs.ts';
import { examples, modelCalls, prompts, samples } from '../db/schema.ts';
import { countItems } from '../db/queries/evaluations.ts';
import { hold, release, tokensByStage, unitsMade, type StageTokens } from '../db/queries/spend.ts';
import {
  addSpend,
  isLimited,
  NOTHING,
  overBudget,
  SCOPES,
  spendOf,
  type Spend,
  type Training,
  type Usage,
} from '../loop/budget.ts';
import { USUAL_TRAINING } from '../loop/course.ts';
import type { ImproveSettings } from '../loop/input.ts';
import { FAILURE } from '../loop/failures.ts';
import type { ChatMessage, CriticRequest, Task } from '../tasks/task.ts';
import { probesPlanned } from './probes.ts';
import { debatesAhead } from './debate/forecast.ts';
import { treesAhead } from './ladder/forecast.ts';
import { debatable, drawsOf } from './pool.ts';
import { calibrates, calibrationWanted } from './calibration.ts';
import type { IterationContext } from './context.ts';
import { spentBy, type SpentIn } from './spent.ts';
import { minutesAhead, paceOf } from './forecast-time.ts';
import { testsMemory } from './memory/scope.ts';
import { askedOf, votesAreApproved } from './critic.ts';

/** What has been made and what it took, by run: counted anew only now and then once there is much, since all of it is read. */
const counted = new Map<string, Counted>();
type Counted = { at: number; made: { samples: number; items: number }; stages: StageTokens[] };
/** A mean over more than these hardly changes in the time for which it is kept. */
const MANY = 2_000;
const KEPT_MS = 60_000;
const RUNS_KEPT = 16;

async function countUnits(db: Db, runId: string): Promise<Counted> {
  const known = counted.get(runId);
  if (known && Date.now() - known.at < KEPT_MS) return known;
  counted.delete(runId);
  const made = await unitsMade(db, runId);
  const found = { at: Date.now(), made, stages: await tokensByStage(db, runId) };
  if (made.samples < MANY || made.items < MANY) return found;
  if (counted.size >= RUNS_KEPT) counted.delete(counted.keys().next().value!);
  counted.set(runId, found);
  return found;
}

/** Tokens of one call or one sample. */
export type Tokens = { prompt: number; completion: number };

/** Of a run before its first call: a token is three characters or more. */
export const CHARACTERS_PER_TOKEN = 3;

/** @throws BudgetExceeded, with whose limit it is: a stage's ends the stage, every other the run */
function refuseOver(before: string, over: ReturnType<typeof overBudget>): void {
  if (!over) return;
  const { scope, problem } = over;
  throw ApplicationFailure.nonRetryable(`before ${before}: ${problem}`, FAILURE.budgetExceeded, { scope });
}

/** Mean tokens of a sample (generate) and of a benchmark answer so far; before the first, the most they can take. */
export async function meanTokens(
  db: Db,
  run: Run,
  settings: ImproveSettings,
  task: Task,
): Promise<{ sample: Tokens; item: Tokens; evaluatePerSample: Tokens | undefined }> {
  const { made, stages } = await countUnits(db, run.id);
  const byStage = new Map(stages.map((row) => [row.stage, row]));
  const mean = (stage: string, units: number): Tokens | undefined => {
    const row = byStage.get(stage);
    return row && units > 0
      ? { prompt: row.promptTokens / units, completion: row.completionTokens / units }
      : undefined;
  };
  const completion = settings.sampling.maxTokens ?? task.maxTokens;
  const most = (asked: ChatMessage[]): Tokens => ({
    prompt: asked.reduce((sum, message) => sum + message.content.length, 0) / CHARACTERS_PER_TOKEN,
    completion,
  });
  const text = 'x'.repeat(300);
  const item = mean('benchmark', made.items) ?? most((task.askWithExamples ?? task.ask).call(task, text));
  // Where only samples are shown worked examples, an answer to a benchmark tells too little of what they cost.
  const unknown = task.askWithExamples ? most(task.askWithExamples(text)) : item;
  return {
    item,
    sample: mean('generate', made.samples) ?? unknown,
    evaluatePerSample: mean('evaluate', made.samples),
  };
}

/** A critique reads the prompt and the rationale and answers at most as long as it may. */
function critiqueOf(sample: Tokens, request: CriticRequest): Tokens {
  const rubric = request.messages.reduce((sum, message) => sum + message.content.length, 0);
  return {
    prompt: sample.prompt + sample.completion + rubric / CHARACTERS_PER_TOKEN,
    completion: request.maxTokens,
  };
}

/** Tokens of one critique by a role: as measured in this run, else the most it can take. */
export async function critiqueTokens(
  db: Db,
  { run, settings, task }: IterationContext,
  request: CriticRequest,
  role: 'critic' | 'judge',
): Promise<Tokens> {
  const [measured] = await db
    .select({
      prompt: sql<number>`avg(${modelCalls.promptTokens})::float8`,
      completion: sql<number>`avg(${modelCalls.completionTokens})::float8`,
      n: sql<number>`count(*)::int`,
    })
    .from(modelCalls)
    .where(
      sql`${modelCalls.runId} = ${run.id} and ${modelCalls.role} = ${role} and ${modelCalls.error} is null`,
    );
  if (measured && measured.n > 0) return measured;
  return critiqueOf((await meanTokens(db, run, settings, task)).sample, request);
}

const usage = (model: string, tokens: Tokens, units: number): Usage => ({
  model,
  promptTokens: tokens.prompt * units,
  completionTokens: tokens.completion * units,
});

/** An answer to a problem behind as much of memory as may stand there. */
export const behindMemory = (item: Tokens, { memory }: Pick<ImproveSettings, 'memory'>): Tokens => ({
  ...item,
  prompt: item.prompt + memory.tokens,
});

/** Without knowledge of earlier iterations, this share of the prompts is expected to be trusted. */
const TRUSTED_SHARE = 0.5;

/** What the stages from `from` on will spend: tokens by measured means, time by what stages of the run took before. */
async function forecast(db: Db, context: IterationContext, from: StageName): Promise<Spend> {
  const { run, settings, task, iteration, checkpoint, teacher } = context;
  const mean = await meanTokens(db, run, settings, task);
  const pool = await countPrompts(db, iteration.id);
  const learn = pool.learn > 0 ? Math.min(pool.learn, settings.pool.prompts) : settings.pool.prompts;
  const rehearse = pool.learn > 0 ? pool.rehearse : task.rehearsal ? settings.pool.rehearsal : 0;
  const calibrate =
    pool.learn > 0 ? pool.calibrate : calibrates(context) ? calibrationWanted(context.settings) : 0;
  const draws = drawsOf(context, { learn, rehearse, calibrate });
  const wanted = draws.samples + draws.trees * settings.strategy.ladder.samples;
  const ahead: Usage[] = [];
  const still = (stage: StageName) => STAGES.indexOf(stage) >= STAGES.indexOf(from);
  const sampler = (teacher ?? checkpoint).model;

  if (still('generate')) {
    const [row] = await db
      .select({ n: sql<number>`count(*)::int` })
      .from(samples)
      .innerJoin(prompts, eq(prompts.id, samples.promptId))
      .where(
        sql`${prompts.iterationId} = ${iteration.id} and ${samples.round} = 1
          and not exists (select from ladder_nodes n where n.prompt_id = ${prompts.id})`,
      );
    ahead.push(usage(sampler, mean.sample, Math.max(0, draws.samples - row!.n)));
    if (draws.trees > 0)
      ahead.push(usage(sampler, await treesAhead(db, context, mean.sample, draws.trees), 1));
    if (settings.memory.mode === 'on') {
      // Without the batch a problem is asked once, with it for each test.
      const asked = testsMemory(context) ? settings.memory.problems * (settings.memory.tests + 1) : 0;
      ahead.push(usage(sampler, behindMemory(mean.item, settings), asked));
    }
    const paraphrased = settings.sampling.paraphrases * (task.rewrites ? 0 : 1);
    // About as long as what was asked, and most of what a sample reads is that.
    const each = { prompt: mean.sample.prompt, completion: mean.sample.prompt * paraphrased };
    if (paraphrased > 0 && row!.n === 0) ahead.push(usage(sampler, each, learn + rehearse + calibrate));
  }
  if (still('evaluate')) {
    if (debatable(context, { purpose: 'learn' }))
      ahead.push(usage(sampler, debatesAhead(settings, mean.sample, learn + calibrate), 1));
    if (mean.evaluatePerSample) ahead.push(usage(sampler, mean.evaluatePerSample, wanted));
    else {
      const { resamples, resampledRewrites } = settings.sampling;
      const again = learn * TRUSTED_SHARE * resampledRewrites * resamples;
      ahead.push(usage(sampler, mean.sample, again));
      const perSample = learn * TRUSTED_SHARE * 2 * settings.select.perPrompt;
      for (const { critic, role, endpoint } of askedOf(context)) {
        const real = role === 'critic' && votesAreApproved(context) ? wanted : perSample;
        const critiqued = real + probesPlanned(settings);
        const each = critiqueOf(mean.sample, critic.request('', ''));
        ahead.push(usage(endpoint().model, each, critiqued));
      }
    }
  }
  const training: Training[] = [];
  if (still('adapt')) training.push(await trainingAhead(db, context));
  const items = await itemsOf(db, run.id, ['target', 'guard']);
  if (still('benchmark')) ahead.push(usage(checkpoint.model, mean.item, items));
  const spend = spendOf(settings.prices, ahead, training);
  const minutes = minutesAhead(await paceOf(db, run.id), from, { samples: wanted, items });
  return { ...spend, minutes: minutes + spend.trainingSeconds / 60 };
}

/** Training time by the seconds per example and epoch of this run's earlier jobs; 0 before the first. */
async function trainingAhead(
  db: Db,
  { run, settings, iteration, stage }: IterationContext,
): Promise<Training> {
  const { rows } = await db.execute<{ seconds: number; tokens: number; passes: number; last: number }>(sql`
    select coalesce(sum(j.seconds), 0)::float8 as seconds, coalesce(sum(j.trained_tokens), 0)::float8 as tokens,
      coalesce(sum(d.examples * coalesce((j.parameters->>'epochs')::float8, ${USUAL_TRAINING.epochs})), 0)::float8 as passes,
      coalesce(max(d.examples), 0)::float8 as last
    from training_jobs j join datasets d on d.id = j.dataset_id join iterations i on i.id = d.iteration_id
    where i.run_id = ${run.id} and j.status = 'succeeded'`);
  const { seconds, tokens, passes, last } = rows[0]!;
  const [{ fresh } = { fresh: 0 }] = await db
    .select({ fresh: sql<number>`count(*)::int` })
    .from(examples)
    .where(eq(examples.iterationId, iteration.id));
  const { replay, epochs = USUAL_TRAINING.epochs } = settings.training;
  const along = replay + settings.curriculum.rehearsal * (stage?.finished.length ?? 0);
  const expected = (fresh > 0 ? fresh + along : last) * epochs;
  const share = passes > 0 ? expected / passes : 0;
  return { model: '*', seconds: seconds * share, tokens: tokens * share };
}

async function itemsOf(db: Db, runId: string, roles: string[]): Promise<number> {
  let items = 0;
  for (const { name, role } of await listBenchmarks(db, runId)) {
    if (roles.includes(role)) items += await countItems(db, runId, name);
  }
  return items;
}

/** What reading `final` will cost, for base, best and a teacher: no iteration may spend it. */
async function finalReserve(db: Db, run: Run, settings: ImproveSettings, task: Task): Promise<Spend> {
  const { base, best } = await baseAndBest(db, run.id);
  const mean = await meanTokens(db, run, settings, task);
  const items = await itemsOf(db, run.id, ['final']);
  const { teacher } = settings.models;
  const readers = [best.model, base.model, ...(teacher ? [teacher.model] : [])];
  const spend = spendOf(
    settings.prices,
    readers.map((model) => usage(model, mean.item, items)),
  );
  const { benchmark = 0 } = settings.budget.run.minutes === undefined ? {} : await paceOf(db, run.id);
  return { ...spend, minutes: (readers.length * items * benchmark) / 60 };
}

/** @throws BudgetExceeded when what is left of the iteration, from this stage on, does not fit into the budget */
export async function checkStage(db: Db, context: IterationContext, name: StageName): Promise<void> {
  const { run, settings, task, iteration } = context;
  if (!isLimited(settings.budget)) return;
  const spent = await spentBy(db, { run, settings, iterationId: iteration.id });
  const ahead = await forecast(db, context, name);
  const reserve = await finalReserve(db, run, settings, task);
  const trains = STAGES.indexOf(name) <= STAGES.indexOf('adapt');
  const whole = { run: addSpend(ahead, reserve), iteration: ahead, stage: ahead };
  refuseOver(name, overBudget(settings.budget, spent, whole, trains));
}

/**
 * Does the work of a page with the tokens held that it may need.
 *
 * @param page `key` is unique in the run; `units` calls or samples are ahead, of about `each` tokens; `reserve`: outside
 *   an iteration too, what `final` will cost is kept back
 * @throws BudgetExceeded before the first call, when the budget has no room for them
 */
export async function withinBudget<T>(
  db: Db,
  scope: SpentIn & { task: Task },
  page: { key: string; model: string; units: number; each: Tokens; final?: boolean; reserve?: boolean },
  work: () => Promise<T>,
): Promise<T> {
  const { run, settings, task, iterationId } = scope;
  if (!isLimited(settings.budget) || page.units === 0) return work();
  const ahead = spendOf(settings.prices, [usage(page.model, page.each, page.units)]);
  // The run's own measurement at the start comes before there is a checkpoint to reserve for.
  const beforeBase = iterationId === undefined && !page.reserve;
  const reserve = page.final || beforeBase ? NOTHING : await finalReserve(db, run, settings, task);
  await db.transaction(async (tx) => {
    // Pages side by side ask one after the other.
    await tx.execute(sql`select pg_advisory_xact_lock(hashtext(${`budget/${run.id}`}))`);
    const spent = await spentBy(tx, scope, page.key);
    // What the run measures for itself belongs to no stage of its curriculum.
    const stage = iterationId === undefined ? NOTHING : ahead;
    const whole = { run: addSpend(ahead, reserve), iteration: ahead, stage };
    refuseOver(page.key, overBudget(settings.budget, spent, whole, false));
    const { tokens, cost } = ahead;
    await hold(tx, { runId: run.id, key: page.key, iterationId, tokens, cost });
  });
  try {
    return await work();
  } finally {
    await release(db, run.id, page.key);
  }
}

/** Seconds that a fine-tuning job may still take; undefined without a limit. */
export async function trainingSecondsLeft(db: Db, context: IterationContext): Promise<number | undefined> {
  const { run, settings, iteration } = context;
  const { budget } = settings;
  if (!isLimited(budget)) return undefined;
  const spent = await spentBy(db, { run, settings, iterationId: iteration.id });
  const left = SCOPES.flatMap((scope) => {
    const limit = budget[scope].trainingSeconds;
    const minutes = budget[scope].minutes;
    return [
      ...(limit === undefined ? [] : [limit - spent[scope].trainingSeconds]),
      ...(minutes === undefined ? [] : [60 * (minutes - spent[scope].minutes)]),
    ];
  });
  return left.length > 0 ? Math.min(...left) : undefined;
}
