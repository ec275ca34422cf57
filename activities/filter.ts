import { heartbeat } from '@temporalio/activity';
import type { Db } from '../db/connect.ts';
import { calibrationsOf } from '../db/calibration.ts';
import { samplesOf, votedPrompts, type Sample, type StoredPrompt, type Vote } from '../db/prompts.ts';
import { criticCounts } from '../db/critic-counts.ts';
import { examples, verdicts } from '../db/schema.ts';
import { accepted, policyOf, ungated } from '../gates/index.ts';
import type { GateSettings, LengthPopulation, VoteSummary } from '../gates/gate.ts';
import { criticDoubt } from '../loop/critic-standing.ts';
import { templateOf } from '../loop/rationale.ts';
import { capTemplates, nothingChosen, selectExamples } from '../loop/select.ts';
import { auditGates } from './audit.ts';
import { requiredOf } from './calibration.ts';
import { criticIsUnasked, criticsOf } from './critic.ts';
import { iterationContext, type Deps } from './context.ts';
import { acceptedBefore, critiquesOf, populationOf, verdictsOn, type Bench } from './judged.ts';
import { count, countVerdicts } from './metrics.ts';
import { REFUSED } from './refusals.ts';
import { verifySamples } from './verify.ts';

export type Filtered = {
  judged: number;
  /** Prompts to learn with at least one example, and all examples of the iteration. */
  accepted: number;
  examples: number;
  hard: number;
  rehearsal: number;
  /** Examples left out because too many had their template; undefined without a cap. */
  overTemplateCap?: number;
  /** Planted bad samples that the gates caught, "12 of 12"; undefined where none were planted. */
  probesCaught?: string;
  /** Why the critic, which nobody asked for, only advised. */
  criticAdvises?: string;
};

const PROMPTS_AT_ONCE = 200;

type NewExample = typeof examples.$inferInsert & { template: string };

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

export function createFilterActivities({ db }: Deps) {
  return {
    /**
     * Filter: every sample passes through every gate, every verdict is stored, and of those that passed
     * all required ones a few per prompt become examples. Accepting nothing is a legal outcome. Before, the gates are
     * tested on what was planted.
     *
     * @throws GateAuditFailed when they let too much of it pass
     */
    async filter({ iterationId }: { iterationId: number }): Promise<Filtered> {
      const context = await iterationContext(db, iterationId);
      const { iteration, run, settings, task } = context;
      const voted = await votedPrompts(db, iterationId);
      const gateSettings: GateSettings = {
        ...settings.gates,
        length: { ...settings.gates.length, maxTokens: settings.sampling.maxTokens ?? task.maxTokens },
      };
      const verifies = task.verify !== undefined;
      const gates =
        settings.experiment === 'ungated'
          ? ungated(gateSettings)
          : { settings: gateSettings, policy: policyOf(gateSettings, verifies) };
      const before = await acceptedBefore(db, context);
      const required = await calibrationsOf(db, iterationId);
      // The ungated arm takes each majority as it is.
      const voteSummary = (prompt: StoredPrompt, vote: Vote): VoteSummary => {
        const plain = {
          answer: vote.answer ?? undefined,
          votes: vote.votes,
          runnerUpVotes: vote.runnerUpVotes,
          samples: vote.samples,
        };
        if (settings.experiment === 'ungated') return plain;
        const { within, across, unreadable, copies } = vote;
        return {
          ...plain,
          unreadable: settings.gates.agreement.noAnswer === 'votes' ? unreadable : 0,
          copies,
          sharedMistake: vote.sharedMistake ? { within: within ?? 0, across: across ?? 0 } : undefined,
          required: prompt.purpose === 'learn' ? requiredOf(required.get(prompt.level)) : undefined,
        };
      };
      const length =
        before.length ??
        (await poolLength(
          db,
          voted.map(({ prompt }) => prompt.id),
        ));

      const doubt = criticIsUnasked(context)
        ? criticDoubt(await criticCounts(db, iterationId, criticsOf(context)[0]!.name))
        : undefined;
      const bench: Bench = { context, gates, verifies, critics: criticsOf(context), doubt, length, before };
      const audit = await auditGates(db, bench);

      const total: Filtered = { judged: 0, accepted: 0, examples: 0, hard: 0, rehearsal: 0 };
      const chosen: NewExample[] = [];
      const soFar = nothingChosen();
      for (let i = 0; i < voted.length; i += PROMPTS_AT_ONCE) {
        const page = voted.slice(i, i + PROMPTS_AT_ONCE);
        const samples = await samplesOf(
          db,
          page.map(({ prompt }) => prompt.id),
        );
        const byPrompt = Map.groupBy(samples, (s) => s.promptId);
        const critiquesBySample = await critiquesOf(
          db,
          samples.map((s) => s.id),
        );
        const agrees = (sample: Sample, answer: string | null) =>
          sample.answer !== null && answer !== null && task.sameAnswer(sample.answer, answer);
        const verified =
          gates.policy.verification === 'off'
            ? undefined
            : await verifySamples(
                db,
                task,
                gates.settings,
                page.flatMap(({ prompt, vote }) =>
                  (byPrompt.get(prompt.id) ?? [])
                    .filter((sample) => sample.formatOk && sample.coherenceOk)
                    .map((sample) => ({ sample, prompt, agrees: agrees(sample, vote.answer) })),
                ),
              );
        const verdictRows: (typeof verdicts.$inferInsert)[] = [];
        for (const { prompt, vote } of page) {
          const passed = (byPrompt.get(prompt.id) ?? []).filter((sample) => {
            const found = verdictsOn(
              bench,
              { prompt, vote: voteSummary(prompt, vote), sample },
              {
                critiques: critiquesBySample.get(sample.id) ?? [],
                verification: verified?.get(sample.id),
              },
            );
            verdictRows.push(
              ...found.map((v) => ({ ...v, sampleId: sample.id, advisory: v.advisory ?? false })),
            );
            total.judged += 1;
            // Whatever the policy: without an answer there is no triple.
            const trusted = accepted(found) && sample.answer !== null;
            if (trusted) before.likeness.add(sample.rationale);
            return trusted;
          });
          // The control arm learns from rehearsal alone: its gain can't come from pseudo-labels.
          if (prompt.purpose === 'learn' && settings.experiment === 'control') continue;
          const selected = selectExamples(
            passed,
            prompt.purpose === 'learn' ? settings.select : { perPrompt: 1, hardPerRewrite: 0 },
            soFar,
          );
          for (const { sample, kind } of selected) {
            chosen.push({
              runId: run.id,
              iterationId: iteration.id,
              promptId: prompt.id,
              sampleId: sample.id,
              kind: prompt.purpose === 'rehearse' ? 'rehearsal' : kind,
              // Where agreement only advises, an accepted sample may give another answer than the vote.
              answer: agrees(sample, vote.answer) ? vote.answer! : sample.answer!,
              template: templateOf(sample.rationale),
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
        });
        countVerdicts(verdictRows);
        heartbeat({ judged: total.judged });
      }

      const rehearsal = chosen.filter((example) => example.kind === 'rehearsal');
      const learnt = chosen.filter((example) => example.kind !== 'rehearsal');
      const { templateCap } = settings.gates.novelty;
      const capped = capTemplates(learnt, settings.experiment === 'ungated' ? 1 : templateCap);
      const kept = new Set([...rehearsal, ...capped.kept]);
      // In the order in which they were chosen, whatever was left out.
      const rows = chosen.filter((one) => kept.has(one)).map(({ template: _template, ...row }) => row);
      await db.transaction(async (tx) => {
        for (let j = 0; j < rows.length; j += 2000) {
          await tx
            .insert(examples)
            .values(rows.slice(j, j + 2000))
            .onConflictDoNothing();
        }
      });
      for (const [kind, ofKind] of Map.groupBy(rows, (row) => row.kind)) {
        count('ratchet_examples', ofKind.length, { kind });
      }
      return {
        ...total,
        accepted: new Set(capped.kept.map((example) => example.promptId)).size,
        examples: rows.length,
        hard: rows.filter((e) => e.kind === 'hard').length,
        rehearsal: rehearsal.length,
        ...(templateCap < 1 ? { overTemplateCap: capped.dropped } : {}),
        ...(doubt === undefined ? {} : { criticAdvises: doubt }),
        ...(audit ? { probesCaught: `${audit.caught} of ${audit.planted}` } : {}),
      };
    },
  };
}

export type FilterActivities = ReturnType<typeof createFilterActivities>;
