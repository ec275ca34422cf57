/** Sessions of the web page. */
import { randomBytes } from 'node:crypto';
import { and, desc, eq, gt, isNull, lt, ne, sql } from 'drizzle-orm';
import { digestOf } from '../../process/digest.ts';
import type { Db } from '../connect.ts';
import { webSessions, type WebRole } from '../schema.ts';

export type WebSession = typeof webSessions.$inferSelect;

/** Nobody has used it for so long: it is over. */
const UNUSED_MS = 7 * 86_400_000;
/** However much it is used, it ends so long after it began. */
export const LONGEST_MS = 30 * 86_400_000;
/** Its last use is stored no more often than this. */
const SEEN_EVERY_MS = 60_000;
const AGENT_CHARACTERS = 200;

const isOpen = (now: number) =>
  and(
    isNull(webSessions.endedAt),
    gt(webSessions.seenAt, new Date(now - UNUSED_MS)),
    gt(webSessions.createdAt, new Date(now - LONGEST_MS)),
  );

/** Begins one. @returns the secret for the browser, which stands nowhere else */
export async function beginSession(
  db: Db,
  { role, tokenDigest, agent }: { role: WebRole; tokenDigest: string; agent: string },
): Promise<string> {
  const secret = randomBytes(32).toString('base64url');
  await db
    .insert(webSessions)
    .values({ digest: digestOf(secret), role, tokenDigest, agent: agent.slice(0, AGENT_CHARACTERS) });
  await db.delete(webSessions).where(lt(webSessions.createdAt, new Date(Date.now() - 2 * LONGEST_MS)));
  return secret;
}

/** The session of a browser, if it is still good. */
export async function findSession(db: Db, secret: string, now = Date.now()): Promise<WebSession | undefined> {
  const [session] = await db
    .select()
    .from(webSessions)
    .where(and(eq(webSessions.digest, digestOf(secret)), isOpen(now)));
  if (session && now - session.seenAt.getTime() > SEEN_EVERY_MS)
    await db
      .update(webSessions)
      .set({ seenAt: new Date(now) })
      .where(eq(webSessions.id, session.id));
  return session;
}

/** All that are good, the last used first. */
export async function openSessions(db: Db, now = Date.now()): Promise<WebSession[]> {
  return db.select().from(webSessions).where(isOpen(now)).orderBy(desc(webSessions.seenAt)).limit(500);
}

/** Ends one, or all but one. @returns how many */
export async function endSessions(db: Db, which: { id: number } | { allBut: number }): Promise<number> {
  const asked = 'id' in which ? eq(webSessions.id, which.id) : ne(webSessions.id, which.allBut);
  const ended = await db
    .update(webSessions)
    .set({ endedAt: sql`now()` })
    .where(and(asked, isNull(webSessions.endedAt)))
    .returning({ id: webSessions.id });
  return ended.length;
}
