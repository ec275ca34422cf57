/** Tests the gates on what was planted: with the same critiques, verification and judgement as all samples. */
import type { GateName } from '../loop/words.ts';
import { insertNew } from '../db/insert-new.ts';
import { ApplicationFailure } from '@temporalio/activity';
import type { Db } from '../db/connect.ts';
import { addAudit, plantedSamples, timesSetAside } from '../db/queries/probes.ts';
import type { Sample, StoredPrompt } from '../db/queries/prompts.ts';
import { verdicts } from '../db/schema.ts';
import type { VoteSummary } from '../gates/gate.ts';
import { accepted, GATES } from '../gates/index.ts';
import {
  auditText,
  countAudit,
  deciding,
  kindsToCatch,
  outcomeOf,
  totalsOf,
  type JudgedProbe,
} from '../loop/audit.ts';
import { FAILURE } from '../loop/failures.ts';
import { criticIsUnasked } from './critic.ts';
import { evidenceOn, verdictsOn, type Bench } from './judged.ts';
import { samplesFor } from './pool.ts';

/** The most agreement that is trusted, for whatever the planted sample says: no vote of the model's helps against it. */
function voteFor({ context, gates }: Bench, prompt: StoredPrompt, sample: Sample): VoteSummary {
  const samples = samplesFor(context, prompt);
  const votes = Math.max(1, Math.floor(gates.settings.agreement.max * samples + 1e-9));
  return { answer: sample.answer ?? undefined, votes, runnerUpVotes: 0, samples };
}

/**
 * The required gates that somebody asked for: those that are required by default look at the form alone, and the general critic
 * is there without anybody's doing.
 */
function askedGates({ context, gates }: Bench): Set<GateName> {
  const required = GATES.filter(({ name, catches }) => catches && gates.policy[name] === 'required');
  return new Set(
    required.map(({ name }) => name).filter((name) => name !== 'critique' || !criticIsUnasked(context)),
  );
}

/**
 * Judges an iteration's planted samples and stores the verdicts and the audit. Undefined where none were planted.
 *
 * @throws GateAuditFailed when fewer were caught than the settings ask for
 */
export async function auditGates(
  db: Db,
  bench: Bench,
): Promise<{ planted: number; caught: number } | undefined> {
  const { context } = bench;
  const { iteration, settings } = context;
  const planted = await plantedSamples(db, iteration.id);
  if (planted.length === 0 || settings.probes.mode === 'off') return undefined;
  const judgedOnes = planted.map((one) => ({ ...one, vote: voteFor(bench, one.prompt, one.sample) }));
  const evidence = await evidenceOn(
    db,
    bench,
    judgedOnes.map(({ sample, prompt }) => ({ sample, prompt, agrees: sample.answer !== null })),
  );
  const rows: (typeof verdicts.$inferInsert)[] = [];
  const judged = judgedOnes.map(({ probe, ...one }): JudgedProbe => {
    const { id, answer } = one.sample;
    const found = verdictsOn(bench, one, evidence(id));
    rows.push(...found.map((v) => ({ ...v, sampleId: id, advisory: v.advisory ?? false })));
    return { kind: probe.kind, caught: !accepted(found) || answer === null, verdicts: found };
  });
  const kinds = countAudit(judged);
  const totals = totalsOf(deciding(kinds));
  const { minCatchRate } = settings.probes;
  const toCatch = kindsToCatch(kinds, askedGates(bench));
  const outcome = outcomeOf(totals, settings.probes, totalsOf(toCatch));
  const attempt = (await timesSetAside(db, iteration.id)) + 1;
  await db.transaction(async (tx) => {
    await insertNew(tx, verdicts, rows);
    await addAudit(tx, { iterationId: iteration.id, attempt, ...totals, minCatchRate, outcome, kinds });
  });
  if (outcome === 'failed') {
    const blamed = settings.probes.mode === 'auto' ? toCatch : deciding(kinds);
    throw ApplicationFailure.nonRetryable(auditText(blamed, minCatchRate), FAILURE.gateAuditFailed, {
      ...totals,
      minCatchRate,
    });
  }
  return totals;
}
