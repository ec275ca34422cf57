/** Well under the heartbeat timeout of 20 s that activities have which beat themselves. */
const HEARTBEAT_MS = 5_000;

/**
 * Does an activity's work and tells Temporal at its beginning and every few seconds that it lives: of many short pieces of work, one after the
 * other, none may last to its first beat. `tell`: sends a heartbeat, or not.
 */
export async function beating<T>(tell: () => void, work: () => Promise<T>): Promise<T> {
  tell();
  const beat = setInterval(tell, HEARTBEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
  }
}
