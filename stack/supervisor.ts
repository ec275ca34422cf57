// The background process of `ratchet up --detach`. It tells whoever started it each step, then goes on alone.
import { redacted, redactError } from '../process/secrets.ts';
import type { SupervisorMessage } from './detached.ts';
import { startStack } from './stack.ts';
import type { PartName } from './state.ts';
import { wasReported, type Step } from './steps.ts';

const { home, parts, models } = JSON.parse(process.argv[2]!) as {
  home: string;
  parts: PartName[];
  models?: string[];
};
const abort = new AbortController();
let ready = false;

function tell(message: SupervisorMessage): void {
  if (process.connected) process.send!(message, undefined, undefined, () => undefined);
}

function onStep(step: Step): void {
  tell({ step });
  if (step.phase !== 'start')
    console.log(new Date().toISOString(), step.name, step.phase, redacted(step.detail ?? ''));
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => abort.abort(new Error(`stopped by ${signal}`)));
process.once('disconnect', () => {
  if (!ready) abort.abort(new Error('the command that started the stack ended before it was ready'));
});

try {
  const stack = await startStack({ home, parts, models, onStep, signal: abort.signal });
  ready = true;
  tell({ ready: true });
  // Another one was quicker: the stack is its to watch.
  if (!stack.owned) process.exit(0);
  const failure = await Promise.race([
    stack.failed,
    new Promise<undefined>((resolve) => abort.signal.addEventListener('abort', () => resolve(undefined))),
  ]);
  await stack.stop();
  process.exit(failure ? 1 : 0);
} catch (error) {
  console.error(new Date().toISOString(), redactError(error));
  const message: SupervisorMessage = { error: (error as Error).message, reported: wasReported(error) };
  // Leave only when the message is out.
  if (process.connected) process.send!(message, undefined, undefined, () => process.exit(1));
  else process.exit(1);
}
