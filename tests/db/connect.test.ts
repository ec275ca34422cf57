import { connect as dial, createServer, type Socket } from 'node:net';
import type { AddressInfo } from 'node:net';
import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { connect } from '../../db/connect.ts';
import { toDatabaseFailure } from '../../db/errors.ts';
import { createTestDatabase } from '../support/database.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;

beforeAll(async () => {
  database = await createTestDatabase();
});

afterAll(() => database?.drop());

it('loses a transaction, not the process, when the server drops its connection', async () => {
  const { db } = database;
  const lost = db.transaction(async (tx) => {
    const { rows } = await tx.execute<{ pid: number }>(sql`select pg_backend_pid() as pid`);
    await db.execute(sql`select pg_terminate_backend(${rows[0]!.pid})`);
    await tx.execute(sql`select pg_sleep(5)`);
  });
  await expect(lost).rejects.toThrow();
  const { rows } = await db.execute(sql`select 1 as one`);
  expect(rows).toEqual([{ one: 1 }]);
});

it('ends a statement that runs too long, as one to try again, and goes on', async () => {
  const db = connect(database.url, 2, 10_000, { statementMs: 300 });
  const error = toDatabaseFailure(
    await db.execute(sql`select pg_sleep(20)`).catch((thrown: unknown) => thrown),
  );
  expect(error).toMatchObject({
    type: 'DatabaseUnavailable',
    nonRetryable: false,
    message: expect.stringContaining('statement timeout (57014)'),
  });
  expect((await db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
  await db.$client.end();
});

it('gives up a connection on which nothing comes any more, and takes a new one', async () => {
  const { hostname, port } = new URL(database.url);
  let silent = false;
  const open = new Set<Socket>();
  // Between us and the server: what it swallows looks like a network that drops packets.
  const between = createServer((socket) => {
    const server = dial(Number(port), hostname);
    let swallows = false;
    open.add(socket).add(server);
    for (const one of [socket, server]) one.on('error', () => undefined);
    socket.on('data', (data) => {
      swallows ||= silent;
      if (!swallows) server.write(data);
    });
    server.on('data', (data) => swallows || socket.write(data));
    socket.on('close', () => server.destroy());
  });
  await new Promise<void>((resolve) => between.listen(0, '127.0.0.1', resolve));
  const url = new URL(database.url);
  url.hostname = '127.0.0.1';
  url.port = String((between.address() as AddressInfo).port);
  const db = connect(url.href, 1, 10_000, { statementMs: 300, silenceMs: 200 });
  const lost = db.transaction(async (tx) => {
    await tx.execute(sql`select 1`);
    silent = true;
    await tx.execute(sql`select 2`);
  });
  const error = toDatabaseFailure(await lost.catch((thrown: unknown) => thrown));
  silent = false;
  expect(error).toMatchObject({ type: 'DatabaseUnavailable', nonRetryable: false });
  // The only place of the pool is free again.
  expect((await db.execute(sql`select 1 as one`)).rows).toEqual([{ one: 1 }]);
  await db.$client.end();
  for (const socket of open) socket.destroy();
  between.close();
}, 30_000);
