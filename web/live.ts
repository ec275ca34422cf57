/**
 * Tells open pages that what they show has changed. It carries no content: a page asks for itself again, so that it is drawn in
 * one place only. However many pages are open, each topic is looked at once a second, and only while somebody watches it.
 */
import type { Context } from 'hono';
import { streamSSE } from 'hono/streaming';
import type { Db } from '../db/connect.ts';
import { runVersion, runsVersion } from '../db/queries/overview.ts';
import { reviewVersion } from '../db/queries/review-queue.ts';

const LOOK_MS = 1_000;
/** Proxies cut what is silent for a minute. */
const BEAT_MS = 20_000;

export type Topic = 'runs' | `run:${string}` | 'reviews' | `review:${string}`;

export const isTopic = (text: string): text is Topic =>
  text === 'runs' || text === 'reviews' || /^(run|review):./s.test(text);

type Watched = {
  version: string | undefined;
  listeners: Set<(version: string) => void>;
  timer: NodeJS.Timeout;
};

export function createLive(db: Db, lookMs = LOOK_MS) {
  const watched = new Map<Topic, Watched>();

  const versionOf = (topic: Topic) => {
    if (topic === 'runs') return runsVersion(db);
    if (topic === 'reviews') return reviewVersion(db);
    if (topic.startsWith('review:')) return reviewVersion(db, topic.slice('review:'.length));
    return runVersion(db, topic.slice('run:'.length));
  };

  async function look(topic: Topic): Promise<void> {
    const entry = watched.get(topic);
    if (!entry) return;
    // A database that is away for a moment is asked again; pages say nothing new meanwhile.
    const version = await versionOf(topic).catch(() => entry.version);
    if (watched.get(topic) !== entry) return;
    if (version !== undefined && version !== entry.version) {
      entry.version = version;
      for (const tell of entry.listeners) tell(version);
    }
    entry.timer = setTimeout(() => void look(topic), lookMs);
    entry.timer.unref();
  }

  function watch(topic: Topic, listener: (version: string) => void): () => void {
    let entry = watched.get(topic);
    if (!entry) {
      entry = { version: undefined, listeners: new Set(), timer: setTimeout(() => void look(topic), 0) };
      watched.set(topic, entry);
    } else if (entry.version !== undefined) listener(entry.version);
    entry.listeners.add(listener);
    const own = entry;
    return () => {
      own.listeners.delete(listener);
      if (own.listeners.size > 0 || watched.get(topic) !== own) return;
      clearTimeout(own.timer);
      watched.delete(topic);
    };
  }

  return {
    /** How many topics are being looked at. */
    get topics() {
      return watched.size;
    },
    /** Server-sent events: `version` at once and after each change. The page compares it with the one it was drawn at. */
    stream(c: Context, topic: Topic): Response {
      return streamSSE(c, async (stream) => {
        let wake: () => void = () => {};
        let newest: string | undefined;
        const stop = watch(topic, (version) => {
          newest = version;
          wake();
        });
        stream.onAbort(() => {
          stop();
          wake();
        });
        let sent: string | undefined;
        await stream.write(': open\n\n');
        while (!stream.aborted) {
          if (newest !== undefined && newest !== sent) {
            sent = newest;
            await stream.writeSSE({ event: 'version', data: newest });
            continue;
          }
          const timedOut = await new Promise<boolean>((resolve) => {
            const timer = setTimeout(() => resolve(true), BEAT_MS);
            timer.unref();
            wake = () => {
              clearTimeout(timer);
              resolve(false);
            };
          });
          if (timedOut) await stream.write(': here\n\n');
        }
        stop();
      });
    },
  };
}
