/** Puts together what the gates are shown: of a sample, and of what was accepted before it. */
import type { Verdict } from '../loop/words.ts';
import { inArray } from 'drizzle-orm';
import { earlierRationales } from '../db/queries/examples.ts';
import { earlierDecisions, type EarlierDecision } from '../db/queries/review-outcomes.ts';
import type { Db } from '../db/connect.ts';
import type { Sample, StoredPrompt, Vote } from '../db/queries/prompts.ts';
import { critiques } from '../db/schema.ts';
import { spreadOf } from '../gates/distribution.ts';
import type { GateContext, JudgedSample, LengthPopulation, VoteSummary } from '../gates/gate.ts';
import {
  judge,
  policyOf,
  ungated,
  type GatePolicy,
  type GateSettings,
  type JudgingContext,
} from '../gates/index.ts';
import { ENOUGH_SAMPLES } from '../gates/length.ts';
import { estimate } from '../loop/minhash.ts';
import { rationaleSignature } from '../loop/rationale.ts';
import { median, medianAbsoluteDeviation } from '../loop/statistics.ts';
import { REWARD } from '../tasks/reward.ts';
import { canVerify, judgesBehaviour, type Task } from '../tasks/task.ts';
import { standings, type Asked } from './critic.ts';
import type { IterationContext } from './context.ts';
import { isWellFormed } from './sampling.ts';
import { verifySamples, type StoredVerification, type Verifiable } from './verify.ts';

/** Rationales that new ones are compared with: the newest. More would tell little more, and cost time. */
const REFERENCE_RATIONALES = 1000;

/** What is practised along may well be shorter or longer than what is learnt anew: lengths are compared within each. */
export type Practice = 'learnt' | 'rehearsed';
export const practiceOf = ({ purpose }: Pick<StoredPrompt, 'purpose'>): Practice =>
  purpose === 'rehearse' ? 'rehearsed' : 'learnt';

/** What was accepted in earlier iterations of the run, as far as the gates look at it. */
export type Accepted = {
  /** Undefined where too few were accepted. */
  length: Record<Practice, LengthPopulation | undefined>;
  features: GateContext['accepted'];
  likeness: Likeness;
};

export async function acceptedBefore(db: Db, { run, iteration }: IterationContext): Promise<Accepted> {
  const earlier = await earlierRationales(db, run.id, iteration.index, REFERENCE_RATIONALES);
  const texts = earlier.map((one) => one.rationale);
  const lengthOf = (practice: Practice) => {
    const tokens = earlier
      .filter((one) => practiceOf(one) === practice && one.completionTokens > 0)
      .map((one) => one.completionTokens);
    return tokens.length >= ENOUGH_SAMPLES ? populationOf(tokens, 'accepted') : undefined;
  };
  return {
    length: { learnt: lengthOf('learnt'), rehearsed: lengthOf('rehearsed') },
    features: { examples: texts.length, features: spreadOf(texts) },
    likeness: likenessTo(texts),
  };
}

export function populationOf(tokens: number[], of: LengthPopulation['of']): LengthPopulation {
  return {
    medianTokens: median(tokens) ?? 0,
    madTokens: medianAbsoluteDeviation(tokens) ?? 0,
    samples: tokens.length,
    of,
  };
}

export type Likeness = {
  /** To the nearest of the accepted rationales. */
  nearest(text: string): { similarity: number; compared: number };
  add(text: string): void;
};

/** Compares with the newest accepted rationales; what is accepted meanwhile takes the place of the oldest. */
export function likenessTo(newestFirst: readonly string[], most = REFERENCE_RATIONALES): Likeness {
  const known = newestFirst
    .slice(0, most)
    .toReversed()
    .map((text) => rationaleSignature(text));
  let oldest = 0;
  return {
    nearest(text) {
      const own = rationaleSignature(text);
      let best = 0;
      for (const other of known) best = Math.max(best, estimate(own, other));
      return { similarity: best, compared: known.length };
    },
    add(text) {
      if (known.length < most) known.push(rationaleSignature(text));
      else {
        known[oldest] = rationaleSignature(text);
        oldest = (oldest + 1) % most;
      }
    },
  };
}

/** All with which an iteration's samples are judged: real and planted ones by the same. */
export type Bench = {
  context: IterationContext;
  gates: { settings: GateSettings; policy: GatePolicy };
  verifies: boolean;
  critics: readonly Asked[];
  /** Why the critics only advise in this iteration. */
  doubt?: string;
  length: Record<Practice, LengthPopulation>;
  before: Accepted;
};

/** The gates of an iteration; those of the ungated arm only look. */
export function gatesOf({ settings, task }: IterationContext): Bench['gates'] {
  if (settings.experiment === 'ungated') return ungated(settings.gates);
  return { settings: settings.gates, policy: policyOf(settings.gates, canVerify(task)) };
}

/** What a sample votes for, and is held against the vote by: its answer or, where answers are programs, what it does. */
export const votesFor = (
  task: Task,
  { answer, behaviour }: Pick<Sample, 'answer' | 'behaviour'>,
): string | null => (judgesBehaviour(task) ? behaviour : answer);

/** Whether two votes are for the same. */
export const sameVote = (task: Task): Task['sameAnswer'] =>
  judgesBehaviour(task) ? (a, b) => a === b : (a, b) => task.sameAnswer(a, b);

/** Does a sample say what the vote says? */
export function givesAnswer({ task }: IterationContext, sample: Sample, answer: string | null): boolean {
  const own = votesFor(task, sample);
  if (own === null || answer === null) return false;
  return sameVote(task)(own, answer);
}

/** What every gate says of a sample. */
export function verdictsOn(
  { context, gates, verifies, critics, doubt, length, before }: Bench,
  { prompt, vote, sample: drawn }: { prompt: StoredPrompt; vote: VoteSummary; sample: Sample },
  found: { critiques: readonly StoredCritique[]; verification?: StoredVerification; human?: EarlierDecision },
): Verdict[] {
  const judging: JudgingContext = {
    vote,
    length: length[practiceOf(prompt)],
    critics: standings(critics, prompt.level ?? undefined, doubt),
    verifies,
    accepted: before.features,
    settings: gates.settings,
    maxTokens: context.settings.sampling.maxTokens ?? context.task.maxTokens,
  };
  const judged = { prompt, vote: { answer: vote.answer ?? null }, sample: drawn };
  const sample = judgedSample(context, judged, { ...found, likeness: before.likeness }, gates.policy);
  return judge(sample, judging, gates.policy);
}

/** What people said before of the same words to the same prompt, in any run of the task, by sample. */
export async function decisionsOn(
  db: Db,
  { run }: IterationContext,
  drawn: readonly { prompt: StoredPrompt; sample: Sample }[],
): Promise<Map<number, EarlierDecision>> {
  const keys = [...new Set(drawn.map(({ prompt }) => prompt.key))];
  const said = new Map(
    (await earlierDecisions(db, run.task, keys)).map((one) => [
      JSON.stringify([one.key, one.rationale]),
      one,
    ]),
  );
  return new Map(
    drawn.flatMap(({ prompt, sample }) => {
      const one = said.get(JSON.stringify([prompt.key, sample.rationale]));
      return one ? [[sample.id, one] as const] : [];
    }),
  );
}

/** What was said of samples, by sample. */
async function critiquesOf(db: Db, sampleIds: number[]) {
  if (sampleIds.length === 0) return new Map<number, (typeof critiques.$inferSelect)[]>();
  const rows = await db.select().from(critiques).where(inArray(critiques.sampleId, sampleIds));
  return Map.groupBy(rows, (row) => row.sampleId);
}

/** What was found out about samples before the gates look at them, by sample: what critics said, and the task's verification. */
export async function evidenceOn(db: Db, { context, gates }: Bench, candidates: readonly Verifiable[]) {
  const critiques = await critiquesOf(
    db,
    candidates.map(({ sample }) => sample.id),
  );
  const verified =
    gates.policy.verification === 'off'
      ? undefined
      : await verifySamples(
          db,
          context.task,
          gates.settings,
          candidates.filter(({ sample }) => isWellFormed(sample)),
        );
  return (sampleId: number) => ({
    critiques: critiques.get(sampleId) ?? [],
    verification: verified?.get(sampleId),
  });
}

type StoredCritique = typeof critiques.$inferSelect;

function judgedSample(
  context: IterationContext,
  { prompt, vote, sample }: { prompt: StoredPrompt; vote: Pick<Vote, 'answer'>; sample: Sample },
  found: {
    critiques: readonly StoredCritique[];
    verification?: StoredVerification;
    human?: EarlierDecision;
    likeness: Likeness;
  },
  policy: GatePolicy,
): JudgedSample {
  const agrees = givesAnswer(context, sample, vote.answer);
  const reward = found.critiques.find((one) => one.critic === REWARD);
  const { verification } = found;
  const candidate =
    sample.answer !== null &&
    sample.formatOk &&
    sample.coherenceOk &&
    (agrees || policy.agreement !== 'required');
  return {
    text: sample.rationale,
    answer: sample.answer ?? undefined,
    agrees,
    completionTokens: sample.completionTokens,
    finishReason: sample.finishReason,
    level: prompt.level ?? undefined,
    format: { ok: sample.formatOk, reason: sample.formatReason },
    coherence: { ok: sample.coherenceOk, reason: sample.coherenceReason },
    critiques: found.critiques
      .filter((one) => one.critic !== REWARD)
      .map(({ critic, outcome, score, reason }) => ({ critic, outcome, score: score ?? undefined, reason })),
    verification: verification && {
      ok: verification.ok ?? undefined,
      score: verification.score ?? undefined,
      reason: verification.reason,
    },
    novelty: candidate && policy.novelty !== 'off' ? found.likeness.nearest(sample.rationale) : undefined,
    reward: reward && {
      score: reward.outcome === 'unscored' ? undefined : (reward.score ?? undefined),
      reason: reward.reason,
    },
    human: found.human && {
      decision: found.human.decision,
      by: found.human.reviewer,
      reason: found.human.note ?? undefined,
    },
  };
}
