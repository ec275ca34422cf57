/** Whether the critics of a run pass work that is known to be bad. */
import type { Db } from '../../db/connect.ts';
import { addTryCritiques, critiquesOfTries, type JudgedTry, type Tried } from '../../db/queries/self-play.ts';
import { opinionOf } from '../../gates/critique.ts';
import type { Critique } from '../../tasks/task.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { critiqueTokens, withinBudget } from '../budget.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type MadeCall } from '../calls.ts';
import type { IterationContext } from '../context.ts';
import { criticsOf, standings, type Asked } from '../critic.ts';
import { rationaleOf } from '../reading.ts';
import { refusalReason } from '../refusals.ts';
import type { Host } from './spoil.ts';

type Bad = { host: Host; row: Tried; known: Pick<JudgedTry, 'knownBy' | 'reason'> };
type Heard = MadeCall & { row: Tried; critique: Critique };

/**
 * Puts work to each critic in the words in which samples are, and counts their voices as the gate does. Each voice is stored as it
 * comes, with its call, and not asked for again.
 */
export async function judgeByCritics(
  db: Db,
  context: IterationContext,
  bad: readonly Bad[],
  page: string,
): Promise<JudgedTry[]> {
  if (bad.length === 0) return [];
  const critics = criticsOf(context);
  const ids = bad.map(({ row }) => row.id);
  const before = await critiquesOfTries(db, ids);
  for (const critic of critics) {
    const heard = new Set(before.filter((one) => one.critic === critic.name).map(({ tryId }) => tryId));
    await askCritic(
      db,
      context,
      critic,
      bad.filter(({ row }) => !heard.has(row.id)),
      page,
    );
  }
  const said = Map.groupBy(await critiquesOfTries(db, ids), ({ tryId }) => tryId);
  return bad.map(({ host, row, known }) => {
    const standing = standings(critics, host.prompt.level ?? undefined);
    const voices = (said.get(row.id) ?? []).map(({ critic, outcome, score, reason }) => {
      return { critic, outcome, score: score ?? undefined, reason };
    });
    const opinion = opinionOf(voices, standing, context.settings.gates.critique);
    return {
      id: row.id,
      outcome: opinion.outcome === 'pass' ? 'found' : 'caught',
      knownBy: known.knownBy,
      score: opinion.score ?? null,
      reason: `${known.reason}; ${opinion.reason}`,
    };
  });
}

async function askCritic(
  db: Db,
  context: IterationContext,
  { name, critic, role, endpoint }: Asked,
  bad: readonly Bad[],
  page: string,
): Promise<void> {
  if (bad.length === 0) return;
  const { run, iteration, settings } = context;
  const at = endpoint();
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'self-play', role };
  const shown = bad.map(({ host, row }) => {
    const { request } = host.sample;
    const text = visibleOf(row.rationale);
    return { row, text, request: critic.request(request, text), unfit: critic.cannotJudge?.(request, text) };
  });
  const rowOf = (row: Tried, { outcome, score, reason }: Critique, callId?: number) => {
    return { tryId: row.id, critic: name, outcome, score, reason, callId };
  };
  await addTryCritiques(
    db,
    shown.flatMap(({ row, unfit }) =>
      unfit === undefined ? [] : [rowOf(row, { outcome: 'unscored', reason: unfit })],
    ),
  );
  const open = shown.filter(({ unfit }) => unfit === undefined);
  const each = await critiqueTokens(db, context, critic.request('', ''), 'critic');
  await withinBudget(
    db,
    { ...context, iterationId: iteration.id },
    { key: `self-play/${page}/${name}`, model: at.model, units: open.length, each },
    () =>
      callAll(open, {
        endpoint: at,
        concurrency: settings.paging.callsInFlight,
        what: `asking the ${role} ${at.model} about spoilt work`,
        call: async ({ row, text, request }, signal): Promise<Heard> => {
          const made = await ledgerChat(db, at, request, whose, signal);
          const [choice] = made.reply.choices;
          const critique: Critique =
            choice?.refused === undefined
              ? critic.read({ text: rationaleOf(choice), raw: made.reply.raw, work: text })
              : { outcome: 'unscored', reason: choice.refused };
          return { ...made, row, critique };
        },
        onFailure: ({ row }, error): Heard => {
          const reason = refusalReason(error);
          if (reason === undefined) throw error;
          return { ...unanswered(at, whose, reason), row, critique: { outcome: 'unscored', reason } };
        },
        store: storeWithCalls(db, async (tx, heard: Heard[], callIds) => {
          await addTryCritiques(
            tx,
            heard.map(({ row, critique }, i) => rowOf(row, critique, callIds[i]!)),
          );
        }),
      }),
  );
}
