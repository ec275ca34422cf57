import { and, eq, inArray } from 'drizzle-orm';
import { addCalls } from '../db/calls.ts';
import { promptPage, samplesOf, type Sample, type StoredPrompt } from '../db/prompts.ts';
import { timesSetAside } from '../db/probes.ts';
import { critiques, PLANTED_ROUND } from '../db/schema.ts';
import { visibleOf } from '../tasks/thinking-text.ts';
import { shuffled } from '../tasks/random.ts';
import type { CriticRequest, Critique } from '../tasks/task.ts';
import { critiqueTokens, withinBudget } from './budget.ts';
import { critiqueKey, storedCritiques } from './cache.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from './calls.ts';
import { iterationContext, type Deps, type IterationContext } from './context.ts';
import { askedOf, criticIsUnasked, votesAreApproved, type Asked } from './critic.ts';
import type { Page } from './generate.ts';
import { plantedOnPage } from './plant.ts';
import { inUse, samplesFor } from './pool.ts';
import { CUT_OFF, cutOffReason } from './reading.ts';
import { allowanceOf, REFUSAL, refusalReason } from './refusals.ts';
import { trustedPrompts } from './resample.ts';
import { isWellFormed } from './sampling.ts';

export type CritiquePage = Page & { when: 'before-vote' | 'after-vote' };

/** Samples put to the critics: all, those they were asked about now, and those that an equal request answered. */
export type Critiqued = { wanted: number; asked: number; cached: number };

/** Longest reply of a critic that is stored. */
const REPLY_CHARACTERS = 8000;

/**
 * The samples worth the critic's time: they gave the trusted answer in good form. More than can be
 * selected, so that those which the critic rejects can be replaced, but not all: critics cost.
 */
function candidates(context: IterationContext, answer: string, samples: Sample[]): Sample[] {
  const { settings, task } = context;
  const most = { 1: 2 * settings.select.perPrompt, 2: 2 * settings.select.hardPerRewrite };
  const taken = new Map<string, number>();
  return samples.filter((s) => {
    if (!isWellFormed(s) || s.answer === null || !task.sameAnswer(s.answer, answer)) return false;
    const quota = s.round === 1 ? 'first' : s.rewrite;
    const count = taken.get(quota) ?? 0;
    if (count >= most[s.round as 1 | 2]) return false;
    taken.set(quota, count + 1);
    return true;
  });
}

/**
 * The well-formed samples whose vote can matter: where fewer gave an answer than could win, or than could
 * cost a winner its lead, the critic's word on them changes nothing, so it is not asked.
 */
function voters(context: IterationContext, prompt: StoredPrompt, samples: Sample[]): Sample[] {
  const { min, minMargin } = context.settings.gates.agreement;
  const k = samplesFor(context, prompt);
  const harmless = Math.min(Math.ceil(min * k) - 1, Math.floor(Math.ceil(min * k) - minMargin * k));
  const sound = samples.filter((s) => s.index < k && s.answer !== null && isWellFormed(s));
  return sound.filter(
    (s) => sound.filter((other) => context.task.sameAnswer(s.answer!, other.answer!)).length > harmless,
  );
}

/** One request to the critic and the samples whose work it judges. */
type Question = {
  key: string;
  request: CriticRequest;
  samples: Sample[];
  /** Why the critic can't judge it. */
  unfit: string | undefined;
};

const isPlanted = ({ samples }: Question): boolean => samples.some((s) => s.round === PLANTED_ROUND);

/** Equal work is one question: the critic is paid for it once. */
function merged(questions: Question[]): Question[] {
  return [...Map.groupBy(questions, (q) => q.key).values()].map((equal) => ({
    ...equal[0]!,
    samples: equal.flatMap((q) => q.samples),
  }));
}

export function createCritiqueActivities({ db }: Deps) {
  /** The samples to put to the critics, planted ones among the others in an order that says nothing. */
  async function wantedOf(context: IterationContext, page: CritiquePage): Promise<Sample[]> {
    const real = await realOf(context, page);
    const planted = await plantedOnPage(db, context, page);
    return planted.length === 0 ? real : shuffled([...real, ...planted], 'critique', ({ id }) => String(id));
  }

  /** Before the vote all that are well-formed, after it the candidates. */
  async function realOf(
    context: IterationContext,
    { iterationId, first, count, when }: CritiquePage,
  ): Promise<Sample[]> {
    if (when === 'before-vote') {
      if (!votesAreApproved(context)) return [];
      const page = inUse(context, await promptPage(db, iterationId, first, count));
      const samples = await samplesOf(
        db,
        page.map((prompt) => prompt.id),
        1,
      );
      const byPrompt = Map.groupBy(samples, (s) => s.promptId);
      return page.flatMap((prompt) => voters(context, prompt, byPrompt.get(prompt.id) ?? []));
    }
    const page = (await trustedPrompts(db, context)).slice(first, first + count);
    const byPrompt = Map.groupBy(
      await samplesOf(
        db,
        page.map(({ prompt }) => prompt.id),
      ),
      (s) => s.promptId,
    );
    return page.flatMap(({ prompt, vote }) =>
      candidates(context, vote.answer, byPrompt.get(prompt.id) ?? []),
    );
  }

  async function storedFor(
    wanted: Sample[],
    critic: string,
  ): Promise<{ sampleId: number; reason: string }[]> {
    if (wanted.length === 0) return [];
    const ids = wanted.map((s) => s.id);
    return db
      .select({ sampleId: critiques.sampleId, reason: critiques.reason })
      .from(critiques)
      .where(and(inArray(critiques.sampleId, ids), eq(critiques.critic, critic)));
  }

  /** Stores what equal requests were answered before, and returns the questions that are still open. */
  async function fromCache(name: string, iterationId: number, questions: Question[]): Promise<Question[]> {
    const known = await storedCritiques(
      db,
      questions.map((q) => q.key),
      iterationId,
    );
    const rows = questions.flatMap(({ key, samples }) => {
      const earlier = known.get(key);
      if (!earlier) return [];
      const { outcome, score, reason, reply, callId } = earlier;
      const taken = {
        critic: name,
        outcome,
        score,
        reason,
        reply,
        callId,
        cacheKey: key,
        cached: true,
      };
      return samples.map((sample) => ({ sampleId: sample.id, ...taken }));
    });
    for (let i = 0; i < rows.length; i += 1000) {
      await db
        .insert(critiques)
        .values(rows.slice(i, i + 1000))
        .onConflictDoNothing();
    }
    return questions.filter(({ key }) => !known.has(key));
  }

  /** Puts the wanted samples to one critic, or to the reward model. */
  async function ask(
    context: IterationContext,
    request: CritiquePage,
    wanted: Sample[],
    { name, critic, role, endpoint: endpointOf }: Asked,
  ): Promise<Critiqued> {
    const { run, settings, task } = context;
    const { iterationId } = request;
    const endpoint = endpointOf();
    const stored = await storedFor(wanted, name);
    const have = new Set(stored.map((row) => row.sampleId));
    const todo = wanted
      .filter((sample) => !have.has(sample.id))
      .map((sample): Question => {
        // Thinking holds false starts that are taken back, and is often longer than what a critic is shown.
        const work = visibleOf(sample.rationale);
        const wire = critic.request(sample.request, work);
        const unfit = critic.cannotJudge?.(sample.request, work);
        return { samples: [sample], request: wire, key: critiqueKey(endpoint, critic.name, wire), unfit };
      });
    // A critic that failed the audit is asked anew, and what is planted tests the critic of now.
    const cacheable = settings.sampling.cache && (await timesSetAside(db, iterationId)) === 0;
    const [planted, real] = [todo.filter(isPlanted), todo.filter((question) => !isPlanted(question))];
    const left = cacheable ? await fromCache(name, iterationId, merged(real)) : real;
    const known =
      planted.length === 0
        ? left
        : shuffled([...left, ...planted], 'critique', ({ samples: [sample] }) => String(sample!.id));

    const what =
      role === 'critic' ? `asking the critic ${endpoint.model}` : `asking the judge ${endpoint.model}`;
    const whose = { runId: run.id, iterationId, stage: 'evaluate', role };
    const allowance = allowanceOf(what, {
      // One that nobody asked for may refuse all of it: then it has no say.
      share: role === 'critic' && criticIsUnasked(context) ? 1 : settings.paging.failureAllowance,
      total: wanted.length,
      before: stored.filter((row) => row.reason.startsWith(REFUSAL)).length,
    });
    type Judged = MadeCall & { question: Question; critique: Critique; keep: boolean };
    const store = (judged: Judged[]) =>
      db.transaction(async (tx) => {
        const ids = await addCalls(
          tx,
          judged.map((j) => j.call),
        );
        const rows = judged.flatMap(({ question, critique, reply, keep }, i) =>
          question.samples.map((sample, place) => ({
            sampleId: sample.id,
            critic: name,
            outcome: critique.outcome,
            score: critique.score,
            reason: critique.reason.replaceAll('\0', '\uFFFD'),
            reply: (reply.choices[0]?.text ?? '').slice(0, REPLY_CHARACTERS).replaceAll('\0', '\uFFFD'),
            callId: ids[i]!,
            cacheKey: keep && sample.round !== PLANTED_ROUND ? question.key : null,
            cached: place > 0,
          })),
        );
        await tx.insert(critiques).values(rows).onConflictDoNothing();
      });
    const unanswerable = (question: Question, reason: string): Judged => {
      const critique: Critique = { outcome: 'unscored', reason };
      return { ...unanswered(endpoint, whose, reason), question, critique, keep: false };
    };
    // What can't be shown as a whole is not paid for: no verdict on a part of it would count.
    const unfit = known.filter((question) => question.unfit !== undefined);
    const open = known.filter((question) => question.unfit === undefined);
    if (unfit.length > 0) await store(unfit.map((question) => unanswerable(question, question.unfit!)));

    const calls = () =>
      callAll(open, {
        endpoint,
        concurrency: settings.paging.callsInFlight,
        what,
        call: async (question, signal): Promise<Judged> => {
          const made = await ledgerChat(db, endpoint, question.request, whose, signal);
          const [choice] = made.reply.choices;
          if (choice?.refused !== undefined) {
            allowance.take(choice.refused);
            const reason = `${REFUSAL}: ${choice.refused}`;
            return { ...made, question, critique: { outcome: 'unscored', reason }, keep: false };
          }
          const work = question.samples[0]!.rationale;
          const critique = critic.read({ text: choice?.text ?? '', raw: made.reply.raw, work });
          if (critique.outcome === 'unscored' && choice?.finishReason === CUT_OFF) {
            critique.reason = `${cutOffReason(choice.completionTokens)}, which models.${role}.extra.max_tokens can raise: ${critique.reason}`;
          }
          return { ...made, question, critique, keep: true };
        },
        onFailure: (question, error): Judged => {
          const reason = refusalReason(error);
          if (reason === undefined) throw error;
          allowance.take(error);
          return unanswerable(question, reason);
        },
        store,
      });
    const page = {
      key: `critique ${request.when}/${name}/${context.iteration.index}/${request.first}`,
      model: endpoint.model,
      units: open.length,
      each: await critiqueTokens(db, context, critic.request('', ''), role),
    };
    await withinBudget(db, { run, settings, task, iterationId }, page, calls);
    return { wanted: wanted.length, asked: open.length, cached: real.length - left.length };
  }

  return {
    /**
     * Evaluate: the critics' judgement of a page of prompts (before the vote) or of trusted prompts (after it), and
     * then the reward model's, where that gate is on.
     */
    async critiquePage(request: CritiquePage): Promise<Critiqued> {
      const context = await iterationContext(db, request.iterationId);
      const total: Critiqued = { wanted: 0, asked: 0, cached: 0 };
      const asked = askedOf(context).filter(({ role }) => role === 'critic' || request.when === 'after-vote');
      if (asked.length === 0) return total;
      const wanted = await wantedOf(context, request);
      for (const one of asked) {
        const { asked: now, cached } = await ask(context, request, wanted, one);
        total.asked += now;
        total.cached += cached;
      }
      return { ...total, wanted: wanted.length };
    },
  };
}

export type CritiqueActivities = ReturnType<typeof createCritiqueActivities>;
