import { CancellationScope, condition, isCancellation } from '@temporalio/workflow';
import { halted } from './failures.ts';

/** What a workflow passes at each safe point, so that it can be paused and stopped there. */
export type SafePoint = {
  /** Waits while paused. @throws Halted when it is to stop */
  pass(): Promise<void>;
  /** Runs something long that is cancelled when it is to stop. @throws Halted then */
  interruptible<T>(work: () => Promise<T>): Promise<T>;
};

export function createSafePoint(state: { readonly paused: boolean; readonly halt: boolean }): SafePoint {
  return {
    async pass() {
      if (state.paused) await condition(() => !state.paused || state.halt);
      if (state.halt) throw halted();
    },
    async interruptible(work) {
      const scope = new CancellationScope();
      const running = scope.run(work);
      let done = false;
      const settled = () => {
        done = true;
      };
      running.then(settled, settled);
      // Cancelled from outside, what is running is cancelled too, and still waited for.
      await CancellationScope.nonCancellable(() => condition(() => done || state.halt));
      if (!done) scope.cancel();
      try {
        return await running;
      } catch (error) {
        throw state.halt && isCancellation(error) ? halted() : error;
      }
    },
  };
}
