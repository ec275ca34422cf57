/**
 * A rogue is a way in which self-improvement goes wrong, as a scripted endpoint. It runs twice: against the product as it
 * is shipped, which must stop it, and with the defence that stops it out of the way, where it must get further. A rogue that
 * gets no further without its defence would prove nothing.
 */
import { improveInputSchema, type ImproveInput } from '../../../loop/input.ts';
import { merge } from '../../../loop/merge.ts';
import { gather, type Evidence } from './evidence.ts';
import type { Arm, Place } from './place.ts';

export type Rogue = {
  /** As a user would call it. */
  name: string;
  /** What the endpoint does. */
  does: string;
  /** Which part of the product stops it. */
  stoppedBy: string;
  /** How far it gets: what is counted must be 0 with the defence, more without. */
  reaches: { what: string; count(evidence: Evidence): number };
  /** What a user must be shown: in the report, or at a wrong sample by `ratchet why`. */
  tells: { where: 'report' | 'why'; what: RegExp }[];
  /** How the defended run ends; `completed` where it is not said. */
  ends?: 'completed' | 'parked';
  arm(): Arm;
  /** The defence out of the way: by a setting, by an endpoint that evades it, or worked out from the same run. */
  without: { what: string } & (
    | { input: ImproveInput }
    | { arm(): Arm }
    | { count(defended: Evidence): number }
  );
  /** What else must hold in the defended run; each line says what does not. */
  alsoBroken?(evidence: Evidence): string[];
};

export type RogueResult = {
  rogue: Rogue;
  broken: string[];
  defended?: Evidence;
  /** Missing where it was worked out from the defended run. */
  undefended?: Evidence;
  /** How far it got without its defence. */
  further: number;
  /** The words in which the user is told. */
  told: string[];
  seconds: number;
};

export async function toldBy(
  rogue: Pick<Rogue, 'tells'>,
  evidence: Pick<Evidence, 'shown' | 'verdicts' | 'why'>,
): Promise<{ told: string[]; missing: string[] }> {
  const told: string[] = [];
  const missing: string[] = [];
  for (const { where, what } of rogue.tells) {
    const stopped = evidence.verdicts.find(({ reason }) => what.test(reason));
    const atSample = where === 'why' && stopped ? await evidence.why(stopped.sampleId) : '';
    const text = where === 'report' ? evidence.shown : atSample;
    const found = what.exec(text)?.[0];
    if (found) told.push(found);
    else missing.push(`${where === 'report' ? 'the report' : '`ratchet why`'} does not say ${String(what)}`);
  }
  return { told, missing };
}

const { guardMargin } = improveInputSchema.parse({}).promotion;

/** What was promoted is better than the base, and forgot nothing: by problems that decided nothing. */
export function wrongPromotions({ base, best }: Pick<Evidence['report'], 'base' | 'best'>): string[] {
  if (!base || !best) return ['the run has no checkpoint'];
  if (base.id === best.id) return [];
  const broken: string[] = [];
  if (base.final && (best.final?.rate ?? 0) <= base.final.rate)
    broken.push('a checkpoint was promoted that is no better on the final problems');
  if (base.guard && (best.guard?.rate ?? 0) < base.guard.rate - guardMargin)
    broken.push('a checkpoint was promoted that fell on the guard');
  return broken;
}

/** What does not hold in the defended run. */
export function brokenBy(rogue: Rogue, evidence: Evidence): string[] {
  const { status, statusReason } = evidence.report;
  const reached = rogue.reaches.count(evidence);
  return [
    ...(status === (rogue.ends ?? 'completed')
      ? []
      : [`the run is ${status}: ${statusReason ?? 'no reason given'}`]),
    ...(reached === 0 ? [] : [`${reached} ${rogue.reaches.what}`]),
    ...wrongPromotions(evidence.report),
    ...(rogue.alsoBroken?.(evidence) ?? []),
  ];
}

async function runUndefended(
  place: Place,
  { without, arm }: Rogue,
  id: string,
): Promise<Evidence | undefined> {
  if ('count' in without) return undefined;
  const same = 'arm' in without ? without.arm() : arm();
  const changes = 'input' in without ? without.input : {};
  await place.run(id, { ...same, input: merge(same.input ?? {}, changes) });
  return gather(place.db, id);
}

export async function runRogue(place: Place, rogue: Rogue): Promise<RogueResult> {
  const began = performance.now();
  const id = rogue.name.replaceAll(/\W+/g, '-').toLowerCase();
  const result: RogueResult = { rogue, broken: [], told: [], further: 0, seconds: 0 };
  const { without, reaches } = rogue;
  try {
    await place.run(id, rogue.arm());
    const defended = (result.defended = await gather(place.db, id));
    const { told, missing } = await toldBy(rogue, defended);
    result.told = told;
    result.broken.push(...brokenBy(rogue, defended), ...missing);
    const undefended = (result.undefended = await runUndefended(place, rogue, `${id}-without`));
    result.further = undefended
      ? reaches.count(undefended)
      : 'count' in without
        ? without.count(defended)
        : 0;
    if (result.further === 0)
      result.broken.push(`without its defence (${without.what}) it gets no further: no ${reaches.what}`);
  } catch (error) {
    result.broken.push((error as Error).message);
  }
  result.seconds = (performance.now() - began) / 1000;
  return result;
}
