import type { ActivityInterceptorsFactory } from '@temporalio/worker';

/** Well under the heartbeat timeout of light work. */
const BEAT_MS = 5_000;

/**
 * Beats for an activity from outside of it. Light work has no natural place to beat from, and without beats the
 * death of its worker is noticed only when its time is up: minutes, for work of milliseconds.
 */
export const beating: ActivityInterceptorsFactory = (context) => ({
  inbound: {
    async execute(input, next) {
      const beat = setInterval(() => context.heartbeat(), BEAT_MS);
      try {
        return await next(input);
      } finally {
        clearInterval(beat);
      }
    },
  },
});
