import { finishStudy, predictionsOf } from '../../db/queries/discovery.ts';
import type { Deps } from '../../engine/context.ts';
import { assess, readStudy } from '../../engine/study.ts';
import { claimsOf, followUpsOf } from '../../tasks/discovery/conclude.ts';
import { measuredIn } from '../../tasks/discovery/study.ts';

/** What a study came to, in short. */
export type Discovered = {
  id: string;
  claim: string | null;
  weight: number;
  experiments: number;
  ending: string;
};

/**
 * Ends a study: its claims, each with the experiments that could have refuted it, and what would be worth doing next.
 *
 * Reads the study; writes its row. Done twice it comes to the same.
 */
export async function closeStudy(
  { db }: Deps,
  { id, ending }: { id: string; ending: string },
): Promise<Discovered> {
  const study = await readStudy(db, id);
  const { subject, plan, experiments } = study;
  const data = measuredIn(experiments);
  const alive = (await assess(db, study))?.alive ?? [];
  const made = new Set(
    experiments.filter(({ observed }) => 'measured' in observed).map(({ number }) => number),
  );
  const risked = (await predictionsOf(db, id)).filter((one) => one.risked && made.has(one.number));
  const survived = new Map(
    [...Map.groupBy(risked, ({ hypothesis }) => hypothesis)].map(([text, rows]) => [
      text,
      rows.map(({ number }) => number),
    ]),
  );
  const claims = claimsOf(alive, data, survived);
  const grid = study.row.subject.kind === 'law' || study.row.subject.simulator.options === undefined;
  const followUps = followUpsOf(alive, data, { ...plan, quantities: subject.quantities, grid });
  await finishStudy(db, id, { ending, claims, followUps });
  const [first] = claims;
  return {
    id,
    claim: first?.hypothesis ?? null,
    weight: first?.weight ?? 0,
    experiments: experiments.length,
    ending,
  };
}
