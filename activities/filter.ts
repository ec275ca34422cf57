import { inArray } from 'drizzle-orm';
import { heartbeat } from '@temporalio/activity';
import { samplesOf, votedPrompts, type Sample, type StoredPrompt, type Vote } from '../db/prompts.ts';
import { critiques, examples, verdicts } from '../db/schema.ts';
import { accepted, judge, ungated } from '../gates/index.ts';
import type { GateContext, GateSettings, JudgedSample } from '../gates/gate.ts';
import { selectExamples } from '../loop/select.ts';
import { median, medianAbsoluteDeviation } from '../loop/statistics.ts';
import { criticOf } from './critic.ts';
import { iterationContext, type Deps, type IterationContext } from './context.ts';
import { REFUSED } from './refusals.ts';

export type Filtered = {
  judged: number;
  /** Prompts to learn with at least one example, and all examples of the iteration. */
  accepted: number;
  examples: number;
  hard: number;
  rehearsal: number;
};

type StoredCritique = typeof critiques.$inferSelect;

const PROMPTS_AT_ONCE = 200;

function judgedSample(
  context: IterationContext,
  prompt: StoredPrompt,
  vote: Vote,
  sample: Sample,
  critique?: StoredCritique,
): JudgedSample {
  return {
    text: sample.rationale,
    answer: sample.answer ?? undefined,
    agrees:
      sample.answer !== null && vote.answer !== null && context.task.sameAnswer(sample.answer, vote.answer),
    completionTokens: sample.completionTokens,
    finishReason: sample.finishReason,
    level: prompt.level ?? undefined,
    format: { ok: sample.formatOk, reason: sample.formatReason },
    coherence: { ok: sample.coherenceOk, reason: sample.coherenceReason },
    critique: critique && {
      outcome: critique.outcome,
      score: critique.score ?? undefined,
      reason: critique.reason,
    },
  };
}

export function createFilterActivities({ db }: Deps) {
  return {
    /**
     * Filter: every sample passes through every gate, every verdict is stored, and of those that passed
     * all required ones a few per prompt become examples. Accepting nothing is a legal outcome.
     */
    async filter({ iterationId }: { iterationId: number }): Promise<Filtered> {
      const context = await iterationContext(db, iterationId);
      const { iteration, run, settings, task } = context;
      const critic = criticOf(task);
      const voted = await votedPrompts(db, iterationId);
      const gateSettings: GateSettings = {
        ...settings.gates,
        length: { ...settings.gates.length, maxTokens: settings.sampling.maxTokens ?? task.maxTokens },
      };
      const gates =
        settings.experiment === 'ungated' ? ungated(gateSettings) : { settings: gateSettings, policy: {} };

      const tokens: number[] = [];
      for (let i = 0; i < voted.length; i += PROMPTS_AT_ONCE) {
        const ids = voted.slice(i, i + PROMPTS_AT_ONCE).map(({ prompt }) => prompt.id);
        const answered = (await samplesOf(db, ids, 1)).filter((s) => s.finishReason !== REFUSED);
        tokens.push(...answered.map((s) => s.completionTokens));
      }
      const length = {
        medianTokens: median(tokens) ?? 0,
        madTokens: medianAbsoluteDeviation(tokens) ?? 0,
        samples: tokens.length,
      };

      const total: Filtered = { judged: 0, accepted: 0, examples: 0, hard: 0, rehearsal: 0 };
      for (let i = 0; i < voted.length; i += PROMPTS_AT_ONCE) {
        const page = voted.slice(i, i + PROMPTS_AT_ONCE);
        const samples = Map.groupBy(
          await samplesOf(
            db,
            page.map(({ prompt }) => prompt.id),
          ),
          (s) => s.promptId,
        );
        const sampleIds = [...samples.values()].flatMap((list) => list.map((s) => s.id));
        const critiqueOf = new Map(
          (sampleIds.length
            ? await db.select().from(critiques).where(inArray(critiques.sampleId, sampleIds))
            : []
          ).map((c) => [c.sampleId, c]),
        );
        const verdictRows: (typeof verdicts.$inferInsert)[] = [];
        const exampleRows: (typeof examples.$inferInsert)[] = [];
        for (const { prompt, vote } of page) {
          const gateContext: GateContext = {
            vote: { ...vote, answer: vote.answer ?? undefined },
            length,
            critic: critic.betterThanChance
              ? asEvidence(critic.betterThanChance(prompt.level ?? undefined))
              : { betterThanChance: true, reason: 'not measured on this task' },
            settings: gates.settings,
          };
          const passed = (samples.get(prompt.id) ?? []).filter((sample) => {
            const judged = judgedSample(context, prompt, vote, sample, critiqueOf.get(sample.id));
            const found = judge(judged, gateContext, gates.policy);
            verdictRows.push(
              ...found.map((v) => ({ ...v, sampleId: sample.id, advisory: v.advisory ?? false })),
            );
            total.judged += 1;
            return accepted(found);
          });
          // The control arm learns from rehearsal alone: its gain can't come from pseudo-labels.
          if (prompt.purpose === 'learn' && settings.experiment === 'control') continue;
          const chosen = selectExamples(
            passed,
            prompt.purpose === 'learn' ? settings.select : { perPrompt: 1, hardPerRewrite: 0 },
          );
          if (chosen.length === 0) continue;
          if (prompt.purpose === 'learn') total.accepted += 1;
          for (const { sample, kind } of chosen) {
            exampleRows.push({
              runId: run.id,
              iterationId: iteration.id,
              promptId: prompt.id,
              sampleId: sample.id,
              kind: prompt.purpose === 'rehearse' ? 'rehearsal' : kind,
              answer: vote.answer!,
            });
          }
        }
        await db.transaction(async (tx) => {
          for (let j = 0; j < verdictRows.length; j += 2000) {
            await tx
              .insert(verdicts)
              .values(verdictRows.slice(j, j + 2000))
              .onConflictDoNothing();
          }
          if (exampleRows.length > 0) await tx.insert(examples).values(exampleRows).onConflictDoNothing();
        });
        total.examples += exampleRows.length;
        total.hard += exampleRows.filter((e) => e.kind === 'hard').length;
        total.rehearsal += exampleRows.filter((e) => e.kind === 'rehearsal').length;
        heartbeat({ judged: total.judged });
      }
      return total;
    },
  };
}

function asEvidence({ ok, reason }: { ok: boolean; reason: string }): {
  betterThanChance: boolean;
  reason: string;
} {
  return { betterThanChance: ok, reason };
}

export type FilterActivities = ReturnType<typeof createFilterActivities>;
