/** Who is logged in to the web page. A session is ended here, wherever its browser is. */
import { index, pgTable, text } from 'drizzle-orm/pg-core';
import { at, createdAt, id } from './columns.ts';

export type WebRole = 'review' | 'operate';

export const webSessions = pgTable(
  'web_sessions',
  {
    id: id(),
    /** SHA-256 of what the browser's cookie holds. */
    digest: text('digest').notNull().unique(),
    role: text('role').$type<WebRole>().notNull(),
    /** Of the token with which it began: a session of another one is worth nothing. */
    tokenDigest: text('token_digest').notNull(),
    /** The beginning of the browser's own name for itself. */
    agent: text('agent').notNull(),
    createdAt: createdAt(),
    seenAt: at('seen_at').notNull().defaultNow(),
    endedAt: at('ended_at'),
  },
  (t) => [index().on(t.seenAt)],
);
