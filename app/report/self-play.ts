/** What an adversary found out about the critics of a run. */
import { runTries } from '../../db/queries/self-play.ts';
import type { Db } from '../../db/connect.ts';
import type { SelfPlayReport, SelfPlayRow } from './debate-types.ts';

/** Null for a run without an adversary, and before its first try. */
export async function selfPlayReport(db: Db, runId: string): Promise<SelfPlayReport | null> {
  const tries = await runTries(db, runId);
  if (tries.length === 0) return null;
  const count = (own: typeof tries): Omit<SelfPlayRow, 'iteration'> => {
    const of = (outcome: (typeof tries)[number]['outcome']) => own.filter((one) => one.outcome === outcome);
    return {
      works: new Set(own.map(({ sampleId }) => sampleId)).size,
      tries: own.length,
      found: of('found').length,
      foundByModel: of('found').filter(({ by }) => by === 'model').length,
      caught: of('caught').length,
      harmless: of('harmless').length,
      unfit: of('unfit').length,
    };
  };
  return {
    iterations: [...Map.groupBy(tries, ({ iteration }) => iteration)].map(([iteration, own]) => {
      return { iteration, ...count(own) };
    }),
    total: count(tries),
  };
}

/** How far the critics can be trusted, in a sentence. */
export function selfPlaySentences({ total }: SelfPlayReport): string[] {
  const { found, caught, works } = total;
  const bad = found + caught;
  const said =
    bad === 0
      ? 'None of what the adversary made was known to be bad and in form, so it says nothing of the critics.'
      : `Of ${bad} works that were in form and known to be bad the critics passed ${found}: bad work was found for ${found} of ${works} works.`;
  return found === 0
    ? [said]
    : [
        said,
        'It is planted in later iterations, and ratchet export --format critic writes it for a critic to train on.',
      ];
}
