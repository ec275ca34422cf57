/**
 * Self-play: an adversary spoils good work until the critics pass it though it is known to be bad, by the task's verification or by a known
 * answer. Every try is a row; what is judged is not made or judged again.
 */
import { heartbeat } from '@temporalio/activity';
import type { Db } from '../../db/connect.ts';
import {
  acceptedWork,
  addTries,
  answeredWork,
  judgeTries,
  triesOn,
  type GoodWork,
  type JudgedTry,
  type NewTry,
  type Tried,
} from '../../db/queries/self-play.ts';
import { shuffled } from '../../tasks/random.ts';
import { formsOf, type IterationContext } from '../context.ts';
import { acceptedParaphrases } from '../paraphrase.ts';
import { askAdversary } from './ask.ts';
import { judgeByCritics } from './judge.ts';
import { planOf, spoilt, worked, type Host } from './spoil.ts';

/** A page of the works of an iteration that the adversary sets out from: the same ones whenever it is asked. */
async function hostsOf(
  db: Db,
  context: IterationContext,
  page: { first: number; count: number },
): Promise<{ hosts: Host[]; all: GoodWork[] }> {
  const { iteration, task, settings } = context;
  const { works } = settings.strategy.selfPlay;
  const accepted = task.verify ? await acceptedWork(db, iteration.id) : [];
  const answered = (await answeredWork(db, iteration.id)).filter(({ sample, truth }) =>
    task.sameAnswer(sample.answer!, truth!),
  );
  const seed = `${iteration.plan.seed}/self-play`;
  const onePerPrompt = (all: GoodWork[]) => [
    ...new Map(
      shuffled(all, seed, ({ sample }) => String(sample.id)).map((one) => [one.prompt.id, one]),
    ).values(),
  ];
  const [verifiable, known] = [onePerPrompt(accepted), onePerPrompt(answered)];
  // In turn, so that neither crowds out the other.
  const chosen = Array.from({ length: works }, (_, i) => [verifiable[i], known[i]])
    .flat()
    .filter((one) => one !== undefined)
    .slice(0, works);
  const paraphrases = await acceptedParaphrases(
    db,
    chosen.map(({ prompt }) => prompt.id),
  );
  const hosts = chosen.flatMap((one) => {
    const problem = { ...one.prompt, level: one.prompt.level ?? undefined };
    const forms = formsOf(context, problem, paraphrases.get(one.prompt.id));
    const form = forms.find(({ key }) => key === one.sample.rewrite);
    return form ? [{ ...one, form }] : [];
  });
  return { hosts: hosts.slice(page.first, page.first + page.count), all: chosen };
}

/** @returns how much was found that fools the critics */
export async function play(
  db: Db,
  context: IterationContext,
  page: { first: number; count: number },
): Promise<{ found: number }> {
  const { hosts, all } = await hostsOf(db, context, page);
  const { tries } = context.settings.strategy.selfPlay;
  const name = `${context.iteration.index}/${page.first}`;
  for (let wave = 0; ; wave++) {
    const rows = Map.groupBy(
      await triesOn(
        db,
        hosts.map(({ sample }) => sample.id),
      ),
      ({ sampleId }) => sampleId,
    );
    const triesOf = ({ sample }: Host): Tried[] => rows.get(sample.id) ?? [];
    const open = hosts.filter((host) => {
      const own = triesOf(host);
      return own.at(-1)?.outcome === 'made' || (own.length < tries && !own.some(isFound));
    });
    heartbeat({ wave, open: open.length });
    if (open.length === 0) return { found: [...rows.values()].flat().filter(isFound).length };
    const made = open.flatMap((host) => {
      const last = triesOf(host).at(-1);
      return last?.outcome === 'made' ? [{ host, row: last }] : [];
    });
    await judge(db, context, made, `${name}/${wave}`);
    const next = open.filter((host) => triesOf(host).at(-1)?.outcome !== 'made');
    await makeTries(db, context, next, { triesOf, all, page: `${name}/${wave}` });
  }
}

const isFound = ({ outcome }: Tried): boolean => outcome === 'found';

async function makeTries(
  db: Db,
  context: IterationContext,
  hosts: readonly Host[],
  { triesOf, all, page }: { triesOf(host: Host): Tried[]; all: readonly GoodWork[]; page: string },
): Promise<void> {
  const planned = hosts.map((host) => {
    const number = triesOf(host).length;
    return { host, number, ...planOf(context, host, number) };
  });
  const altered = planned
    .filter(({ by }) => by === 'mutation')
    .map(({ host, number, ...plan }): NewTry => {
      const rationale = spoilt(context, host, plan, all);
      const row = { iterationId: context.iteration.id, sampleId: host.sample.id, try: number, ...plan };
      return rationale === undefined
        ? { ...row, rationale: '', outcome: 'unfit', reason: 'it could not be altered so' }
        : { ...row, ...worked(context, host, rationale) };
    });
  await addTries(db, altered);
  await askAdversary(
    db,
    context,
    planned.filter(({ by }) => by === 'model'),
    page,
  );
}

/** What says that work is bad; undefined: nothing does. */
async function badness(
  { task }: IterationContext,
  { prompt, sample, truth }: Host,
  { rationale, answer }: Tried,
): Promise<Pick<JudgedTry, 'knownBy' | 'reason'> | undefined> {
  if (truth !== null && !task.sameAnswer(answer!, truth))
    return { knownBy: 'known answer', reason: `it says ${answer}, right is ${truth}` };
  const problem = { ...prompt, level: prompt.level ?? undefined };
  const verified = await task.verify?.(problem, { request: sample.request, rationale, answer: answer! });
  return verified?.ok === false ? { knownBy: 'verification', reason: verified.reason } : undefined;
}

async function judge(
  db: Db,
  context: IterationContext,
  made: readonly { host: Host; row: Tried }[],
  page: string,
): Promise<void> {
  const harmless: JudgedTry[] = [];
  const bad: { host: Host; row: Tried; known: Pick<JudgedTry, 'knownBy' | 'reason'> }[] = [];
  for (const { host, row } of made) {
    const known = await badness(context, host, row);
    if (known) bad.push({ host, row, known });
    else
      harmless.push({
        id: row.id,
        outcome: 'harmless',
        knownBy: null,
        score: null,
        reason: 'nothing says that it is bad',
      });
  }
  await judgeTries(db, harmless);
  await judgeTries(db, await judgeByCritics(db, context, bad, page));
}
