/**
 * Checks in the sandbox: what is sent there for a sample or for an answer to a held-out problem, and what is made of its end. The
 * sandbox's workers know no database, so texts go to them by way of a workflow, in pages that are small enough for its history.
 */
import { plantedSamples } from '../db/queries/probes.ts';
import type { Db } from '../db/connect.ts';
import { getCheckpoint } from '../db/queries/runs.ts';
import { getEvaluation } from '../db/queries/evaluations.ts';
import { promptPage, votedPrompts, type Span } from '../db/queries/prompts.ts';
import { addVerifications, gradeItems, resultsOf, ungradedItems } from '../db/queries/sandbox.ts';
import type { CheckJob, CheckSpan } from '../loop/check-job.ts';
import { digestOf } from '../process/digest.ts';
import type { Finding, Refusal } from '../sandbox/finding.ts';
import type { SandboxedCheck, Verdict } from '../sandbox/job.ts';
import { judgesBehaviour, type Prompt, type Task } from '../tasks/task.ts';
import { visibleOf } from '../tasks/thinking-text.ts';
import { iterationContext, readRun, taskOf, type IterationContext } from './context.ts';
import { gatesOf, givesAnswer } from './judged.ts';
import { inUse, samplesByPrompt } from './pool.ts';
import { isWellFormed } from './sampling.ts';
import { storedReason, storedVerifications, unverified, verifiable, type Verifiable } from './verify.ts';

/** Jobs of a page and their bytes, and the most of one: below the two megabytes that Temporal takes in one piece. */
const JOBS = 24;
const PAGE_BYTES = 400_000;
const JOB_BYTES = 1_500_000;

/** Does the task verify in the sandbox, and does anybody want to know? */
export const checksInSandbox = (context: IterationContext): boolean =>
  context.task.sandboxed !== undefined && gatesOf(context).policy.verification !== 'off';

/** Is more asked of the model where the sandbox could not prove its work? */
export const asksForProof = (context: IterationContext): boolean =>
  checksInSandbox(context) &&
  context.task.sandboxed?.proof !== undefined &&
  context.settings.sampling.resamples > 0 &&
  context.settings.experiment !== 'ungated';

/**
 * The next work that the sandbox has to look at, with the check. What it has looked at before, in whatever run, and what the task does
 * not let it run is stored meanwhile. No jobs: all is done.
 */
export async function pendingChecks(
  db: Db,
  span: CheckSpan,
): Promise<{ check: SandboxedCheck; jobs: CheckJob[] }> {
  if ('evaluationId' in span) return pendingGrades(db, span);
  const context = await iterationContext(db, span.iterationId);
  const check = checkOf(context.task);
  const candidates =
    span.when === 'before-vote' ? await drawnIn(db, context, span) : await votedIn(db, context, span);
  const wanted = verifiable(context.task, gatesOf(context).settings, candidates);
  const todo = unverified(wanted, await storedVerifications(db, wanted));
  const written = writtenOn(candidates);
  const { known, jobs } = await settle(
    db,
    { task: context.task, image: span.image },
    todo.map(({ sample, prompt }) => ({
      id: sample.id,
      problem: { ...prompt, level: prompt.level ?? undefined },
      work: { ...sample, answer: sample.answer! },
      others: written.get(prompt.id) ?? [],
    })),
  );
  await addVerifications(
    db,
    known.map(({ id: sampleId, result, resultDigest }) => {
      const { ok, score, reason, finding, behaviour } = result;
      const does = ok && judgesBehaviour(context.task) ? behaviour : undefined;
      return {
        sampleId,
        ok,
        score,
        reason: storedReason(reason),
        finding,
        resultDigest,
        behaviour: does ?? undefined,
      };
    }),
  );
  return { check, jobs };
}

/** What the model itself wrote on each prompt, once each, in an order that is always the same. */
function writtenOn(candidates: readonly Verifiable[]): Map<number, string[]> {
  const own = candidates.filter(({ sample }) => sample.origin === 'model');
  return new Map(
    [...Map.groupBy(own, ({ prompt }) => prompt.id)].map(([id, all]) => [
      id,
      [...new Set(all.map(({ sample }) => visibleOf(sample.rationale)))].toSorted(),
    ]),
  );
}

/** Whatever votes by what it does: all samples with an answer. */
async function drawnIn(db: Db, context: IterationContext, { first, count }: Span): Promise<Verifiable[]> {
  const { iteration } = context;
  const prompts = inUse(context, await promptPage(db, iteration.id, first, count));
  const drawn = await samplesByPrompt(db, prompts);
  return prompts
    .flatMap((prompt) => (drawn.get(prompt.id) ?? []).map((sample) => ({ sample, prompt, agrees: true })))
    .filter(({ sample }) => isWellFormed(sample));
}

/** What could become an example; what is planted comes with the first prompts. */
async function votedIn(db: Db, context: IterationContext, { first, count }: Span): Promise<Verifiable[]> {
  const { iteration } = context;
  const voted = await votedPrompts(db, iteration.id, { first, count });
  const drawn = await samplesByPrompt(
    db,
    voted.map(({ prompt }) => prompt),
  );
  const planted = first === 0 ? await plantedSamples(db, iteration.id) : [];
  return [
    ...planted.map(({ sample, prompt }) => ({ sample, prompt, agrees: sample.answer !== null })),
    ...voted.flatMap(({ prompt, vote }) =>
      (drawn.get(prompt.id) ?? []).map((sample) => {
        return { sample, prompt, agrees: givesAnswer(context, sample, vote.answer) };
      }),
    ),
  ].filter(({ sample }) => isWellFormed(sample));
}

/** Answers to held-out problems of a task whose sandbox grades them. */
async function pendingGrades(db: Db, { evaluationId, image, ...span }: CheckSpan & { evaluationId: number }) {
  const { checkpointId } = await getEvaluation(db, evaluationId);
  const task = taskOf(await readRun(db, (await getCheckpoint(db, checkpointId)).runId));
  const items = await ungradedItems(db, evaluationId, span);
  const { known, jobs } = await settle(
    db,
    { task, image },
    items.map(({ itemId: id, key, text, rationale, answer }) => ({
      id,
      problem: { key, text },
      work: { request: text, rationale, answer: answer! },
      others: [],
    })),
  );
  await gradeItems(
    db,
    evaluationId,
    known.map(({ id: itemId, result, resultDigest }) => ({
      itemId,
      correct: result.ok === true,
      resultDigest,
    })),
  );
  return { check: checkOf(task), jobs };
}

type Work = {
  id: number;
  problem: Prompt;
  work: { request: string; rationale: string; answer: string };
  others: readonly string[];
};
type Known = { id: number; result: SandboxVerdict; resultDigest: string | null };
type SandboxVerdict = Pick<Verdict, 'ok' | 'score' | 'reason'> & {
  finding?: Finding | null;
  behaviour?: string | null;
};

/** What is checked, and what by: results are known by both. */
type Place = { task: Task; image: string | undefined };

/** Work is looked through in parts of so many: to make a job of it may take parsing. */
const PART = 2 * JOBS;

/** Of some work what is known already, or refused by the task, and a page of jobs of the rest. Looks no further than it needs to. */
async function settle(
  db: Db,
  place: Place,
  todo: readonly Work[],
): Promise<{ known: Known[]; jobs: CheckJob[] }> {
  const known: Known[] = [];
  const page = createPage();
  for (let at = 0; at < todo.length && !page.isFull(); at += PART) {
    const made = todo.slice(at, at + PART).map((one) => ({ id: one.id, job: jobOf(place, one) }));
    const digests = made.flatMap(({ job }) => ('refused' in job ? [] : job.digest));
    const found = await resultsOf(db, digests);
    for (const { id, job } of made) {
      if ('refused' in job) {
        const { refused: reason, finding } = job;
        known.push({ id, result: { ok: false, score: null, reason, finding }, resultDigest: null });
        continue;
      }
      const result = found.get(job.digest);
      if (result) known.push({ id, result, resultDigest: job.digest });
      else page.add(job);
    }
  }
  return { known, jobs: page.jobs() };
}

function jobOf({ task, image }: Place, { problem, work, others }: Work): CheckJob | Refusal {
  const given = { ...work, rationale: visibleOf(work.rationale) };
  const { key, text, level } = problem;
  const { request, rationale, answer } = given;
  const job = task.sandboxed?.job?.(problem, given, others) ?? {
    input: { prompt: { key, text, level }, request, rationale, answer },
  };
  if ('refused' in job) return job;
  const input = JSON.stringify(job.input);
  const bytes = Buffer.byteLength(input);
  if (bytes > JOB_BYTES)
    return {
      refused: `too large to be checked: ${bytes} bytes with all that goes with it, ${JOB_BYTES} are allowed`,
      finding: 'out-of-bounds',
    };
  const { archive } = job;
  const digest = digestOf(
    JSON.stringify([checkOf(task), input, archive, ...(image === undefined ? [] : [image])]),
  );
  return { digest, input, ...(archive === undefined ? {} : { archive }) };
}

/** Jobs that travel together, each of a digest once. One that is full takes no more; the first fits in any case. */
function createPage() {
  const jobs = new Map<string, CheckJob>();
  let bytes = 0;
  let full = false;
  return {
    isFull: () => full,
    jobs: () => [...jobs.values()],
    add(job: CheckJob) {
      if (full || jobs.has(job.digest)) return;
      bytes += Buffer.byteLength(job.input);
      full = jobs.size === JOBS || (jobs.size > 0 && bytes > PAGE_BYTES);
      if (!full) jobs.set(job.digest, job);
    },
  };
}

/** What the sandbox needs to know of the task. */
function checkOf({ name, sandboxed }: Task): SandboxedCheck {
  if (!sandboxed) throw new Error(`the task ${name} has no check for the sandbox`);
  const { command, files, limits, runs, reward } = sandboxed;
  // Absent, not undefined: digests of what was checked before stay as they are.
  return { command, files, limits, runs, ...(reward ? { reward } : {}) };
}
