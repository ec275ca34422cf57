import { setImmediate as otherWork } from 'node:timers/promises';
import { insertNew } from '../../db/insert-new.ts';
import { ApplicationFailure, heartbeat } from '@temporalio/activity';
import type { Db } from '../../db/connect.ts';
import { calibrationsOf } from '../../db/queries/calibration.ts';
import {
  samplesOf,
  votedPrompts,
  type Sample,
  type StoredPrompt,
  type Vote,
} from '../../db/queries/prompts.ts';
import { misledSamples } from '../../db/queries/revocations.ts';
import { criticCounts } from '../../db/queries/samples.ts';
import { examples, verdicts } from '../../db/schema.ts';
import { accepted } from '../../gates/index.ts';
import type { LengthPopulation, VoteSummary } from '../../gates/gate.ts';
import { criticDoubt } from '../../loop/critic-standing.ts';
import type { Verdict } from '../../loop/words.ts';
import { templateOf } from '../../loop/rationale.ts';
import { capTemplates, clustersAmong, nothingChosen, selectExamples } from '../../loop/select.ts';
import { silenceAdvice, silenceText, watchSilence } from '../../loop/silent-gates.ts';
import { FAILURE } from '../../loop/failures.ts';
import { auditGates } from '../../engine/audit.ts';
import { requiredOf } from '../../engine/calibration.ts';
import { criticIsUnasked, criticsOf, votesAreApproved } from '../../engine/critic.ts';
import { iterationContext, type Deps, type IterationContext } from '../../engine/context.ts';
import {
  acceptedBefore,
  decisionsOn,
  evidenceOn,
  gatesOf,
  givesAnswer,
  populationOf,
  practiceOf,
  verdictsOn,
  type Bench,
  type Practice,
} from '../../engine/judged.ts';
import { count, countVerdicts } from '../../engine/metrics.ts';
import { samplesByPrompt } from '../../engine/pool.ts';
import { canVerify } from '../../tasks/task.ts';
import { REFUSED } from '../../engine/refusals.ts';

export type Filtered = {
  judged: number;
  /** Prompts to learn with at least one example, and all examples of the iteration. */
  accepted: number;
  examples: number;
  hard: number;
  rehearsal: number;
  /** Examples left out because too many had their template; undefined without a cap. */
  overTemplateCap?: number;
  /**
   * Clusters of rationales over the accepted prompts to learn with: among their examples, and among all of their samples that
   * passed every required gate.
   */
  clusters: { prompts: number; chosen: number; passed: number };
  /** Planted bad samples that the gates caught, "12 of 12"; undefined where none were planted. */
  probesCaught?: string;
  /** Why the critic, which nobody asked for, only advised. */
  criticAdvises?: string;
};

const PROMPTS_AT_ONCE = 200;

/** `cluster`: of its rationale, among the `clusters` of all samples of its prompt that passed; 0 of rehearsal. Neither is stored. */
type NewExample = typeof examples.$inferInsert & { template: string; cluster: number; clusters: number };

/** Lengths of the pool's first samples. */
async function poolLength(db: Db, promptIds: number[]): Promise<LengthPopulation> {
  const tokens: number[] = [];
  for (let i = 0; i < promptIds.length; i += PROMPTS_AT_ONCE) {
    const first = await samplesOf(db, promptIds.slice(i, i + PROMPTS_AT_ONCE), 1);
    const answered = first.filter((s) => s.finishReason !== REFUSED);
    tokens.push(...answered.map((s) => s.completionTokens));
  }
  return populationOf(tokens, 'pool');
}

/**
 * Filter: every sample passes through every gate, every verdict is stored, and of those that passed
 * all required ones a few per prompt become examples. Accepting nothing is a legal outcome. Before, the gates are
 * tested on what was planted.
 *
 * Reads: votes, samples, critiques, probes, what was accepted before, revoked memory. Writes: verdicts, the audit, verifications,
 * examples. Safe to repeat: a sample has one verdict of a gate and is an example once; what is stored is kept.
 *
 * @throws GateAuditFailed when they let too much of it pass
 * @throws GateSilent when a required gate scored nothing at all, so that nothing could ever train
 */
export async function filter({ db }: Deps, { iterationId }: { iterationId: number }): Promise<Filtered> {
  const context = await iterationContext(db, iterationId);
  const { settings } = context;
  const voted = await votedPrompts(db, iterationId);
  const bench = await benchOf(db, context, voted);
  const audit = await auditGates(db, bench);
  const required = {
    direct: await calibrationsOf(db, iterationId),
    debated: await calibrationsOf(db, iterationId, { debated: true }),
  };
  const silence = watchSilence({ votesAreApproved: votesAreApproved(context) });
  const chosen: NewExample[] = [];
  const soFar = nothingChosen();
  let judged = 0;
  for (let i = 0; i < voted.length; i += PROMPTS_AT_ONCE) {
    const page = await judgePage(db, bench, voted.slice(i, i + PROMPTS_AT_ONCE), required);
    for (const { prompt, vote, samples } of page) {
      for (const { sample, verdicts: said } of samples) silence.add(said, sample.answer !== null);
      judged += samples.length;
      const passed = samples.filter((one) => one.passed).map(({ sample }) => sample);
      chosen.push(...examplesOf(context, { prompt, vote }, passed, soFar));
      // Many long samples take a while to tell apart: beats and other work come in between.
      await otherWork();
    }
    heartbeat({ judged });
  }
  refuseSilence(silence.silent());

  const { templateCap } = settings.gates.novelty;
  const learnt = chosen.filter((example) => example.kind !== 'rehearsal');
  const capped = capTemplates(learnt, settings.experiment === 'ungated' ? 1 : templateCap);
  const kept = new Set(capped.kept);
  // In the order in which they were chosen, whatever was left out.
  const rows = chosen.filter((one) => one.kind === 'rehearsal' || kept.has(one));
  await storeExamples(db, rows);
  return {
    judged,
    accepted: new Set(capped.kept.map((example) => example.promptId)).size,
    examples: rows.length,
    hard: rows.filter((e) => e.kind === 'hard').length,
    rehearsal: chosen.length - learnt.length,
    clusters: countClusters(capped.kept),
    ...(templateCap < 1 ? { overTemplateCap: capped.dropped } : {}),
    ...(bench.doubt === undefined ? {} : { criticAdvises: bench.doubt }),
    ...(audit ? { probesCaught: `${audit.caught} of ${audit.planted}` } : {}),
  };
}

/** What all samples of the iteration are judged by. */
async function benchOf(db: Db, context: IterationContext, voted: Voted[]): Promise<Bench> {
  const { iteration, task } = context;
  const verifies = canVerify(task);
  const gates = gatesOf(context);
  const before = await acceptedBefore(db, context);
  const lengthOf = async (practice: Practice) => {
    const own = voted.filter(({ prompt }) => practiceOf(prompt) === practice);
    return (
      before.length[practice] ??
      (await poolLength(
        db,
        own.map(({ prompt }) => prompt.id),
      ))
    );
  };
  const length = { learnt: await lengthOf('learnt'), rehearsed: await lengthOf('rehearsed') };
  const critics = criticsOf(context);
  const doubt = criticIsUnasked(context)
    ? criticDoubt(await criticCounts(db, iteration.id, critics[0]!.name))
    : undefined;
  return { context, gates, verifies, critics, doubt, length, before };
}

type Required = Record<'direct' | 'debated', Awaited<ReturnType<typeof calibrationsOf>>>;
type Voted = { prompt: StoredPrompt; vote: Vote };
type Judged = { sample: Sample; verdicts: Verdict[]; passed: boolean };

/** Judges all samples of some prompts, and stores the verdicts. What passes is what later ones are compared with. */
async function judgePage(
  db: Db,
  bench: Bench,
  page: Voted[],
  required: Required,
): Promise<(Voted & { samples: Judged[] })[]> {
  const { context, gates, before } = bench;
  const byPrompt = await samplesByPrompt(
    db,
    page.map(({ prompt }) => prompt),
  );
  const drawn = page.flatMap(({ prompt, vote }) =>
    (byPrompt.get(prompt.id) ?? []).map((sample) => ({
      prompt,
      sample,
      agrees: givesAnswer(context, sample, vote.answer),
    })),
  );
  const evidence = await evidenceOn(db, bench, drawn);
  const people = gates.policy.human === 'off' ? undefined : await decisionsOn(db, context, drawn);
  // An entry may have been revoked since it stood before their questions.
  const misled = await misledSamples(
    db,
    drawn.map(({ sample }) => sample.id),
  );
  const judged = page.map(({ prompt, vote }) => {
    const summary = voteSummary(context, prompt, vote, required);
    const samples = (byPrompt.get(prompt.id) ?? []).map((sample): Judged => {
      const said = verdictsOn(
        bench,
        { prompt, vote: summary, sample },
        {
          ...evidence(sample.id),
          human: people?.get(sample.id),
        },
      );
      // Whatever the policy: without an answer there is no triple.
      const passed = accepted(said) && sample.answer !== null && !misled.has(sample.id);
      if (passed) before.likeness.add(sample.rationale);
      return { sample, verdicts: said, passed };
    });
    return { prompt, vote, samples };
  });
  await storeVerdicts(
    db,
    judged.flatMap(({ samples }) => samples),
  );
  return judged;
}

/** The vote as the gates see it. The ungated arm takes each majority as it is. */
function voteSummary(
  { settings }: IterationContext,
  prompt: StoredPrompt,
  { within, across, unreadable, copies, sharedMistake, debated, ...vote }: Vote,
  required: Required,
): VoteSummary {
  const { votes, runnerUpVotes, samples } = vote;
  const plain = { answer: vote.answer ?? undefined, votes, runnerUpVotes, samples };
  if (settings.experiment === 'ungated') return plain;
  return {
    ...plain,
    unreadable: settings.gates.agreement.noAnswer === 'votes' ? unreadable : 0,
    copies,
    sharedMistake: sharedMistake ? { within: within ?? 0, across: across ?? 0 } : undefined,
    required:
      prompt.purpose === 'learn'
        ? requiredOf(required[debated ? 'debated' : 'direct'].get(prompt.level))
        : undefined,
  };
}

/** A prompt's examples, of its samples that passed. */
function examplesOf(
  { run, iteration, settings, task }: IterationContext,
  { prompt, vote }: Voted,
  passed: Sample[],
  soFar: ReturnType<typeof nothingChosen>,
): NewExample[] {
  // The control arm learns from rehearsal alone: its gain can't come from pseudo-labels.
  if (prompt.purpose === 'learn' && settings.experiment === 'control') return [];
  const limits = prompt.purpose === 'learn' ? settings.select : { perPrompt: 1, hardPerRewrite: 0 };
  const clusters = prompt.purpose === 'learn' ? clustersAmong(passed) : new Map<Sample, number>();
  return selectExamples(passed, limits, soFar, clusters).map(({ sample, kind }) => {
    // Where agreement only advises, an accepted sample may give another answer than the vote.
    const agrees = vote.answer !== null && task.sameAnswer(sample.answer!, vote.answer);
    return {
      runId: run.id,
      iterationId: iteration.id,
      promptId: prompt.id,
      sampleId: sample.id,
      kind: prompt.purpose === 'rehearse' ? 'rehearsal' : kind,
      answer: agrees ? vote.answer! : sample.answer!,
      template: templateOf(sample.rationale),
      cluster: clusters.get(sample) ?? 0,
      clusters: new Set(clusters.values()).size,
    };
  });
}

function countClusters(learnt: readonly NewExample[]): Filtered['clusters'] {
  const byPrompt = [...Map.groupBy(learnt, ({ promptId }) => promptId).values()];
  const sum = (counts: number[]) => counts.reduce((total, one) => total + one, 0);
  return {
    prompts: byPrompt.length,
    chosen: sum(byPrompt.map((own) => new Set(own.map(({ cluster }) => cluster)).size)),
    passed: sum(byPrompt.map((own) => own[0]!.clusters)),
  };
}

function refuseSilence(silent: Parameters<typeof silenceText>[0]): void {
  if (silent.length === 0) return;
  throw ApplicationFailure.create({
    type: FAILURE.gateSilent,
    message: silenceText(silent),
    nonRetryable: true,
    details: [{ advice: silenceAdvice(silent), retryHelps: false }],
  });
}

async function storeVerdicts(db: Db, judged: Judged[]): Promise<void> {
  const rows = judged.flatMap(({ sample, verdicts: said }) =>
    said.map((v) => ({ ...v, sampleId: sample.id, advisory: v.advisory ?? false })),
  );
  await db.transaction(async (tx) => {
    await insertNew(tx, verdicts, rows);
  });
  countVerdicts(rows);
}

async function storeExamples(db: Db, chosen: NewExample[]): Promise<void> {
  const rows = chosen.map(({ template: _template, cluster: _cluster, clusters: _clusters, ...row }) => row);
  await db.transaction(async (tx) => {
    await insertNew(tx, examples, rows);
  });
  for (const [kind, ofKind] of Map.groupBy(rows, (row) => row.kind)) {
    count('ratchet_examples', ofKind.length, { kind });
  }
}
