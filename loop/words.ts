/**
 * The domain's words, each defined once: stages, statuses, outcomes and decisions, gates, kinds of planted samples. They are what the
 * database stores and every face shows, so one may be added, but none renamed.
 */

/** `paused` waits for an operator's resume, `parked` for an operator to mend what failed. */
export type RunStatus = 'running' | 'paused' | 'parked' | 'completed' | 'failed' | 'stopped';

/** In their order. */
export const STAGES = ['collect', 'generate', 'evaluate', 'filter', 'adapt', 'benchmark', 'decide'] as const;

export type StageName = (typeof STAGES)[number];

/** In place of an iteration's index: the checkpoint that teaches in a run. 0 is where the run starts. */
export const TEACHER = -1;

export type StageStatus = 'pending' | 'running' | 'done' | 'failed' | 'cancelled';

/** `skip`: the iteration was given up before it was decided, by an operator or by a reset. */
export type DecisionKind = 'promote' | 'discard' | 'nothing-to-train' | 'skip';

/** What a set of held-out problems is for: to be improved, not to get worse, to be read once at the end. */
export type BenchmarkRole = 'target' | 'guard' | 'final';

/** The gates' own words: what they say, and of what. */
export { ADVERSARIAL, PLANTED_KINDS, PROBE_KINDS } from '../gates/gate.ts';
export type { CritiqueOutcome, Outcome, PlantedKind, ProbeKind, Verdict } from '../gates/gate.ts';
export type { GateName } from '../gates/index.ts';

/** `too-few`: fewer were planted than can tell. `advised`: under the rate, but the audit only advises. */
export type AuditOutcome = 'passed' | 'failed' | 'too-few' | 'advised';

/**
 * What becomes of an easier variant of a prompt: `usable`, or why it is not. `held-out` is a problem that is measured on or shown, exactly or
 * nearly; `same` one that the run has already; `near` its prompt over again; `unlike` no problem of its prompt's
 * kind; `missing` was asked for and not given.
 */
export const VARIANT_OUTCOMES = [
  'usable',
  'missing',
  'refused',
  'cut-off',
  'unreadable',
  'held-out',
  'same',
  'near',
  'unlike',
  'not-easier',
] as const;
export type VariantOutcome = (typeof VARIANT_OUTCOMES)[number];

/** The round of what agents of a debate held in the end, among a prompt's samples. Of those before it, 1 voted and 2 was asked again. */
export const DEBATE_ROUND = 3;
