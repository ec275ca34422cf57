import { bigint, boolean, customType, text, timestamp, type AnyPgColumn } from 'drizzle-orm/pg-core';
import type { z } from 'zod';
import { storableJson } from '../storable.ts';

export const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
export const ref = (name: string) => bigint(name, { mode: 'number' });
/** A reference to a row that there must be. */
export const to = (name: string, row: () => AnyPgColumn) => ref(name).notNull().references(row);
export const at = (name: string) => timestamp(name, { withTimezone: true });
export const createdAt = () => at('created_at').notNull().defaultNow();

/** A number that may pass two thousand million: bytes, parameters. */
export const large = (name: string) => bigint(name, { mode: 'number' });

/** JSON as PostgreSQL takes it, whatever strings it holds (see storable.ts). */
export const jsonb = customType<{ data: unknown; driverData: string }>({
  dataType: () => 'jsonb',
  toDriver: storableJson,
});

/** JSON whose shape is looked at where it is read. @param column as an error names it */
export const jsonOf = <Shape extends z.ZodType>(column: string, shape: Shape) =>
  customType<{ data: z.output<Shape>; driverData: string }>({
    dataType: () => 'jsonb',
    toDriver: storableJson,
    fromDriver(stored) {
      const read = shape.safeParse(stored);
      if (read.success) return read.data;
      const { path, message } = read.error.issues[0]!;
      throw new Error(
        `The database holds what this version can't read: ${[column, ...path].join('.')}: ${message}.`,
      );
    },
  })(column.split('.').at(-1)!);

/** A count that a stranger named (tokens, say): kept within what the column holds. */
export const count = customType<{ data: number; driverData: number }>({
  dataType: () => 'integer',
  toDriver: (value) => Math.min(Math.max(Math.round(value) || 0, 0), 2 ** 31 - 1),
});

/** Of a work that a model wrote: is it in form, does it hang together, how did it end, how long is it? */
export const workColumns = () => ({
  formatOk: boolean('format_ok').notNull(),
  formatReason: text('format_reason').notNull(),
  coherenceOk: boolean('coherence_ok').notNull(),
  coherenceReason: text('coherence_reason').notNull(),
  finishReason: text('finish_reason').notNull(),
  completionTokens: count('completion_tokens').notNull(),
});
