import { inArray } from 'drizzle-orm';
import { addCalls } from '../db/calls.ts';
import { promptPage, samplesOf, type Sample, type StoredPrompt } from '../db/prompts.ts';
import { critiques } from '../db/schema.ts';
import type { Critique } from '../tasks/task.ts';
import { critiqueTokens, withinBudget } from './budget.ts';
import { callAll, ledgerChat, type MadeCall } from './calls.ts';
import { endpointOf, iterationContext, type Deps, type IterationContext } from './context.ts';
import { criticOf, votesAreApproved } from './critic.ts';
import type { Page } from './generate.ts';
import { inUse, samplesFor } from './pool.ts';
import { trustedPrompts } from './resample.ts';
import { isWellFormed } from './sampling.ts';

export type CritiquePage = Page & { when: 'before-vote' | 'after-vote' };

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

export function createCritiqueActivities({ db }: Deps) {
  /** The samples to put to the critic: before the vote all that are well-formed, after it the candidates. */
  async function wantedOf(
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
    const page = (await trustedPrompts(db, iterationId)).slice(first, first + count);
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

  return {
    /** Evaluate: the critic's judgement of a page of prompts (before the vote) or of trusted prompts (after it). */
    async critiquePage(request: CritiquePage): Promise<{ wanted: number; asked: number }> {
      const { iterationId } = request;
      const context = await iterationContext(db, iterationId);
      const { run, settings, task } = context;
      if (settings.gates.critique.mode === 'off' || settings.experiment === 'ungated')
        return { wanted: 0, asked: 0 };
      const critic = criticOf(task);
      const endpoint = endpointOf('critic', settings, task);
      const wanted = await wantedOf(context, request);
      const stored = wanted.length
        ? await db
            .select({ id: critiques.sampleId })
            .from(critiques)
            .where(
              inArray(
                critiques.sampleId,
                wanted.map((s) => s.id),
              ),
            )
        : [];
      const have = new Set(stored.map((row) => row.id));
      const todo = wanted.filter((s) => !have.has(s.id));

      type Judged = MadeCall & { sample: Sample; critique: Critique };
      const calls = () =>
        callAll(todo, {
          concurrency: settings.paging.callsInFlight,
          what: `asking the critic ${endpoint.model}`,
          call: async (sample, signal): Promise<Judged> => {
            const request = critic.request(sample.request, sample.rationale);
            const context = { runId: run.id, iterationId, stage: 'evaluate', role: 'critic' as const };
            const made = await ledgerChat(db, endpoint, request, context, signal);
            const text = made.reply.choices[0]?.text ?? '';
            return { ...made, sample, critique: critic.read({ text, raw: made.reply.raw }) };
          },
          store: (judged: Judged[]) =>
            db.transaction(async (tx) => {
              const ids = await addCalls(
                tx,
                judged.map((j) => j.call),
              );
              const rows = judged.map(({ sample, critique, reply }, i) => ({
                sampleId: sample.id,
                critic: critic.name,
                outcome: critique.outcome,
                score: critique.score,
                reason: critique.reason,
                reply: (reply.choices[0]?.text ?? '').slice(0, REPLY_CHARACTERS).replaceAll('\0', '\uFFFD'),
                callId: ids[i]!,
              }));
              await tx.insert(critiques).values(rows).onConflictDoNothing();
            }),
        });
      const page = {
        key: `critique ${request.when}/${context.iteration.index}/${request.first}`,
        model: endpoint.model,
        units: todo.length,
        each: await critiqueTokens(db, context, critic.request('', '')),
      };
      await withinBudget(db, { run, settings, task, iterationId }, page, calls);
      return { wanted: wanted.length, asked: todo.length };
    },
  };
}

export type CritiqueActivities = ReturnType<typeof createCritiqueActivities>;
