/** Asks the model that generates to spoil work. */
import type { Db } from '../../db/connect.ts';
import { addTries, type NewTry } from '../../db/queries/self-play.ts';
import { adversaryMessages } from '../../tasks/adversary.ts';
import { visibleOf } from '../../tasks/thinking-text.ts';
import { meanTokens, withinBudget } from '../budget.ts';
import { callAll, ledgerChat, storeWithCalls, unanswered, type MadeCall } from '../calls.ts';
import { samplerOf, type IterationContext } from '../context.ts';
import { CUT_OFF, rationaleOf } from '../reading.ts';
import { refusalReason } from '../refusals.ts';
import { worked, type Host, type Plan } from './spoil.ts';

type Asked = Plan & { host: Host; number: number };
type Answered = MadeCall & { row: NewTry };

/** What the adversary makes differs from try to try. */
const TEMPERATURE = 1;

export async function askAdversary(
  db: Db,
  context: IterationContext,
  asked: readonly Asked[],
  page: string,
): Promise<void> {
  if (asked.length === 0) return;
  const { run, iteration, settings, task } = context;
  const { endpoint, role } = samplerOf(context);
  const whose = { runId: run.id, iterationId: iteration.id, stage: 'self-play', role };
  const rowOf = ({ host, number, by, kind, seed }: Asked) => {
    return { iterationId: iteration.id, sampleId: host.sample.id, try: number, by, kind, seed };
  };
  const unfit = (one: Asked, reason: string): NewTry => ({
    ...rowOf(one),
    rationale: '',
    outcome: 'unfit',
    reason,
  });
  const { sample } = await meanTokens(db, run, settings, task);
  const each = { prompt: sample.prompt + sample.completion, completion: sample.completion };
  await withinBudget(
    db,
    { run, settings, task, iterationId: iteration.id },
    { key: `self-play/${page}`, model: endpoint.model, units: asked.length, each },
    () =>
      callAll([...asked], {
        endpoint,
        concurrency: settings.paging.callsInFlight,
        what: `asking ${endpoint.model} to spoil work`,
        call: async (one, signal): Promise<Answered> => {
          const messages = adversaryMessages(one.host.sample.request, visibleOf(one.host.sample.rationale));
          const maxTokens = settings.sampling.maxTokens ?? task.maxTokens;
          const request = { messages, maxTokens, temperature: TEMPERATURE, seed: one.seed };
          const made = await ledgerChat(db, endpoint, request, whose, signal);
          const [choice] = made.reply.choices;
          if (choice?.refused !== undefined) return { ...made, row: unfit(one, choice.refused) };
          if (choice?.finishReason === CUT_OFF) return { ...made, row: unfit(one, 'it was cut off') };
          return { ...made, row: { ...rowOf(one), ...worked(context, one.host, rationaleOf(choice)) } };
        },
        onFailure: (one, error): Answered => {
          const reason = refusalReason(error);
          if (reason === undefined) throw error;
          return { ...unanswered(endpoint, whose, reason), row: unfit(one, reason) };
        },
        store: storeWithCalls(db, (tx, answered: Answered[], callIds) =>
          addTries(
            tx,
            answered.map(({ row }, i) => ({ ...row, callId: callIds[i]! })),
          ),
        ),
      }),
  );
}
