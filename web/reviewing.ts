/** Who reviews in which browser, and when a run is told that its reviewers are done. */
import { createHash, randomBytes } from 'node:crypto';
import type { Context } from 'hono';
import { getCookie, setCookie } from 'hono/cookie';
import { errorMessage } from '../process/errors.ts';
import { tellIterations, type Who } from '../app/review/review.ts';
import { redacted } from '../process/secrets.ts';
import type { Deps } from './deps.ts';

const NAME = 'ratchet_reviewer';
const SESSION = 'ratchet_reviewing';
const YEAR_S = 31_536_000;
export const LONGEST_NAME = 60;

const kept = { path: '/', httpOnly: true, sameSite: 'Strict', maxAge: YEAR_S } as const;

/** A name as it may be stored. Undefined where nothing is left of it. */
export function cleanName(text: string): string | undefined {
  const name = text.replace(/\p{C}/gu, '').trim().slice(0, LONGEST_NAME).trim();
  return name || undefined;
}

const nameOf = (c: Context, deps: Deps) => cleanName(getCookie(c, NAME) ?? '') ?? deps.operator;

/** Claims bear no secret: who reads one can't act as that browser. */
const holderOf = (name: string, session: string) =>
  `${name}@web/${createHash('sha256').update(session).digest('hex').slice(0, 10)}`;

/** The reviewer of this browser; undefined as `holder` where it has not begun to review. */
export function reviewerOf(c: Context, deps: Deps): { reviewer: string; holder: string | undefined } {
  const session = getCookie(c, SESSION);
  const reviewer = nameOf(c, deps);
  return { reviewer, holder: session ? holderOf(reviewer, session) : undefined };
}

/** The same, and from now on this browser reviews. */
export function beginReviewing(c: Context, deps: Deps, name?: string): Who {
  let session = getCookie(c, SESSION);
  if (!session) {
    session = randomBytes(18).toString('base64url');
    setCookie(c, SESSION, session, kept);
  }
  if (name !== undefined) setCookie(c, NAME, name, kept);
  const reviewer = name ?? nameOf(c, deps);
  return { reviewer, holder: holderOf(reviewer, session) };
}

/** Whose claim this is, without the session. */
export const whose = (holder: string) => holder.slice(0, holder.lastIndexOf('@')) || holder;

/** The last decision can be taken back this long. */
export const GRACE_MS = 15_000;
/** Who decides nothing for so long may have gone; the run is told what there is. */
const QUIET_MS = 120_000;

/**
 * Tells iterations of decisions, not of each one: each message costs events of their histories. What this process has not told
 * when it ends, or can't, they find themselves within the hour.
 */
export function createTeller(deps: Deps) {
  const waiting = new Map<string, NodeJS.Timeout>();
  const keyOf = (runId: string, index: number) => `${index}/${runId}`;

  function forget(runId: string, index: number): void {
    clearTimeout(waiting.get(keyOf(runId, index)));
    waiting.delete(keyOf(runId, index));
  }

  /** @returns what is wrong, if Temporal does not answer */
  async function now(runId: string, index: number): Promise<string | undefined> {
    forget(runId, index);
    try {
      await tellIterations(await deps.temporal(), runId, [index]);
      return undefined;
    } catch (error) {
      return `The decisions are stored; the run could not be told and looks itself within the hour: ${errorMessage(error)}`;
    }
  }

  return {
    now,
    forget,
    /** @param over nothing is waited for any more */
    later(runId: string, index: number, over: boolean): void {
      forget(runId, index);
      const tell = () =>
        void now(runId, index).then((problem) => {
          if (problem) console.error(redacted(`${runId}: ${problem}`));
        });
      const timer = setTimeout(tell, over ? GRACE_MS : QUIET_MS);
      timer.unref();
      waiting.set(keyOf(runId, index), timer);
    },
  };
}
