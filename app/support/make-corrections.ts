/**
 * From conversations to corrections: redacted first, then searched for what users put right, checked against the policies, each with its
 * fate. What a person has decided of a row stays decided.
 */
import { existsSync } from 'node:fs';
import { InvalidInputError } from '../../tasks/errors.ts';
import { candidatesOf, type Candidate, type Passed } from '../../tasks/support/candidates.ts';
import { readConversations, redacted, type Conversation } from '../../tasks/support/conversations.ts';
import { readLibrary } from '../../tasks/support/library.ts';
import { fatesOf } from '../../tasks/support/fates.ts';
import { FATES, readCorrections, type CorrectionRow, type Fate } from '../../tasks/support/rows.ts';
import type { SupportTask } from '../../tasks/support/schema.ts';

export type MadeCorrections = {
  rows: CorrectionRow[];
  conversations: number;
  /** Rows by what became of them. */
  fates: Record<Fate, number>;
  /** Follow-ups of which nothing was made. */
  passed: Passed;
  /** How often each kind of personal data was taken out. */
  redacted: Record<string, number>;
};

export type Decision = { ids: string[]; fate: 'learn' | 'refused'; by: string };

/** @throws InvalidInputError naming an id that no correction has */
function decide(rows: readonly CorrectionRow[], decisions: readonly Decision[]): CorrectionRow[] {
  const known = new Map(rows.map((row) => [row.id, row]));
  const problems: string[] = [];
  for (const { ids, fate, by } of decisions) {
    for (const id of ids) {
      const row = known.get(id);
      if (!row)
        problems.push(
          `there is no correction ${JSON.stringify(id)}: \`ratchet corrections --json\` lists them`,
        );
      else if (fate === 'learn' && row.answer === undefined)
        problems.push(`${id} does not say what is right, so nothing can be learnt from it`);
      else
        known.set(id, {
          ...row,
          fate,
          decidedBy: by,
          reason: `${by} ${fate === 'learn' ? 'accepted' : 'refused'} it`,
        });
    }
  }
  if (problems.length > 0) throw new InvalidInputError(problems);
  return [...known.values()];
}

/**
 * @param more conversations from elsewhere than the task's file: those of the gateway
 * @throws InvalidInputError naming what is wrong with policies, conversations or decisions
 */
export async function makeCorrections(
  task: SupportTask,
  { more = [], decisions = [] }: { more?: readonly Conversation[]; decisions?: readonly Decision[] },
): Promise<MadeCorrections> {
  const { passages, names, common, check } = await readLibrary(task);
  const own = task.conversations === undefined ? [] : await readConversations(task.conversations);
  const all = [...own, ...more];
  if (all.length === 0)
    throw new InvalidInputError([
      'there are no conversations: name a file (conversations), or take those of the gateway (--gateway)',
    ]);
  const counts: Record<string, number> = {};
  const passed: Passed = { question: 0, unclear: 0, clarification: 0 };
  const candidates: Candidate[] = [];
  const kept = new Set([...names, ...common]);
  for (const given of all) {
    const clean = redacted(given, task.redact, kept);
    for (const [kind, n] of Object.entries(clean.counts)) counts[kind] = (counts[kind] ?? 0) + n;
    const made = candidatesOf(clean.conversation, { names, common });
    candidates.push(...made.found);
    for (const kind of Object.keys(passed) as (keyof Passed)[]) passed[kind] += made.passed[kind];
  }
  const before = existsSync(task.corrections) ? await readCorrections(task.corrections) : [];
  const decided = new Map(
    before.filter(({ decidedBy }) => decidedBy !== undefined).map((row) => [row.id, row]),
  );
  const rows = decide(
    fatesOf(candidates, { check, passages, unsupported: task.unsupported, wordings: task.wordings }, decided),
    decisions,
  );
  const fates = Object.fromEntries(
    FATES.map((fate) => [fate, rows.filter((row) => row.fate === fate).length]),
  );
  return { rows, conversations: all.length, fates: fates as Record<Fate, number>, passed, redacted: counts };
}
