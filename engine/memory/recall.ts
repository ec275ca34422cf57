/** Which memory entries stand before which problems of an iteration. */
import { inArray, sql, type SQL } from 'drizzle-orm';
import type { Db } from '../../db/connect.ts';
import {
  admittedMemory,
  allowedMemory,
  memoryByIds,
  type MemoryEntry,
  type Recallable,
} from '../../db/queries/memory.ts';
import type { StoredPrompt } from '../../db/queries/prompts.ts';
import { prompts } from '../../db/schema.ts';
import { createLeakIndex } from '../../loop/leaks.ts';
import { remembered, type Rememberable } from '../../loop/memory.ts';
import type { IterationContext } from '../context.ts';
import { memoryScope } from './scope.ts';

type Question = Pick<StoredPrompt, 'id' | 'key' | 'text' | 'level'>;

const rememberable = (entry: Recallable): Rememberable & { entry: Recallable } => {
  const { id, tokens, kind, source, request, level } = entry;
  const text = source ?? request ?? '';
  return { id, tokens, entry, ...(kind === 'pattern' ? { problem: { text, level } } : {}) };
};

/** What stands before a question of these entries: nearest ones within the budget, no near copy of the question. */
function choice(
  { settings }: IterationContext,
  entries: readonly Recallable[],
  { key, text, level }: Question,
): Recallable[] {
  const asked = { benchmark: 'query', key, text };
  const index = createLeakIndex([asked], settings.leaks.similarity);
  return remembered(
    entries.map(rememberable),
    { text, level },
    settings.memory,
    ({ problem }) => problem !== undefined && index.find({ text: problem.text }) !== undefined,
  ).map(({ entry }) => entry);
}

/**
 * What stands before each of these questions, of each of these sets of entries.
 *
 * @param asked a query of the questions' `id` and `key`
 */
export async function recall<Name extends string>(
  db: Db,
  context: IterationContext,
  sets: Record<Name, readonly Pick<MemoryEntry, 'id'>[]>,
  { questions, asked }: { questions: readonly Question[]; asked: SQL },
): Promise<Map<number, Record<Name, Recallable[]>>> {
  const names = Object.keys(sets) as Name[];
  const ids = [...new Set(names.flatMap((name) => sets[name].map(({ id }) => id)))];
  const entries = await memoryByIds(db, ids);
  const allowed = await allowedMemory(db, context.run.id, ids, asked);
  return new Map(
    questions.map((question) => {
      const may = allowed.get(question.id) ?? new Set();
      const chosen = names.map((name) => {
        const own = sets[name].flatMap(({ id }) => (may.has(id) ? entries.get(id)! : []));
        return [name, choice(context, own, question)] as const;
      });
      return [question.id, Object.fromEntries(chosen) as Record<Name, Recallable[]>];
    }),
  );
}

/** The entries before each of these prompts; none where memory is off, or a prompt is easy (rehearsal). */
export async function memoryFor(
  db: Db,
  context: IterationContext,
  page: readonly StoredPrompt[],
): Promise<Map<number, MemoryEntry[]>> {
  const questions = page.filter(({ purpose }) => purpose !== 'rehearse');
  if (context.settings.memory.mode === 'off' || questions.length === 0) return new Map();
  const entries = await admittedMemory(db, memoryScope(context));
  if (entries.length === 0) return new Map();
  const ids = questions.map(({ id }) => id);
  const asked = sql`select id, key from ${prompts} where ${inArray(prompts.id, ids)}`;
  const found = await recall(db, context, { shown: entries }, { questions, asked });
  return new Map([...found].map(([id, { shown }]) => [id, shown]));
}
