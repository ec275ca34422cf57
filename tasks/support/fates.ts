/**
 * What becomes of corrections: orders to the model and what a policy contradicts are refused, of one person's two the later counts, those
 * that contradict each other go to review, and what no policy supports is refused or reviewed. What is left is learnt.
 */
import { keyOf } from '../file/rows.ts';
import type { AccuracyCheck, Accuracy } from './accuracy.ts';
import type { Candidate } from './candidates.ts';
import type { Passage } from './policies.ts';
import type { CorrectionRow, Fate } from './rows.ts';

export type Judging = {
  check: AccuracyCheck;
  passages: ReadonlyMap<string, Passage>;
  unsupported: 'refuse' | 'review';
  /** Most wordings of one passage that are learnt. */
  wordings: number;
};

type Judged = {
  candidate: Candidate;
  accuracy?: Accuracy;
  fate?: Fate;
  reason: string;
  supersededBy?: string;
};

function judgeAlone(candidate: Candidate, { check }: Judging): Judged {
  const { kind, request, before, answer } = candidate;
  if (kind === 'hostile')
    return { candidate, fate: 'refused', reason: 'it gives the model orders, or only insults it' };
  if (answer === undefined) {
    const reason =
      kind === 'thanks'
        ? 'the answer claims nothing that could be checked'
        : 'it says that the answer is wrong, and not what is right';
    return { candidate, fate: 'refused', reason };
  }
  const accuracy = check(request, answer, before);
  if (accuracy.outcome === 'contradicted')
    return { candidate, accuracy, fate: 'refused', reason: accuracy.reason };
  if (kind === 'thanks')
    return {
      candidate,
      accuracy,
      fate: accuracy.outcome === 'supported' ? 'keep' : 'refused',
      reason: accuracy.reason,
    };
  return { candidate, accuracy, reason: accuracy.reason };
}

/** Of one person's corrections of one request the newest counts. Who is not named is nobody's namesake. */
function supersede(group: readonly Judged[]): void {
  for (const own of Map.groupBy(group, ({ candidate }) => candidate.by).values()) {
    const newest = own
      .toSorted(
        (a, b) =>
          a.candidate.at.localeCompare(b.candidate.at) || a.candidate.id.localeCompare(b.candidate.id),
      )
      .at(-1)!;
    for (const one of own) {
      if (one === newest || one.candidate.answer === newest.candidate.answer) continue;
      one.fate = 'superseded';
      one.supersededBy = newest.candidate.id;
      one.reason = `${newest.candidate.by} said ${newest.candidate.answer} later`;
    }
  }
}

function contradict(group: readonly Judged[]): void {
  const open = group.filter(({ fate }) => fate === undefined);
  const answers = [...new Set(open.map(({ candidate }) => candidate.answer!))];
  if (answers.length < 2) return;
  for (const one of open) {
    // Where the policy has it, there is nothing to decide.
    if (one.accuracy?.outcome === 'supported') continue;
    one.fate = 'review';
    one.reason = `corrections of this request contradict each other: ${answers.join(' | ')}`;
  }
  const supported = open.filter(({ accuracy }) => accuracy?.outcome === 'supported');
  if (new Set(supported.map(({ candidate }) => candidate.answer)).size < 2) return;
  for (const one of supported) {
    one.fate = 'review';
    one.reason = `the policy has each of the answers that corrections of this request give: ${answers.join(' | ')}`;
  }
}

/** @param decided rows that a person has decided, by id: their word stands */
export function fatesOf(
  candidates: readonly Candidate[],
  judging: Judging,
  decided: ReadonlyMap<string, CorrectionRow> = new Map(),
): CorrectionRow[] {
  const judged = candidates.map((candidate) => judgeAlone(candidate, judging));
  const corrections = judged.filter(
    ({ candidate, fate }) => candidate.kind !== 'thanks' && fate === undefined,
  );
  const subject = ({ candidate, accuracy }: Judged) => accuracy?.passage ?? keyOf(candidate.request);
  for (const group of Map.groupBy(corrections, subject).values()) {
    supersede(group);
    contradict(group);
  }
  const rows = judged.map(({ candidate, accuracy, fate, reason, supersededBy }) => {
    const left: Fate =
      accuracy?.outcome === 'supported' ? 'learn' : judging.unsupported === 'refuse' ? 'refused' : 'review';
    const passage = accuracy?.passage === undefined ? undefined : judging.passages.get(accuracy.passage);
    const said = decided.get(candidate.id);
    return {
      ...candidate,
      ...(passage ? { passage: { id: passage.id, text: passage.text } } : {}),
      fate: fate ?? left,
      reason,
      ...(supersededBy === undefined ? {} : { supersededBy }),
      ...(said ? { fate: said.fate, reason: said.reason, decidedBy: said.decidedBy! } : {}),
    };
  });
  return holdBack(rows, judging.wordings);
}

/** The first wordings of a passage are learnt; those that users found later measure whether it stays learnt. */
function holdBack(rows: readonly CorrectionRow[], wordings: number): CorrectionRow[] {
  const learnt = rows
    .filter(({ fate, passage, decidedBy }) => fate === 'learn' && passage && decidedBy === undefined)
    .toSorted((a, b) => a.at.localeCompare(b.at) || a.id.localeCompare(b.id));
  const held = new Set<CorrectionRow>();
  for (const own of Map.groupBy(learnt, ({ passage }) => passage!.id).values()) {
    const first = new Set([...new Set(own.map(({ request }) => keyOf(request)))].slice(0, wordings));
    for (const row of own) if (!first.has(keyOf(row.request))) held.add(row);
  }
  return rows.map((row) =>
    held.has(row)
      ? { ...row, fate: 'hold', reason: `${row.reason}; it is learnt in ${wordings} other wordings` }
      : row,
  );
}
