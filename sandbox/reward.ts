/** What a reward says of a sample: it holds from a threshold on. Null: the function could not tell. */
import { z } from 'zod';

/** A line of output, `{"token": …, "rewards": [0.5, null]}`, with the token that was given. */
const lineSchema = z.object({ token: z.string(), rewards: z.array(z.number().nullable()) });

/** Of so many samples the rewards, from the last line with the token; undefined where there is none. */
export function readRewards(stdout: string, token: string, count: number): (number | null)[] | undefined {
  for (const line of stdout.split('\n').toReversed()) {
    if (!line.includes(token)) continue;
    try {
      const said = lineSchema.parse(JSON.parse(line));
      if (said.token === token && said.rewards.length === count) return said.rewards;
    } catch {
      // A line of the function's own.
    }
  }
  return undefined;
}

/** `score` is the reward where it can be one, from 0 to 1. */
export function judged(
  reward: number | null,
  threshold: number,
): { ok: boolean | null; score: number | null; reason: string } {
  if (reward === null) return { ok: null, score: null, reason: 'the reward function gave nothing' };
  const ok = reward >= threshold;
  const score = reward >= 0 && reward <= 1 ? reward : null;
  return { ok, score, reason: `reward ${reward} ${ok ? '≥' : '<'} ${threshold}` };
}
