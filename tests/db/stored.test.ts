/** JSON columns that the database does not look into are looked at where they are read. */
import { is } from 'drizzle-orm';
import { PgTable } from 'drizzle-orm/pg-core';
import { expect, it } from 'vitest';
import * as schema from '../../db/schema.ts';

type Column = { mapFromDriverValue(stored: unknown): unknown; getSQLType(): string };

const columns = Object.values(schema as Record<string, unknown>)
  .filter((table) => is(table, PgTable))
  .flatMap((table) => Object.values(table as unknown as Record<string, Column>))
  .filter((column) => column?.getSQLType?.() === 'jsonb');

const read = (column: Column, stored: unknown) => {
  try {
    column.mapFromDriverValue(stored);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
};

it('names the column that holds what this version cannot read', () => {
  const checked = columns.map((column) => read(column, 'no such shape')).filter((one) => one !== undefined);
  expect(new Set(checked.map((one) => /can't read: ([a-z_.]+): /.exec(one)?.[1]))).toEqual(
    new Set([
      'adjustments.numbers',
      'audits.kinds',
      'calibrations.cells',
      'decisions.numbers',
      'drift.alarms',
      'drift.measures',
      'footprints.rounds',
      'gateway_completions.redacted',
      'gateway_completions.replies',
      'iterations.plan',
      'memory_tests.classes',
      'prompts.source',
      'stages.output',
      'votes.tallies',
    ]),
  );
});

it('keeps what nobody reads by name', () => {
  const plan = { seed: 1, levels: [4], since: 'a later version' };
  expect((schema.iterations.plan as unknown as Column).mapFromDriverValue(plan)).toEqual(plan);
  const measures = { texts: 3, tokens: 40, later: 1 };
  expect((schema.drift.measures as unknown as Column).mapFromDriverValue(measures)).toEqual(measures);
});
