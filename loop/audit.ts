/** Whether the gates reject what was planted among the samples: counts by kind and gate, and what follows from them. */
import { GATES } from '../gates/index.ts';
import {
  ADVERSARIAL,
  type AuditOutcome,
  type GateName,
  type Outcome,
  type PlantedKind,
  type Verdict,
} from './words.ts';
import type { ImproveSettings } from './input.ts';

/** Verdicts of one gate on the planted samples of one kind. */
export type GateAudit = { gate: string; advisory: boolean; pass: number; fail: number; unscored: number };

export type KindAudit = { kind: PlantedKind; planted: number; caught: number; gates: GateAudit[] };

/** One planted sample as the gates judged it. `caught`: it would not have become an example. */
export type JudgedProbe = {
  kind: PlantedKind;
  caught: boolean;
  verdicts: readonly Pick<Verdict, 'gate' | 'outcome' | 'advisory'>[];
};

/** Counts in the order in which kinds and gates first occur. */
export function countAudit(judged: readonly JudgedProbe[]): KindAudit[] {
  return [...Map.groupBy(judged, ({ kind }) => kind)].map(([kind, probes]) => ({
    kind,
    planted: probes.length,
    caught: probes.filter(({ caught }) => caught).length,
    gates: countGates(probes.flatMap(({ verdicts }) => verdicts)),
  }));
}

function countGates(verdicts: JudgedProbe['verdicts']): GateAudit[] {
  return [...Map.groupBy(verdicts, ({ gate }) => gate)].map(([gate, all]) => {
    const of = (outcome: Verdict['outcome']) => all.filter((one) => one.outcome === outcome).length;
    const advisory = all.every((one) => one.advisory === true);
    return { gate, advisory, pass: of('pass'), fail: of('fail'), unscored: of('unscored') };
  });
}

/** The same over all kinds. */
export function auditByGate(kinds: readonly KindAudit[]): GateAudit[] {
  return [
    ...Map.groupBy(
      kinds.flatMap(({ gates }) => gates),
      ({ gate }) => gate,
    ),
  ].map(([gate, all]) => {
    const sum = (field: Outcome) => all.reduce((total, one) => total + one[field], 0);
    const advisory = all.every((one) => one.advisory);
    return { gate, advisory, pass: sum('pass'), fail: sum('fail'), unscored: sum('unscored') };
  });
}

export function totalsOf(kinds: readonly KindAudit[]): { planted: number; caught: number } {
  const sum = (field: 'planted' | 'caught') => kinds.reduce((total, one) => total + one[field], 0);
  return { planted: sum('planted'), caught: sum('caught') };
}

/**
 * The kinds that decide about an audit. What has fooled the critics once will most likely do so again: it is shown, and stops nothing.
 */
export const deciding = (kinds: readonly KindAudit[]): KindAudit[] =>
  kinds.filter(({ kind }) => kind !== ADVERSARIAL);

/** Gates that look at what a kind of bad work is bad at, those first that look at the fewest kinds. */
const gatesFor = (kind: PlantedKind) =>
  GATES.filter(({ catches }) => kind !== ADVERSARIAL && catches?.includes(kind)).toSorted(
    (a, b) => a.catches!.length - b.catches!.length,
  );

/**
 * The kinds that somebody asked to have caught.
 *
 * @param asked gates that are required because somebody asked for them
 */
export function kindsToCatch(kinds: readonly KindAudit[], asked: ReadonlySet<GateName>): KindAudit[] {
  return kinds.filter(({ kind }) => gatesFor(kind).some(({ name }) => asked.has(name)));
}

/** Audits of several iterations as one. */
export function addedUp(kinds: readonly KindAudit[]): KindAudit[] {
  return [...Map.groupBy(kinds, ({ kind }) => kind)].map(([kind, own]) => {
    return { kind, ...totalsOf(own), gates: auditByGate(own) };
  });
}

/**
 * What the counts come to under the settings.
 *
 * @param asked the counts of those kinds alone that somebody asked to have caught, which block where the mode is `auto`
 */
export function outcomeOf(
  totals: { planted: number; caught: number },
  { mode, minCatchRate, minPlanted }: ImproveSettings['probes'],
  asked: { planted: number; caught: number } = totals,
): AuditOutcome {
  // As counts: 0.9 of 10 must be 9, whatever floating point makes of it.
  const enough = ({ planted, caught }: typeof totals) => caught >= minCatchRate * planted - 1e-9;
  if (totals.planted < minPlanted) return 'too-few';
  const blocks = mode === 'required' ? totals : mode === 'auto' ? asked : undefined;
  if (blocks && !enough(blocks)) return 'failed';
  return enough(totals) ? 'passed' : 'advised';
}

/** What would catch the kinds that came through; undefined: all were caught. */
export function whatIsNeeded(kinds: readonly KindAudit[]): string | undefined {
  const missed = deciding(kinds).filter((one) => one.caught < one.planted);
  if (missed.length === 0) return undefined;
  const means = [
    ...new Set(missed.flatMap(({ kind }) => gatesFor(kind).flatMap(({ remedy }) => remedy ?? []))),
  ];
  const through = missed.map(({ kind, planted, caught }) => `${kind} ${planted - caught} of ${planted}`);
  return `Bad work of these kinds would pass as good: ${through.join(', ')}. What would catch it: ${means.join(', ')}.`;
}

/** One line: how many were caught of how many, which kinds came through, and past which gates. */
export function auditText(kinds: readonly KindAudit[], minCatchRate: number): string {
  const { planted, caught } = totalsOf(kinds);
  const missed = kinds.filter((one) => one.caught < one.planted);
  const through = missed.map(({ kind, planted: of, caught: some }) => `${kind} ${of - some} of ${of}`);
  const required = auditByGate(missed).filter(({ advisory }) => !advisory);
  const past = required.map(({ gate }) => gate).join(', ') || 'no required gate';
  return (
    `the gates caught ${caught} of ${planted} planted bad samples, ${percent(caught / planted)} < ${percent(minCatchRate)}: ` +
    `${through.join(', ')} passed ${past}`
  );
}

const percent = (share: number): string => `${Number((100 * share).toFixed(1))} %`;
