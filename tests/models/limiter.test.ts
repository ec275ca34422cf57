import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { backOffMs, createLimiter, type Outcome, type Permit } from '../../models/limiter.ts';

/** Time that passes only when told. */
function virtualClock() {
  let now = 0;
  const timers: { at: number; wake: () => void }[] = [];
  return {
    now: () => now,
    random: () => 0.5,
    after: (ms: number, wake: () => void) => void timers.push({ at: now + ms, wake }),
    async advance(ms: number) {
      const until = now + ms;
      for (;;) {
        const due = timers.filter((t) => t.at <= until).toSorted((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers.splice(timers.indexOf(due), 1);
        now = Math.max(now, due.at);
        due.wake();
        await settled();
      }
      now = until;
    },
  };
}

/** Lets everything that was granted arrive. */
async function settled() {
  for (let i = 0; i < 5; i++) await Promise.resolve();
}

const CLEAN: Outcome = { kind: 'clean' };
const limited = (retryAfterMs?: number): Outcome => ({ kind: 'limited', retryAfterMs });

/** A limiter with `waiting` calls queued; `granted` are those that may run and have not ended. */
function setUp() {
  const clock = virtualClock();
  const limiter = createLimiter(clock);
  const granted: Permit[] = [];
  const never = new AbortController().signal;
  return {
    clock,
    limiter,
    granted,
    ask(calls: number, signal = never) {
      for (let i = 0; i < calls; i++)
        limiter.acquire(signal).then(
          (permit) => granted.push(permit),
          () => {},
        );
    },
    /** Ends everything that is in flight with this outcome: one round trip. */
    async end(outcome: Outcome) {
      await settled();
      const ended = granted.splice(0);
      for (const permit of ended) permit.release(outcome);
      await settled();
      return ended.length;
    },
  };
}

describe('slow start', () => {
  it('doubles with every clean round trip', async () => {
    const { ask, end } = setUp();
    ask(10_000);
    const trips: number[] = [];
    for (let i = 0; i < 7; i++) trips.push(await end(CLEAN));
    expect(trips).toEqual([8, 16, 32, 64, 128, 256, 512]);
  });

  it('does not grow where nobody comes up against the limit', async () => {
    const { ask, end, limiter } = setUp();
    for (let i = 0; i < 50; i++) {
      ask(3);
      await end(CLEAN);
    }
    expect(limiter.state()).toMatchObject({ limit: 8, inFlight: 0, waiting: 0 });
  });

  it('does not grow on failures that say nothing about load', async () => {
    const { ask, end } = setUp();
    ask(100);
    expect(await end({ kind: 'failed' })).toBe(8);
    expect(await end({ kind: 'failed' })).toBe(8);
  });
});

describe('back-off', () => {
  it('halves once for a whole window of refusals and holds every call for as long as the server asks', async () => {
    const { ask, end, clock, limiter, granted } = setUp();
    ask(10_000);
    for (let i = 0; i < 4; i++) await end(CLEAN);
    expect(await end(limited(3_000))).toBe(128);
    expect(limiter.state()).toMatchObject({ limit: 64, inFlight: 0, heldUntil: 3_000 });
    await clock.advance(2_999);
    expect(granted).toHaveLength(0);
    await clock.advance(1);
    expect(granted).toHaveLength(64);
  });

  it('grows by one per round trip afterwards', async () => {
    const { ask, end, clock } = setUp();
    ask(10_000);
    for (let i = 0; i < 2; i++) await end(CLEAN);
    await end(limited(1_000));
    await clock.advance(1_000);
    const trips: number[] = [];
    for (let i = 0; i < 4; i++) trips.push(await end(CLEAN));
    expect(trips).toEqual([16, 17, 18, 19]);
  });

  it('waits twice as long each time when the server names no wait', async () => {
    const { ask, end, clock, limiter } = setUp();
    ask(100);
    const holds: number[] = [];
    for (let i = 0; i < 9; i++) {
      await end(limited());
      holds.push(limiter.state().heldUntil - clock.now());
      await clock.advance(60_000);
    }
    expect(holds).toEqual([375, 750, 1500, 3000, 6000, 12_000, 22_500, 22_500, 22_500]);
    expect(limiter.state().limit).toBe(1);
  });

  it('regains what worked before a row of refusals by doubling: a restart costs no crawl', async () => {
    const { ask, end, clock } = setUp();
    ask(10_000);
    for (let i = 0; i < 5; i++) await end(CLEAN);
    for (let i = 0; i < 6; i++) {
      await end(limited(1_000));
      await clock.advance(1_000);
    }
    const trips: number[] = [];
    for (let i = 0; i < 8; i++) trips.push(await end(CLEAN));
    expect(trips).toEqual([4, 8, 16, 32, 64, 128, 129, 130]);
  });

  it('lets a late refusal of an old window lengthen the wait but not halve again', async () => {
    const { ask, clock, limiter, granted } = setUp();
    ask(8);
    await settled();
    granted[0]!.release(limited(1_000));
    await clock.advance(500);
    granted[1]!.release(limited(2_000));
    expect(limiter.state()).toMatchObject({ limit: 4, heldUntil: 2_500 });
  });
});

it('ends a wait at once when it is cancelled, and gives its place to nobody', async () => {
  const { limiter, ask, end, granted } = setUp();
  ask(8);
  await settled();
  const stop = new AbortController();
  const waiting = limiter.acquire(stop.signal);
  stop.abort(new Error('cancelled'));
  await expect(waiting).rejects.toThrow('cancelled');
  await expect(limiter.acquire(stop.signal)).rejects.toThrow('cancelled');
  expect(limiter.state()).toMatchObject({ inFlight: 8, waiting: 0 });
  expect(await end(CLEAN)).toBe(8);
  expect(granted).toHaveLength(0);
  expect(limiter.state().inFlight).toBe(0);
});

it('keeps its bounds and serves everyone, whatever the endpoint does', async () => {
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), calls: fc.nat(40) }) },
    {
      weight: 6,
      arbitrary: fc.record({
        kind: fc.constant('end' as const),
        calls: fc.nat(30),
        outcome: fc.constantFrom<Outcome>(CLEAN, CLEAN, { kind: 'failed' }, limited(), limited(700)),
      }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.nat(2_000) }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'cancel' as const }) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
      const { ask, end, clock, limiter, granted } = setUp();
      let doomed = new AbortController();
      const check = () => {
        const { limit, inFlight } = limiter.state();
        expect(limit).toBeGreaterThanOrEqual(1);
        expect(inFlight).toBe(granted.length);
      };
      for (const act of actions) {
        const before = granted.length;
        const { limit, heldUntil } = limiter.state();
        const held = heldUntil > clock.now();
        if (act.kind === 'ask') {
          ask(act.calls, doomed.signal);
          await settled();
          // Nothing begins during a hold, nor beyond the limit.
          expect(granted.length).toBe(
            held ? before : Math.max(before, Math.min(limit, before + limiter.state().waiting + act.calls)),
          );
        } else if (act.kind === 'end') {
          for (const permit of granted.splice(0, act.calls)) permit.release(act.outcome);
          await settled();
        } else if (act.kind === 'wait') {
          await clock.advance(act.ms);
        } else {
          doomed.abort(new Error('cancelled'));
          doomed = new AbortController();
          await settled();
          expect(limiter.state().waiting).toBe(0);
        }
        check();
      }
      // With the endpoint well again, everybody gets a turn.
      for (let i = 0; i < 200 && limiter.state().waiting + granted.length > 0; i++) {
        await clock.advance(60_000);
        await end(CLEAN);
      }
      expect(limiter.state()).toMatchObject({ inFlight: 0, waiting: 0 });
    }),
    { numRuns: 300 },
  );
});

it('backs off between half of the full wait and all of it', () => {
  for (let attempt = 1; attempt < 12; attempt++) {
    const full = Math.min(30_000, 500 * 2 ** (attempt - 1));
    expect(backOffMs(attempt, () => 0)).toBe(full / 2);
    expect(backOffMs(attempt, () => 0.999)).toBeLessThan(full);
  }
});
