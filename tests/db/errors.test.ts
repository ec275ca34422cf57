/** What becomes of a query's failure on its way to Temporal. */
import { ApplicationFailure } from '@temporalio/common';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../db/connect.ts';
import { toDatabaseFailure } from '../../db/errors.ts';
import { runs } from '../../db/schema.ts';
import { createTestDatabase } from '../support/database.ts';
import { freePort } from '../support/ports.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

async function failureOf(query: Promise<unknown>): Promise<ApplicationFailure> {
  const error = toDatabaseFailure(await query.catch((thrown: unknown) => thrown));
  expect(error).toBeInstanceOf(ApplicationFailure);
  return error as ApplicationFailure;
}

const SECRET = 'a rationale of a sample';

it.each([
  [sql`select ${SECRET}::integer`, '22P02'],
  [sql`insert into prompts (text) values (${SECRET})`, '23502'],
  [sql`select ${SECRET}, nothing from runs`, '42703'],
])('is a bug, said in PostgreSQL’s words, where it refuses: %#', async (query, state) => {
  const failure = await failureOf(database.db.execute(query));
  expect(failure).toMatchObject({ type: 'DatabaseRefused', nonRetryable: true });
  const [first] = failure.message.split('\n');
  expect(first).toMatch(new RegExp(`^PostgreSQL refused a query: .*\\(${state}\\)$`));
  expect(failure.cause).toBeUndefined();
});

it('does not say what was to be stored, however much that was', async () => {
  const row = {
    id: 'x',
    task: SECRET,
    taskSpec: null,
    settings: {},
    codeVersion: SECRET.repeat(10_000),
  };
  const failure = await failureOf(database.db.insert(runs).values(row as never));
  expect(failure).toMatchObject({ type: 'DatabaseRefused', nonRetryable: true });
  expect(failure.message).not.toContain(SECRET);
  expect(failure.message).toContain('query: insert into "runs"');
  expect(JSON.stringify(failure).length).toBeLessThan(4096);
});

it('is refused for good where an index can not hold a text: waiting makes it no shorter', async () => {
  const long = Array.from({ length: 50_000 }, (_, i) => String.fromCharCode(0x4e00 + ((i * 7919) % 20_000)));
  const row = { id: long.join(''), task: 't', taskSpec: {}, settings: {}, codeVersion: '1' };
  expect(await failureOf(database.db.insert(runs).values(row as never))).toMatchObject({
    type: 'DatabaseRefused',
    message: expect.stringMatching(/index row .*\(54000\)/),
  });
});

it('is tried again where a server does not answer', async () => {
  const away = connect(`postgres://nobody@127.0.0.1:${await freePort()}/nothing`);
  const failure = await failureOf(away.execute(sql`select 1`));
  expect(failure).toMatchObject({
    type: 'DatabaseUnavailable',
    nonRetryable: false,
    message: expect.stringMatching(/^PostgreSQL: connect ECONNREFUSED 127\.0\.0\.1/),
  });
  await away.$client.end();
});

it('is tried again where a server ends the connection', async () => {
  const ended = database.db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    await database.db.execute(sql`select pg_terminate_backend(${rows[0]!.pid})`);
    await tx.execute(sql`select pg_sleep(5)`);
  });
  expect(await failureOf(ended)).toMatchObject({ type: 'DatabaseUnavailable', nonRetryable: false });
});

it('leaves other errors alone', () => {
  const bug = new TypeError('no');
  expect(toDatabaseFailure(bug)).toBe(bug);
});
