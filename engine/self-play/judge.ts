/** Whether the critics of a run pass work that is known to be bad. */
import type { Db } from '../../db/connect.ts';
import { addCalls } from '../../db/queries/calls.ts';
import type { JudgedTry, Tried } from '../../db/queries/self-play.ts';
import { opinionOf } from '../../gates/critique.ts';
import type { JudgedCritique } from '../../gates/gate.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { critiqueTokens, withinBudget } from '../budget.ts';
import { callAll, ledgerChat, unanswered, type MadeCall } from '../calls.ts';
import type { IterationContext } from '../context.ts';
import { criticsOf, standings, type Asked } from '../critic.ts';
import { rationaleOf } from '../reading.ts';
import { refusalReason } from '../refusals.ts';
import type { Host } from './spoil.ts';

type Bad = { host: Host; row: Tried; known: Pick<JudgedTry, 'knownBy' | 'reason'> };

/** Puts work to each critic in the words in which samples are, and counts their voices as the gate does. */
export async function judgeByCritics(
  db: Db,
  context: IterationContext,
  bad: readonly Bad[],
  page: string,
): Promise<JudgedTry[]> {
  if (bad.length === 0) return [];
  const critics = criticsOf(context);
  const said = new Map<number, JudgedCritique[]>(bad.map(({ row }) => [row.id, []]));
  for (const critic of critics) await askCritic(db, context, critic, bad, page, said);
  return bad.map(({ host, row, known }) => {
    const standing = standings(critics, host.prompt.level ?? undefined);
    const opinion = opinionOf(said.get(row.id)!, standing, context.settings.gates.critique);
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
  said: ReadonlyMap<number, JudgedCritique[]>,
): Promise<void> {
  const { run, iteration, settings } = context;
  const at = endpoint();
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'self-play', role };
  const hear = (row: Tried, critique: Omit<JudgedCritique, 'critic'>) =>
    void said.get(row.id)!.push({ critic: name, ...critique });
  const shown = bad.map(({ host, row }) => {
    const { request } = host.sample;
    const text = visibleOf(row.rationale);
    return { row, text, request: critic.request(request, text), unfit: critic.cannotJudge?.(request, text) };
  });
  for (const { row, unfit } of shown)
    if (unfit !== undefined) hear(row, { outcome: 'unscored', reason: unfit });
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
        call: async ({ row, text, request }, signal): Promise<MadeCall> => {
          const made = await ledgerChat(db, at, request, whose, signal);
          const [choice] = made.reply.choices;
          hear(
            row,
            choice?.refused === undefined
              ? critic.read({ text: rationaleOf(choice), raw: made.reply.raw, work: text })
              : { outcome: 'unscored', reason: choice.refused },
          );
          return made;
        },
        onFailure: ({ row }, error): MadeCall => {
          const reason = refusalReason(error);
          if (reason === undefined) throw error;
          hear(row, { outcome: 'unscored', reason });
          return unanswered(at, whose, reason);
        },
        store: async (made) =>
          void (await addCalls(
            db,
            made.map(({ call }) => call),
          )),
      }),
  );
}
