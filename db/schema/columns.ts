import { bigint, customType, timestamp } from 'drizzle-orm/pg-core';
import { storableJson } from '../storable.ts';

export const id = () => bigint('id', { mode: 'number' }).primaryKey().generatedAlwaysAsIdentity();
export const ref = (name: string) => bigint(name, { mode: 'number' });
export const at = (name: string) => timestamp(name, { withTimezone: true });
export const createdAt = () => at('created_at').notNull().defaultNow();

/** JSON as PostgreSQL takes it, whatever strings it holds (see storable.ts). */
export const jsonb = customType<{ data: unknown; driverData: string }>({
  dataType: () => 'jsonb',
  toDriver: storableJson,
});

/** A count that a stranger named (tokens, say): kept within what the column holds. */
export const count = customType<{ data: number; driverData: number }>({
  dataType: () => 'integer',
  toDriver: (value) => Math.min(Math.max(Math.round(value) || 0, 0), 2 ** 31 - 1),
});
