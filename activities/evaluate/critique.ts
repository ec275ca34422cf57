import { and, eq, inArray } from 'drizzle-orm';
import { insertNew } from '../../db/insert-new.ts';
import type { Db } from '../../db/connect.ts';
import { timesSetAside } from '../../db/queries/probes.ts';
import type { Sample } from '../../db/queries/prompts.ts';
import { critiques } from '../../db/schema.ts';
import { critiqueTokens, withinBudget } from '../../engine/budget.ts';
import { critiqueKey, storedCritiques } from '../../engine/cache.ts';
import {
  callAll,
  ledgerChat,
  storeWithCalls,
  unanswered,
  type CallContext,
  type MadeCall,
} from '../../engine/calls.ts';
import { iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import { askedOf, criticIsUnasked, type Asked } from '../../engine/critic.ts';
import { CUT_OFF, cutOffReason } from '../../engine/reading.ts';
import { allowanceOf, REFUSAL, refusalReason } from '../../engine/refusals.ts';
import type { Endpoint } from '../../models/endpoint.ts';
import { shuffled } from '../../tasks/random.ts';
import type { CriticRequest, Critique } from '../../tasks/task.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { samplesToCriticise, type CritiquePage } from './critic-samples.ts';

/** Samples put to the critics: all, those they were asked about now, and those that an equal request answered. */
export type Critiqued = { wanted: number; asked: number; cached: number };

/** Longest reply of a critic that is stored. */
const REPLY_CHARACTERS = 8000;

/** One request to the critic and the samples whose work it judges. */
type Question = {
  key: string;
  request: CriticRequest;
  samples: Sample[];
  /** Why the critic can't judge it. */
  unfit: string | undefined;
};

type Judged = MadeCall & { question: Question; critique: Critique; keep: boolean };

/** One critic at work on a page. */
type Judging = Asked & {
  db: Db;
  context: IterationContext;
  at: Endpoint;
  whose: CallContext;
};

/**
 * Evaluate: the critics' judgement of a page of prompts (before the vote) or of trusted prompts (after it), and
 * then the reward model's, where that gate is on.
 *
 * Reads: samples, votes, critiques of equal requests. Writes: critiques, and the calls that made them.
 * Safe to repeat: a sample has one critique of a critic, and only what has none is asked about.
 */
export async function critiquePage({ db }: Deps, page: CritiquePage): Promise<Critiqued> {
  const context = await iterationContext(db, page.iterationId);
  const total: Critiqued = { wanted: 0, asked: 0, cached: 0 };
  const critics = askedOf(context).filter(({ role }) => role === 'critic' || page.when === 'after-vote');
  if (critics.length === 0) return total;
  const samples = await samplesToCriticise(db, context, page);
  for (const critic of critics) {
    const { asked, cached } = await askCritic(db, context, page, samples, critic);
    total.asked += asked;
    total.cached += cached;
  }
  return { ...total, wanted: samples.length };
}

/** Puts samples to one critic, or to the reward model. */
async function askCritic(
  db: Db,
  context: IterationContext,
  { iterationId, first, when }: CritiquePage,
  samples: Sample[],
  asked: Asked,
): Promise<Pick<Critiqued, 'asked' | 'cached'>> {
  const { run, settings, iteration } = context;
  const { name, critic, role } = asked;
  const at = asked.endpoint();
  const judging = {
    ...asked,
    db,
    context,
    at,
    whose: { runId: run.id, iterationId, stage: 'evaluate', role },
  };
  const stored = await storedFor(judging, samples);
  const judgedIds = new Set(stored.map((row) => row.sampleId));
  const { questions, cached } = await openQuestions(
    judging,
    samples.filter(({ id }) => !judgedIds.has(id)),
  );
  // What can't be shown as a whole is not paid for: no verdict on a part of it would count.
  const unfit = questions.filter((question) => question.unfit !== undefined);
  const open = questions.filter((question) => question.unfit === undefined);
  if (unfit.length > 0)
    await storeJudged(judging)(unfit.map((question) => unjudged(judging, question, question.unfit!)));

  const what = `asking the ${role} ${at.model}`;
  const allowance = allowanceOf(what, {
    // One that nobody asked for may refuse all of it: then it has no say.
    share: role === 'critic' && criticIsUnasked(context) ? 1 : settings.paging.failureAllowance,
    total: samples.length,
    before: stored.filter((row) => row.reason.startsWith(REFUSAL)).length,
  });
  const calls = () =>
    callAll(open, {
      endpoint: at,
      concurrency: settings.paging.callsInFlight,
      what,
      call: async (question, signal): Promise<Judged> => {
        const made = await ledgerChat(db, at, question.request, judging.whose, signal);
        const refused = made.reply.choices[0]?.refused;
        if (refused === undefined)
          return { ...made, question, critique: read(judging, question, made), keep: true };
        allowance.take(refused);
        const critique: Critique = { outcome: 'unscored', reason: `${REFUSAL}: ${refused}` };
        return { ...made, question, critique, keep: false };
      },
      onFailure: (question, error): Judged => {
        const reason = refusalReason(error);
        if (reason === undefined) throw error;
        allowance.take(error);
        return unjudged(judging, question, reason);
      },
      store: storeJudged(judging),
    });
  const page = {
    key: `critique ${when}/${name}/${iteration.index}/${first}`,
    model: at.model,
    units: open.length,
    each: await critiqueTokens(db, context, critic.request('', ''), role),
  };
  await withinBudget(db, { ...context, iterationId }, page, calls);
  return { asked: open.length, cached };
}

/** The critic's critiques of samples that are stored already. */
async function storedFor({ db, name }: Judging, samples: Sample[]) {
  if (samples.length === 0) return [];
  const ids = samples.map((s) => s.id);
  return db
    .select({ sampleId: critiques.sampleId, reason: critiques.reason })
    .from(critiques)
    .where(and(inArray(critiques.sampleId, ids), eq(critiques.critic, name)));
}

/** What the critic must be asked about samples, and how many questions equal requests have answered. */
async function openQuestions(
  judging: Judging,
  samples: Sample[],
): Promise<{ questions: Question[]; cached: number }> {
  const { db, context, critic, at } = judging;
  const questions = samples.map((sample): Question => {
    // Thinking holds false starts that are taken back, and is often longer than what a critic is shown.
    const work = visibleOf(sample.rationale);
    const request = critic.request(sample.request, work);
    const unfit = critic.cannotJudge?.(sample.request, work);
    return { samples: [sample], request, key: critiqueKey(at, critic.name, request), unfit };
  });
  const isPlanted = (question: Question) => question.samples.some((s) => s.origin === 'planted');
  const planted = questions.filter(isPlanted);
  const real = questions.filter((question) => !isPlanted(question));
  // A critic that failed the audit is asked anew, and what is planted tests the critic of now.
  const cacheable = context.settings.sampling.cache && (await timesSetAside(db, context.iteration.id)) === 0;
  const left = cacheable ? await answerFromCache(judging, merged(real)) : real;
  const cached = real.length - left.length;
  if (planted.length === 0) return { questions: left, cached };
  const mixed = shuffled([...left, ...planted], 'critique', (question) => String(question.samples[0]!.id));
  return { questions: mixed, cached };
}

/** Equal work is one question: the critic is paid for it once. */
function merged(questions: Question[]): Question[] {
  return [...Map.groupBy(questions, (q) => q.key).values()].map((equal) => ({
    ...equal[0]!,
    samples: equal.flatMap((q) => q.samples),
  }));
}

/** Stores what equal requests were answered before, and returns the questions that are still open. */
async function answerFromCache({ db, name, context }: Judging, questions: Question[]): Promise<Question[]> {
  const keys = questions.map((q) => q.key);
  const earlier = await storedCritiques(db, keys, context.iteration.id);
  const rows = questions.flatMap(({ key, samples }) => {
    const critique = earlier.get(key);
    if (!critique) return [];
    const { outcome, score, reason, reply, callId } = critique;
    const taken = { critic: name, outcome, score, reason, reply, callId, cacheKey: key, cached: true };
    return samples.map((sample) => ({ sampleId: sample.id, ...taken }));
  });
  await insertNew(db, critiques, rows);
  return questions.filter(({ key }) => !earlier.has(key));
}

/** What the critic said in its reply. */
function read({ critic, role }: Judging, { samples }: Question, { reply }: MadeCall): Critique {
  const [choice] = reply.choices;
  const work = samples[0]!.rationale;
  const critique = critic.read({ text: choice?.text ?? '', raw: reply.raw, work });
  if (critique.outcome !== 'unscored' || choice?.finishReason !== CUT_OFF) return critique;
  const reason = `${cutOffReason(choice.completionTokens)}, which models.${role}.extra.max_tokens can raise: ${critique.reason}`;
  return { ...critique, reason };
}

/** A question that gets no verdict, with the reason; asked again, an equal one may get one. */
function unjudged({ at, whose }: Judging, question: Question, reason: string): Judged {
  const critique: Critique = { outcome: 'unscored', reason };
  return { ...unanswered(at, whose, reason), question, critique, keep: false };
}

const storeJudged = ({ db, name }: Judging) =>
  storeWithCalls(db, async (tx, judged: Judged[], callIds) => {
    const rows = judged.flatMap(({ question, critique, reply, keep }, i) =>
      question.samples.map((sample, place) => ({
        sampleId: sample.id,
        critic: name,
        outcome: critique.outcome,
        score: critique.score,
        reason: critique.reason,
        reply: (reply.choices[0]?.text ?? '').slice(0, REPLY_CHARACTERS),
        callId: callIds[i]!,
        cacheKey: keep && sample.origin !== 'planted' ? question.key : null,
        cached: place > 0,
      })),
    );
    await tx.insert(critiques).values(rows).onConflictDoNothing();
  });
