import { storeResult } from '../../db/queries/discovery.ts';
import type { Deps } from '../../engine/context.ts';
import { readStudy } from '../../engine/study.ts';
import { sigmaAt } from '../../tasks/discovery/choose.ts';
import type { Simulated } from '../../tasks/discovery/simulation.ts';
import { observeLaw } from '../../tasks/discovery/simulator.ts';

/**
 * Makes a planned experiment on a built-in law and stores its result. Done twice it measures the same, and the first result stays.
 *
 * Reads the study; writes the experiment's row.
 */
export async function observe({ db }: Deps, { id, number }: { id: string; number: number }): Promise<void> {
  const { row, subject, pending } = await readStudy(db, id);
  // It was stored, and then nobody was left to say so.
  if (pending?.number !== number) return;
  if (row.subject.kind !== 'law') throw new Error(`Study ${id} is of a simulator, which the sandbox runs.`);
  const key = `${row.settings.seed}/${number}`;
  await storeResult(
    db,
    id,
    number,
    rowOf(observeLaw(subject.law!, pending.settings, row.subject.noise, key)),
  );
}

/** Stores what a simulator said. Writes the experiment's row; the first result stays. */
export async function storeSimulated(
  { db }: Deps,
  { id, number, simulated }: { id: string; number: number; simulated: Simulated },
): Promise<void> {
  const { plan } = await readStudy(db, id);
  if ('failed' in simulated) return storeResult(db, id, number, rowOf(simulated));
  const { measured, sigma = sigmaAt(plan.noise, measured) } = simulated;
  await storeResult(db, id, number, { measured, sigma, failed: null });
}

const rowOf = (observed: { measured: number; sigma: number } | { failed: string }) =>
  'failed' in observed
    ? { measured: null, sigma: null, failed: observed.failed }
    : { ...observed, failed: null };
