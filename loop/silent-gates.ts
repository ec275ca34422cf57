/**
 * Required gates that say nothing. What a required gate can't score is not accepted, so one that scores nothing at all (an
 * endpoint that counts no tokens, a critic whose replies can't be read, a verification that finds nothing to check) lets nothing
 * train, however much was paid for: the run would end as completed, with nothing learnt and no word why.
 */
import { gateNamed, weightSetting } from '../gates/index.ts';
import type { Verdict } from './words.ts';

export type SilentGate = {
  gate: string;
  /** Samples that it kept out and no other gate rejected, and all that were judged. */
  held: number;
  judged: number;
  /** Why the first of them has no score. */
  reason: string;
};

/** What no critic was asked about it could not score. */
const NOT_ASKED = /^not asked\b/;

/** Fewer may be chance: a reply or two that could not be read must not hold a run up. */
const LEAST_HELD = 3;

export type SilenceWatch = {
  /** @param answered could it become an example at all? */
  add(verdicts: readonly Verdict[], answered: boolean): void;
  /** Gates that scored not one sample of all that were added, and held back at least three. */
  silent(): SilentGate[];
};

/** @param votesAreApproved what a critic does not approve has no vote: then a failed agreement is the critic's doing */
export function watchSilence({ votesAreApproved = false } = {}): SilenceWatch {
  const scored = new Set<string>();
  const held = new Map<string, { held: number; reason: string }>();
  let judged = 0;
  return {
    add(verdicts, answered) {
      judged += 1;
      const required = verdicts.filter(({ advisory }) => advisory !== true);
      for (const { gate, outcome } of required) if (outcome !== 'unscored') scored.add(gate);
      const failed = required.filter(({ outcome }) => outcome === 'fail').map(({ gate }) => gate);
      const unvoted = votesAreApproved && failed.every((gate) => gate === 'agreement');
      if (!answered || (failed.length > 0 && !unvoted)) return;
      for (const { gate, outcome, reason } of required) {
        if (outcome !== 'unscored' || gateNamed(gate)?.decidedLater || NOT_ASKED.test(reason)) continue;
        const before = held.get(gate);
        held.set(gate, { held: (before?.held ?? 0) + 1, reason: before?.reason ?? reason });
      }
    },
    silent: () =>
      [...held]
        .filter(([gate, one]) => !scored.has(gate) && one.held >= LEAST_HELD)
        .map(([gate, one]) => ({ gate, judged, ...one })),
  };
}

/** What failed, with its numbers. */
export function silenceText(silent: readonly SilentGate[]): string {
  const each = silent.map(
    ({ gate, held, judged, reason }) =>
      `the required gate ${gate} scored none of ${judged} samples, of which no gate rejected ${held} (${reason.slice(0, 300)})`,
  );
  return `nothing of the iteration can train: ${each.join('; ')}`;
}

/** What lets another run train, by the settings that it takes. */
export function silenceAdvice(silent: readonly SilentGate[]): string {
  const names = silent.map(({ gate }) => gate);
  const weights = names
    .flatMap((name) => gateNamed(name) ?? [])
    .map((one) => `${weightSetting(one)}=advisory`);
  const ignored = names.map((gate) => `gates.unscored.${gate}=ignore`);
  return (
    `Mend what gives the gate its score. Or let the gate advise only (${weights.join(', ')}), or let pass what it can't ` +
    `score (${ignored.join(', ')}). What was judged stays as it is: skipIteration judges the next iteration anew.`
  );
}
