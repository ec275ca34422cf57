/** Ctrl-C and its kin as an AbortSignal, so that what is under way can end in order. */
import { onStopSignal } from '../stack/signals.ts';

/** The reason with which the signal aborts: nothing went wrong, the user wants the command to end. */
class Interrupted extends Error {}

export type Interrupt = { signal: AbortSignal; dispose(): void };

export function listenForInterrupt(onFirst?: () => void): Interrupt {
  const controller = new AbortController();
  const dispose = onStopSignal(() => {
    onFirst?.();
    controller.abort(new Interrupted('interrupted'));
  });
  return { signal: controller.signal, dispose };
}
