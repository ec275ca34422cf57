/** Sends a run messages of all kinds at seeded random moments, most of them when it is about to continue as new. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WorkflowUpdateFailedError, type Client } from '@temporalio/client';
import { WorkflowNotFoundError } from '@temporalio/common';

export type Sent = {
  id: string;
  name: string;
  as: 'signal' | 'update';
  /** `delivered`: a signal; an update tells what became of it; `over`: there was no run any more. */
  outcome: 'delivered' | 'accepted' | 'refused' | 'over';
  answer?: string;
  /** Failures of the call after which the same update was sent again. */
  retries: string[];
};

/** A run continues as new at 1,000 events (workflows/improve.ts). */
const NEAR_EVENTS = 900;
const ATTEMPTS = 60;

/** mulberry32 */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function startSender(
  client: Client,
  runId: string,
  seed: number,
  info: (line: string) => void,
): { failed: Promise<never>; stop(): Promise<Sent[]> } {
  const random = generator(seed);
  const handle = client.workflow.getHandle(runId);
  const sent: Sent[] = [];
  let over = false;
  let near = false;
  let execution = '';
  let continued = 0;

  async function watch(): Promise<void> {
    while (!over) {
      const found = await handle.describe();
      if (execution !== found.runId) {
        if (execution) continued += 1;
        if (execution) info(`continued as new: execution ${continued + 1}`);
        execution = found.runId;
        // The first moments of an execution are as delicate as the last ones of the execution before.
        if (continued > 0) await sleep(1_000);
      }
      near = found.historyLength > NEAR_EVENTS;
      await sleep(100);
    }
  }

  async function send(name: string, args: object = {}): Promise<void> {
    if (over) return;
    const id = `m${sent.length + 1}`;
    const one: Sent = {
      id,
      name,
      as: random() < 0.4 ? 'update' : 'signal',
      outcome: 'delivered',
      retries: [],
    };
    sent.push(one);
    const message = { id, by: 'sender', ...args };
    for (let attempt = 1; ; attempt++) {
      try {
        if (one.as === 'signal') {
          await handle.signal(name, message);
        } else {
          const reply = await handle.executeUpdate<{ answer: string }, [unknown]>(name, {
            args: [message],
            updateId: id,
          });
          Object.assign(one, { outcome: 'accepted', answer: reply.answer });
        }
        return;
      } catch (error) {
        if (error instanceof WorkflowUpdateFailedError) {
          Object.assign(one, { outcome: 'refused', answer: error.cause?.message });
          return;
        }
        if (error instanceof WorkflowNotFoundError && (over || (await ended()))) {
          one.outcome = 'over';
          return;
        }
        if (one.as === 'signal' || attempt === ATTEMPTS) throw error;
        one.retries.push(`${(error as Error).name}: ${(error as Error).message}`);
        await sleep(500);
      }
    }
  }

  const ended = async () => (await handle.describe()).status.name !== 'RUNNING';
  /** Time for things to happen in; hardly any when the run is about to continue as new. */
  const wait = () => sleep(random() * (near ? 120 : 1_500));

  async function talk(): Promise<void> {
    let reset = false;
    while (!over) {
      await wait();
      const choice = random();
      if (continued > 0 && !reset) {
        reset = true;
        await send('resetCheckpoint', { to: 'base' });
      } else if (choice < 0.35) {
        await send('pause');
        await wait();
        // Whatever happens to the run, it does not stay paused.
        await send('resume');
      } else if (choice < 0.75) {
        await send('setBudget', { run: { tokens: 1e12 + Math.floor(random() * 1e9) } });
      } else if (choice < 0.93) {
        await send('retryIteration');
      } else {
        await send('skipIteration');
      }
    }
  }

  const watching = watch();
  const talking = talk();
  // A run that nobody resumes would wait for ever.
  const failed = new Promise<never>((_, reject) => {
    talking.catch(reject);
    watching.catch(reject);
  });
  failed.catch(() => {});
  return {
    failed,
    async stop() {
      over = true;
      await Promise.all([watching, talking]);
      return sent;
    },
  };
}
