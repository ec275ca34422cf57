/** Critics of a debate: each points to the first bad line of an agent's work. Equal work is one question. */
import type { Db } from '../../db/connect.ts';
import { addPoints, pointsOf, storedPoints, type NewPoint, type Turn } from '../../db/queries/debates.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import { structuredCritic } from '../../tasks/critic.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { critiqueTokens, withinBudget } from '../budget.ts';
import { critiqueKey } from '../cache.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type MadeCall } from '../calls.ts';
import type { IterationContext } from '../context.ts';
import { criticsOf, type Asked } from '../critic.ts';
import { rationaleOf } from '../reading.ts';
import { REFUSAL, refusalReason } from '../refusals.ts';

/** Longest reply that is stored. */
const REPLY_CHARACTERS = 8000;

/** A critic that points to lines: of several, agents have them in turn. */
export type Pointing = Omit<Asked, 'critic'> & {
  critic: ReturnType<NonNullable<Asked['critic']['pointing']>>;
  /** It was measured to tell good work from bad at this level. */
  isAble(level: number | null): boolean;
};

/** Those that the gates ask. None where they do without. */
export function pointingCritics(context: IterationContext): Pointing[] {
  const { settings } = context;
  if (settings.experiment === 'ungated' || settings.gates.critique.mode === 'off') return [];
  return criticsOf(context).map(({ critic, ...asked }) => ({
    ...asked,
    critic: (critic.pointing ?? structuredCritic.pointing!)(),
    isAble: (level) => critic.betterThanChance?.(level ?? undefined).ok ?? true,
  }));
}

/** Those that were measured to tell good work from bad at this level, or were not measured. */
export const ableAt = (critics: readonly Pointing[], level: number | null): Pointing[] =>
  critics.filter((critic) => critic.isAble(level));

/** A turn whose work a critic is to see. */
export type Shown = { turn: Turn; prompt: StoredPrompt };

type Question = { key: string; turns: Turn[]; unfit: string | undefined };
type Answered = MadeCall & { question: Question; row: Omit<NewPoint, 'turnId' | 'callId'> };

/** Puts work to the critics, each agent's to its own. @throws ModelUnavailable */
export async function askToPoint(
  db: Db,
  context: IterationContext,
  critics: readonly Pointing[],
  shown: readonly Shown[],
  page: string,
): Promise<void> {
  const byCritic = Map.groupBy(shown, ({ turn, prompt }) => {
    const able = ableAt(critics, prompt.level);
    return able[turn.agent % able.length]!;
  });
  for (const [critic, own] of byCritic) await askOne(db, context, critic, own, `${page}/${critic.name}`);
}

async function askOne(
  db: Db,
  context: IterationContext,
  { name, critic, role, endpoint }: Pointing,
  shown: readonly Shown[],
  page: string,
): Promise<void> {
  const { run, iteration, settings } = context;
  const at = endpoint();
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'debate', role };
  const what = `asking the ${role} ${at.model} in debates`;
  const requestOf = ({ request, rationale }: Turn) => critic.request(request, visibleOf(rationale));
  const questions = [
    ...Map.groupBy(shown, ({ turn }) => critiqueKey(at, `${name}, pointing`, requestOf(turn))),
  ].map(([key, own]): Question => {
    const { request, rationale } = own[0]!.turn;
    return {
      key,
      turns: own.map(({ turn }) => turn),
      unfit: critic.cannotJudge?.(request, visibleOf(rationale)),
    };
  });
  const known = settings.sampling.cache
    ? await storedPoints(
        db,
        questions.map(({ key }) => key),
      )
    : new Map<string, never>();
  await addPoints(
    db,
    questions.flatMap(({ key, turns }) => {
      const earlier = known.get(key);
      return earlier ? turns.map(({ id }) => ({ ...earlier, turnId: id, critic: name, cached: true })) : [];
    }),
  );
  const unscored = (question: Question, reason: string): Answered => ({
    ...unanswered(at, whose, reason),
    question,
    row: { critic: name, outcome: 'unscored', reason, reply: '' },
  });
  const store = storeWithCalls(db, async (tx, made: Answered[], callIds) => {
    await addPoints(
      tx,
      made.flatMap(({ question, row }, i) =>
        question.turns.map(({ id }) => ({ ...row, turnId: id, callId: callIds[i]! })),
      ),
    );
  });
  const open = questions.filter(({ key }) => !known.has(key));
  const unfit = open.filter((question) => question.unfit !== undefined);
  if (unfit.length > 0) await store(unfit.map((question) => unscored(question, question.unfit!)));
  const left = open.filter((question) => question.unfit === undefined);
  const each = await critiqueTokens(db, context, critic.request('', ''), 'critic');
  await withinBudget(
    db,
    { ...context, iterationId: iteration.id },
    { key: `debate/${page}`, model: at.model, units: left.length, each },
    () =>
      callAll(left, {
        endpoint: at,
        concurrency: settings.paging.callsInFlight,
        what,
        call: async (question, signal): Promise<Answered> => {
          const [turn] = question.turns;
          const made = await ledgerChat(db, at, requestOf(turn!), whose, signal);
          const [choice] = made.reply.choices;
          // A critic that refuses has nothing to say, which stops no debate.
          if (choice?.refused !== undefined) {
            const row = {
              critic: name,
              outcome: 'unscored',
              reason: `${REFUSAL}: ${choice.refused}`,
              reply: '',
            };
            return { ...made, question, row };
          }
          const text = rationaleOf(choice);
          const { raw } = made.reply;
          const said = critic.read({ text, raw, work: visibleOf(turn!.rationale) });
          const reply = text.slice(0, REPLY_CHARACTERS);
          return { ...made, question, row: { critic: name, ...said, reply, cacheKey: question.key } };
        },
        onFailure: (question, error): Answered => {
          const reason = refusalReason(error);
          if (reason === undefined) throw error;
          return unscored(question, reason);
        },
        store,
      }),
  );
}

/** What critics said in these debates. */
export const saidOf = (db: Db, turns: readonly Turn[]) =>
  pointsOf(
    db,
    turns.map(({ id }) => id),
  );
